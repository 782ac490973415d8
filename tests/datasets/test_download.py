"""Downloads, against a server on this machine: whole or not at all, from the first mirror that works."""

import gzip
import hashlib
import io
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from fastnn.datasets import download, load
from fastnn.datasets.download import RemoteFile, Source, locate
from fastnn.datasets.mnist import FASHION_MNIST, MNIST, read_mnist
from fastnn.errors import DataError, DownloadError

from .idx_bytes import four_files

UNPACKED = four_files(seed=1)
PACKED = {f"{name}.gz": gzip.compress(content, mtime=0) for name, content in UNPACKED.items()}
OTHER = {f"{name}.gz": gzip.compress(content, mtime=0) for name, content in four_files(seed=2).items()}
NAMES = list(PACKED)


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Serve PACKED; the first part of the path says how: good, cut, bad, slow, or a status."""

    def do_GET(self) -> None:
        _, how, name = self.path.split("/")
        self.server.requests.append(self.path)
        if how.isdigit():
            self.send_error(int(how))
            return
        content = OTHER[name] if how == "bad" else PACKED[name]
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if how == "slow":
            self.wfile.flush()
            self.server.released.wait(5)
        self.wfile.write(content[: len(content) // 2] if how == "cut" else content)

    def log_message(self, *_: object) -> None:
        """Keep the test output clean."""


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.requests, server.released = [], threading.Event()
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.released.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty FASTNN_DATA_DIR, and no proxy between us and our server."""
    monkeypatch.setenv("FASTNN_DATA_DIR", str(tmp_path / "data"))
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "127.0.0.1")
    return tmp_path / "data"


def dead_address() -> str:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{unused.getsockname()[1]}/"


def source(server: ThreadingHTTPServer, *mirrors: str) -> Source:
    base = f"http://127.0.0.1:{server.server_address[1]}/"
    files = tuple(
        RemoteFile(name, len(content), digest(content), digest(UNPACKED[name.removesuffix(".gz")]))
        for name, content in PACKED.items()
    )
    addresses = (dead_address() if mirror == "dead" else f"{base}{mirror}/" for mirror in mirrors)
    return Source("tiny", files, tuple(addresses))


def left_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_whole_set_is_fetched_once(
    server: ThreadingHTTPServer, folder: Path, capsys: pytest.CaptureFixture[str]
):
    tiny = source(server, "good")
    X, y = read_mnist(tiny, "train")
    assert X.shape == (6, 6)
    assert y.shape == (6,)
    assert left_in(folder) == {os.path.join("tiny", name): content for name, content in PACKED.items()}
    assert sorted(server.requests) == sorted(f"/good/{name}" for name in NAMES)
    captured = capsys.readouterr()
    assert captured.err == f"Downloading tiny (0.0 MB) to {folder / 'tiny'}\n"
    assert captured.out == ""
    assert read_mnist(tiny, "test")[0].shape == (4, 6)
    np.testing.assert_array_equal(read_mnist(tiny, "train")[0], X)
    assert len(server.requests) == 4
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("first", ["dead", "404", "500", "cut", "bad"])
def test_second_mirror_takes_over(server: ThreadingHTTPServer, folder: Path, first: str):
    assert read_mnist(source(server, first, "good"), "test")[0].shape == (4, 6)
    assert left_in(folder) == {os.path.join("tiny", name): content for name, content in PACKED.items()}
    if first != "dead":  # a mirror that failed is not asked first again
        assert sum(f"/{first}/" in path for path in server.requests) == 1


REASONS = {
    "dead": "no connection",
    "404": "HTTP 404",
    "500": "HTTP 500",
    "cut": "cut off|SHA-256 differs",
    "bad": "SHA-256 differs",
}


@pytest.mark.parametrize("how", REASONS)
def test_nothing_works(server: ThreadingHTTPServer, folder: Path, how: str):
    with pytest.raises(DownloadError, match=REASONS[how]) as caught:
        read_mnist(source(server, how, "dead"), "train")
    message = str(caught.value)
    assert "\n" not in message
    for part in (*NAMES, str(folder / "tiny"), "'digits'", "no connection"):
        assert part in message
    assert left_in(folder) == {}


def test_a_silent_server_does_not_hang(
    server: ThreadingHTTPServer, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(download, "TIMEOUT", (1, 0.2))
    start = time.perf_counter()
    with pytest.raises(DownloadError, match="timed out"):
        read_mnist(source(server, "slow"), "train")
    assert time.perf_counter() - start < 4
    assert left_in(folder) == {}


def test_only_what_is_missing_is_fetched(server: ThreadingHTTPServer, folder: Path):
    tiny = source(server, "good")
    locate(tiny, NAMES)
    (folder / "tiny" / NAMES[0]).write_bytes(b"damaged on the disk")
    server.requests.clear()
    read_mnist(tiny, "train")
    assert server.requests == [f"/good/{NAMES[0]}"]


def test_progress_bar_on_a_terminal_only(
    server: ThreadingHTTPServer, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    read_mnist(source(server, "good"), "train")
    assert "100%" in terminal.getvalue()


@pytest.mark.parametrize("subfolder", [".", "tiny"])
@pytest.mark.parametrize("packed", [True, False])
def test_files_that_are_there_need_no_network(
    server: ThreadingHTTPServer, folder: Path, subfolder: str, packed: bool
):
    (folder / subfolder).mkdir(parents=True)
    for name, content in (PACKED if packed else UNPACKED).items():
        (folder / subfolder / name).write_bytes(content)
    assert read_mnist(source(server), "train")[0].shape == (6, 6)
    assert server.requests == []


def test_files_of_another_data_set_are_not_taken(server: ThreadingHTTPServer, folder: Path):
    """MNIST and Fashion-MNIST use the same names."""
    folder.mkdir()
    for name, content in OTHER.items():
        (folder / name).write_bytes(content)
    with pytest.raises(DownloadError):
        read_mnist(source(server, "404"), "train")
    read_mnist(source(server, "good"), "train")
    assert {name: (folder / name).read_bytes() for name in OTHER} == OTHER
    assert len(list((folder / "tiny").iterdir())) == 4


def test_unpacked_files_of_unknown_checksum_are_not_taken(server: ThreadingHTTPServer, folder: Path):
    folder.mkdir()
    for name, content in UNPACKED.items():
        (folder / name).write_bytes(content)
    tiny = source(server, "404")
    tiny = replace(tiny, files=tuple(replace(file, sha256_unpacked=None) for file in tiny.files))
    with pytest.raises(DownloadError):
        read_mnist(tiny, "train")


def test_folder_that_cannot_be_made(server: ThreadingHTTPServer, folder: Path):
    folder.write_text("a file where the folder should be")
    with pytest.raises(DataError, match=r"cannot be created .* FASTNN_DATA_DIR"):
        read_mnist(source(server, "good"), "train")


def test_default_folder(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("FASTNN_DATA_DIR", raising=False)
    (folder,) = download.data_folders("mnist")
    assert folder.name == "mnist"
    assert "fastnn" in folder.parts


def test_the_real_sources_are_complete():
    checksums = [file.sha256 for each in (MNIST, FASHION_MNIST) for file in each.files]
    assert len(set(checksums)) == 8
    assert all(len(checksum) == 64 for checksum in checksums)
    for each in (MNIST, FASHION_MNIST):
        assert len(each.mirrors) > 1
        assert all(mirror.endswith("/") for mirror in each.mirrors)
        assert [file.name for file in each.files] == NAMES


def test_real_mnist():
    folders = download.data_folders("mnist") if os.environ.get("FASTNN_DATA_DIR") else []
    if not any(download._find(MNIST.files[0], [folder]) for folder in folders):
        pytest.skip("needs FASTNN_DATA_DIR with the official MNIST files")
    X, y = load("mnist")
    assert (X.shape, X.dtype, y.shape, y.dtype) == ((60000, 784), np.uint8, (60000,), np.int64)
    assert y[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert abs(X.mean() - 33.318) < 0.001
    X, y = load("mnist", "test")
    assert X.shape == (10000, 784)
    assert y[:5].tolist() == [7, 2, 1, 0, 4]
