"""What a bucket has counts as the same files do, by s3fs and a simulated S3 on loopback."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.sample_videos import NORTH, numbers_of

pytestmark = pytest.mark.server

for name in ("s3fs", "moto", "flask", "flask_cors"):
    pytest.importorskip(name, reason="s3fs and moto are not installed")

KEY = {
    "AWS_ACCESS_KEY_ID": "who-may-read",
    "AWS_SECRET_ACCESS_KEY": "a-secret-key",
    "AWS_DEFAULT_REGION": "us-east-1",
}
UPLOAD = """
import pathlib, sys, s3fs
bucket = s3fs.S3FileSystem()
bucket.mkdir("city-recordings")
for path in sys.argv[1:]:
    bucket.put_file(path, "city-recordings/north/" + pathlib.Path(path).name)
"""


@pytest.fixture(scope="module")
def bucket(north: Path) -> Iterator[dict[str, str]]:
    """The environment in which the bucket's keys and endpoint are known."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    said = {**os.environ, **KEY, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=said,
    )
    try:
        _wait(server, port)
        subprocess.run(
            [sys.executable, "-c", UPLOAD, *(str(north / name) for name in NORTH)], env=said, check=True
        )
        yield said
    finally:
        server.terminate()
        server.wait(30)


def _wait(server: "subprocess.Popen[bytes]", port: int) -> None:
    until_s = time.monotonic() + 60
    while time.monotonic() < until_s and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("moto did not begin to serve")


def run(said: dict[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
    options = [
        "--line",
        "middle=0.5,0:0.5,1",
        "--detector",
        "motion",
        "--timezone",
        "UTC",
        "--format",
        "json",
    ]
    return subprocess.run(
        [sys.executable, "-m", "passerby", "count", *words, *options],
        env=said,
        capture_output=True,
        text=True,
    )


def numbers(ended: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
    """Without what it cost, and where the files lie."""
    assert ended.returncode == 0, ended.stderr
    return numbers_of(ended.stdout)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_bucket_counts_as_its_files_do_here(north: Path, bucket: dict[str, str], jobs: str) -> None:
    found = numbers(run(bucket, "s3://city-recordings/north/", "--jobs", jobs))
    assert found == numbers(run(bucket, str(north)))
    assert found["totals"]


def test_one_recording_of_a_bucket_counts_as_it_does_here(north: Path, bucket: dict[str, str]) -> None:
    url = f"s3://city-recordings/north/{NORTH[1]}"
    assert numbers(run(bucket, url)) == numbers(run(bucket, str(north / NORTH[1])))


@pytest.mark.parametrize(
    "path", ["city-recordings/north/south.mp4", "no-such-bucket/north/", "city-recordings/south/"]
)
def test_an_object_that_does_not_exist_is_reported_in_one_line(bucket: dict[str, str], path: str) -> None:
    ended = run(bucket, f"s3://{path}")
    assert ended.returncode == 2
    assert path.rpartition("/")[0].rpartition("/")[2] in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "a-secret-key" not in ended.stderr + ended.stdout
