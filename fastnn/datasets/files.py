"""Opening files: gzip unpacked on the fly, and every failure one DataError line that names the file.

Nothing a file says of its own size is believed: what is read into memory is bounded by its size on the disk.
"""

import gzip
import hashlib
import io
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from fastnn.errors import DataError

GZIP_MAGIC = b"\x1f\x8b"
# Packed data may unpack to so many bytes, and so many times their size more. Real data pack 2 to 50 times
# smaller, a gzip bomb a thousand times.
UNPACKED_BYTES, UNPACKED_TIMES = 1 << 24, 100


def most_unpacked(n_packed: int) -> int:
    """Bytes to which so many packed ones may unpack."""
    return UNPACKED_BYTES + UNPACKED_TIMES * n_packed


class _Unpacked(gzip.GzipFile):
    """A gzip stream that ends with a DataError where it unpacks to more than real data do."""

    def __init__(self, raw: BinaryIO, path: Path) -> None:
        super().__init__(fileobj=raw, mode="rb")
        self._path, self._most = path, most_unpacked(os.fstat(raw.fileno()).st_size)

    def read(self, size: int | None = -1) -> bytes:
        """See io.BufferedIOBase."""
        room = self._most + 1 - self.tell()
        content = super().read(room if size is None or size < 0 else min(size, room))
        if self.tell() > self._most:
            raise DataError(
                f"{self._path}: unpacks to more than {UNPACKED_TIMES} times its size, as gzip bombs do; if "
                "it is sound, unpack it yourself (gunzip)"
            )
        return content


@contextmanager
def open_binary(path: Path) -> Iterator[BinaryIO]:
    """Open `path` for reading bytes; a gzipped file (known by its content, not its name) is unpacked.

    Errors   DataError when the file is missing, unreadable, no ordinary file (a pipe would block), or its
             gzip stream is damaged, cut off or a bomb, also when that shows only while reading inside the
             `with` block
    """
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            raise DataError(f"{path}: is no ordinary file; save what it gives to one")
        with path.open("rb") as raw:
            if raw.peek(2)[:2] == GZIP_MAGIC:
                with _Unpacked(raw, path) as unpacked:
                    yield cast(BinaryIO, unpacked)
            else:
                yield raw
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise DataError(f"{path}: is a folder, a file is needed") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path}: the gzip data is damaged or cut off ({error}); fetch it again") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from None


def kind_of(path: Path) -> str:
    """Say what a file holds by its first bytes: "npz", "npy", "idx" or "csv".

    Names lie (and the official IDX files have no suffix), so content decides.
    Errors   DataError for an empty file and for binary data of any other kind
    """
    with open_binary(path) as file:
        head = file.read(1024)
    if not head:
        raise DataError(f"{path}: the file is empty")
    if head.startswith(b"PK\x03\x04") or head.startswith(b"PK\x05\x06"):
        return "npz"
    if head.startswith(b"\x93NUMPY"):
        return "npy"
    if head.startswith(b"\0\0"):
        return "idx"
    if b"\0" in head:
        raise DataError(f"{path}: not a format fastnn reads (it reads CSV in UTF-8, .npz, .npy and IDX)")
    return "csv"


def read_text(path: Path) -> str:
    """Read a whole UTF-8 text file (gzipped or not), without its byte order mark."""
    with open_binary(path) as file:
        content = file.read()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(f"{path}, line {line}: not UTF-8 text; save the file as UTF-8") from None


def read_exactly(file: BinaryIO, n_bytes: int) -> bytearray:
    """Read up to `n_bytes`, growing with what really arrives.

    A damaged header can claim terabytes: `file.read(n_bytes)` would allocate them first.
    """
    content = bytearray()
    while len(content) < n_bytes:
        chunk = file.read(min(n_bytes - len(content), 16 * io.DEFAULT_BUFFER_SIZE))
        if not chunk:
            break
        content += chunk
    return content


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes as they lie on the disk, in hexadecimal."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from None
