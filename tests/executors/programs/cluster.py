"""Start a cluster of two nodes and count on it: python cluster.py FOLDER. Prints the results as JSON.

Run it in its own network and process namespaces, so that nodes end with all the processes that they started.
"""

import json
import os
import secrets
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

PORT = 6399
NODE = [
    "--num-cpus=1",
    "--node-ip-address=127.0.0.1",
    "--object-store-memory=80000000",
    "--disable-usage-stats",
]
ALONE = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]


def main(folder: Path) -> None:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    os.environ |= {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        "RAY_USAGE_STATS_ENABLED": "0",
        "HOME": str(folder),
    }
    videos = folder / "videos"
    started: list[subprocess.Popen[bytes]] = []
    report: dict[str, Any] = {}
    try:
        started.append(_head(folder))
        node = _node(started)
        _wait_for(2)
        report["listening"] = _listening()

        node.kill()
        node.wait()
        hidden = _node(started, f"mount -t tmpfs none {videos} && ")
        _wait_for(2)
        report["a node without the files"] = _count(videos, folder / "hidden.csv")
        hidden.kill()
        hidden.wait()

        node = _node(started)
        _wait_for(2)
        report["a node killed"] = _count(videos, folder / "killed.csv", node)
        report["one node"] = _count(videos, folder / "one.csv")
        report["another token"] = _count(videos, folder / "token.csv", token=secrets.token_hex(32))
        report["no token"] = _count(videos, folder / "token.csv", token="")
    finally:
        for node in started:
            node.kill()
    print(json.dumps(report))


def _head(folder: Path) -> "subprocess.Popen[bytes]":
    words = ["ray", "start", "--head", f"--port={PORT}", "--include-dashboard=false", "--block"]
    return _ray([*words, f"--temp-dir={folder / 'ray'}", *NODE])


def _node(started: "list[subprocess.Popen[bytes]]", before: str = "") -> "subprocess.Popen[bytes]":
    words = ["ray", "start", f"--address=127.0.0.1:{PORT}", "--block", *NODE]
    started.append(_ray([*ALONE, "sh", "-c", before + "exec " + " ".join(words)]))
    return started[-1]


def _ray(words: list[str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _wait_for(nodes: int) -> None:
    """Wait until the cluster has exactly this number of active nodes. Raises TimeoutError."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        ended = subprocess.run(
            ["ray", "status", f"--address=127.0.0.1:{PORT}"],
            capture_output=True,
            text=True,
            check=False,
        )
        active = ended.stdout.partition("Active:")[2].partition("Pending:")[0]
        if active.count("node_") == nodes:
            return
        time.sleep(1)
    raise TimeoutError(f"no cluster of {nodes} nodes: {ended.stdout} {ended.stderr}")


def _listening() -> list[str]:
    """Every TCP address of this namespace that a process listens on."""
    found = subprocess.run(["ss", "-ltnH"], capture_output=True, text=True, check=True)
    return sorted({line.split()[3].rpartition(":")[0] for line in found.stdout.splitlines()})


def _count(
    videos: Path, out: Path, node: "subprocess.Popen[bytes] | None" = None, token: str | None = None
) -> dict[str, Any]:
    """Count the folder on the cluster; `node` is killed when a part of the work is done."""
    words = [sys.executable, "-m", "passerby", "count", str(videos), "--line", "middle=0.5,0:0.5,1"]
    words += ["--detector", "motion", "--timezone", "UTC", "--format", "csv", "--out", str(out)]
    words += ["--quiet", "--resume", "--executor", "ray", "--address", f"127.0.0.1:{PORT}"]
    environment = dict(os.environ) if token is None else os.environ | {"RAY_AUTH_TOKEN": token}
    began = subprocess.Popen(
        words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    was_amid = None
    if node is not None:
        kept = out.with_name(out.name + ".resume")
        while began.poll() is None and not (kept.exists() and kept.read_bytes().count(b"\n") >= 2):
            time.sleep(0.01)
        node.kill()
        node.wait()
        was_amid = began.poll() is None and not out.exists()
    stdout, stderr = began.communicate(timeout=200)
    return {
        "code": began.returncode,
        "stdout": stdout,
        "stderr": stderr.splitlines(),
        "amid": was_amid,
        "left": sorted(path.name for path in out.parent.glob(out.name + "*")),
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
