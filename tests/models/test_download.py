"""Pull weights from a real server on this machine: complete, resumed, wrong, interrupted and missing files."""

import hashlib
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from passerby.errors import ModelError, OutputError
from passerby.models import catalogue, download
from passerby.models.catalogue import RemoteFile, Weights

CONTENT = bytes(range(256)) * 1500
GRAPH = b"<net/>" * 1000


@dataclass
class Server:
    """The files that are served, the faults of the server, and (path, Range header) of each request."""

    files: dict[str, bytes]
    resumes: bool = True
    drops_after: int | None = None
    endless: bool = False
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    port: int = 0


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    state = Server({"/net.bin": CONTENT, "/net.xml": GRAPH})

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.requests.append((self.path, self.headers["Range"]))
            if self.path not in state.files:
                self.send_error(404)
                return
            content, start = state.files[self.path], 0
            if state.resumes and (asked := self.headers["Range"]):
                start = int(asked.removeprefix("bytes=").removesuffix("-"))
                if start >= len(content):
                    self.send_error(416)
                    return
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            else:
                self.send_response(200)
            if not state.endless:
                self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            stop = None if state.drops_after is None else start + state.drops_after
            self.wfile.write(content[start:stop])
            try:
                while state.endless:
                    self.wfile.write(content)
            except ConnectionError:
                pass  # the client has had enough, as it should

        def log_message(self, *_: object) -> None:
            """Nothing: the tests read `requests`."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        state.port = running.server_address[1]
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield state
        running.shutdown()
        thread.join()


@pytest.fixture
def known(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Weights:
    """One model of two files on that server, known as `net`; the cache is `tmp_path / "models"`."""
    files = tuple(
        RemoteFile(
            name, f"http://127.0.0.1:{server.port}/{name}", len(content), hashlib.sha256(content).hexdigest()
        )
        for name, content in (("net.bin", CONTENT), ("net.xml", GRAPH))
    )
    weight = Weights("net", "https://example.org", "Apache-2.0", "for tests", files=files)
    know(monkeypatch, weight)
    monkeypatch.setenv("PASSERBY_MODEL_DIR", str(tmp_path / "models"))
    return weight


def know(monkeypatch: pytest.MonkeyPatch, weight: Weights) -> None:
    monkeypatch.setattr(catalogue, "KNOWN", (weight,))
    monkeypatch.setattr(download, "KNOWN", (weight,))


def left(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_all_files_are_pulled_and_the_graph_is_returned(
    known: Weights, server: Server, tmp_path: Path
) -> None:
    seen: list[tuple[str, int, int]] = []
    path = download.pull("net", lambda *step: seen.append(step))
    assert path == tmp_path / "models" / "net.xml"
    assert left(path.parent) == {"net.bin": CONTENT, "net.xml": GRAPH}
    assert [(name, done) for name, done, of in seen if done == of] == [
        ("net.bin", len(CONTENT)),
        ("net.xml", len(GRAPH)),
    ]
    assert [done for name, done, _ in seen if name == "net.bin"] == sorted(
        done for name, done, _ in seen if name == "net.bin"
    )


def test_a_complete_file_is_not_downloaded_again(known: Weights, server: Server) -> None:
    download.pull("net")
    server.requests.clear()
    download.pull("net")
    assert server.requests == []


def test_a_wrong_file_is_replaced(known: Weights, server: Server, tmp_path: Path) -> None:
    path = download.pull("net")
    path.write_bytes(b"rotten")
    assert download.pull("net").read_bytes() == GRAPH


@pytest.mark.parametrize("resumes", [True, False])
def test_an_interrupted_pull_is_resumed(
    known: Weights, server: Server, tmp_path: Path, resumes: bool
) -> None:
    server.drops_after = 100_000
    with pytest.raises(
        ModelError, match=rf"net.bin: cut short at 100000 of {len(CONTENT)} bytes; pull again"
    ):
        download.pull("net")
    assert left(tmp_path / "models") == {"net.bin.part": CONTENT[:100_000]}
    server.drops_after, server.resumes = None, resumes
    download.pull("net")
    assert left(tmp_path / "models") == {"net.bin": CONTENT, "net.xml": GRAPH}
    assert server.requests == [("/net.bin", None), ("/net.bin", "bytes=100000-"), ("/net.xml", None)]


def test_a_complete_part_is_only_verified(known: Weights, server: Server, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "net.bin.part").write_bytes(CONTENT)
    download.pull("net")
    assert [path for path, _ in server.requests] == ["/net.xml"]


@pytest.mark.parametrize("endless", [False, True])
def test_a_download_with_another_hash_is_removed(
    known: Weights, server: Server, tmp_path: Path, endless: bool
) -> None:
    server.files["/net.bin"] = bytes(len(CONTENT))
    server.endless = endless
    with pytest.raises(ModelError, match=r"net.bin: SHA-256 is [0-9a-f]{64}, expected [0-9a-f]{64}; removed"):
        download.pull("net")
    assert left(tmp_path / "models") == {}


def test_a_part_that_is_longer_than_the_file_is_downloaded_again(
    known: Weights, server: Server, tmp_path: Path
) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "net.bin.part").write_bytes(bytes(2000))
    server.files["/net.bin"] = CONTENT[:1000]
    with pytest.raises(ModelError, match="416"):
        download.pull("net")
    server.files["/net.bin"] = CONTENT
    assert download.pull("net").read_bytes() == GRAPH


def test_a_file_that_the_maker_removed_is_an_error(known: Weights, server: Server, tmp_path: Path) -> None:
    del server.files["/net.bin"]
    with pytest.raises(
        ModelError, match=r"net.bin: http://.*/net.bin could not be downloaded \(404 Not Found\)"
    ) as error:
        download.pull("net")
    assert f"put it at {tmp_path / 'models' / 'net.bin'}" in str(error.value)
    assert "\n" not in str(error.value)


def test_without_a_network_the_error_names_the_file_and_its_place(
    known: Weights, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    file = replace(known.files[0], url=f"http://127.0.0.1:{port}/net.bin")
    know(monkeypatch, replace(known, files=(file,)))
    with pytest.raises(ModelError, match=r"could not be downloaded \(.*refused.*\)") as error:
        download.pull("net")
    assert f"get that file elsewhere and put it at {tmp_path / 'models' / 'net.bin'}" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_folder_that_cannot_be_written_is_an_error(
    known: Weights, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("PASSERBY_MODEL_DIR", str(tmp_path / "file" / "models"))
    with pytest.raises(OutputError, match=r"net.bin: cannot be written \(Not a directory\)"):
        download.pull("net")


def test_a_name_that_cannot_be_pulled_is_an_error_with_the_reason(
    known: Weights, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match="yolov9: no such model; expected one of net"):
        download.pull("yolov9")
    know(monkeypatch, replace(known, files=()))
    with pytest.raises(
        ModelError, match=r"net: its maker publishes no hash .*; get it at https://example.org and put"
    ):
        download.pull("net")


def test_the_list_shows_the_files_on_this_machine(known: Weights) -> None:
    assert [(listed.weights.name, listed.path) for listed in download.list_models()] == [("net", None)]
    path = download.pull("net")
    assert download.list_models()[0].path == path


def test_an_answer_that_never_comes_is_given_up_in_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Also where a name server keeps it waiting, which no time limit of a connection covers."""
    asked = threading.Event()
    monkeypatch.setattr(download, "pull", lambda *_, **__: asked.wait(20))
    began_s = time.monotonic()
    reason = download.pull_or_reason("yolox_nano", tmp_path, first_s=0.2)
    asked.set()
    assert reason == "yolox_nano: no answer within 0.2 s; passerby models pull yolox_nano tries again"
    assert time.monotonic() - began_s < 10


def test_why_a_download_failed_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refused(*_: object, **__: object) -> Path:
        raise ModelError("net.xml: could not be downloaded")

    monkeypatch.setattr(download, "pull", refused)
    assert download.pull_or_reason("net", tmp_path) == "net.xml: could not be downloaded"


def test_a_file_is_added_with_its_weights_and_never_over_another(tmp_path: Path) -> None:
    given, kept = tmp_path / "given", tmp_path / "kept"
    given.mkdir()
    (given / "net.xml").write_bytes(GRAPH)
    (given / "net.bin").write_bytes(CONTENT)
    assert download.add(given / "net.xml", kept) == kept / "net.xml"
    assert (kept / "net.bin").read_bytes() == CONTENT
    assert download.add(given / "net.xml", kept) == kept / "net.xml"  # again: nothing changes
    (given / "net.bin").write_bytes(b"other")
    with pytest.raises(ModelError, match="another file of that name is there, expected none"):
        download.add(given / "net.xml", kept)
