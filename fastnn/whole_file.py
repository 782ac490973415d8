"""Writes a file whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import glob
import os
import tempfile
from pathlib import Path

UNFINISHED = ".part"  # how the names of temporary files end


def write_whole(path: Path, content: bytes) -> None:
    """Write `content` to `path`, replacing an older file; a reader sees the old or the new one, never a part.

    A temporary file in the same folder is filled and moved into place. Raises OSError, and then leaves the
    folder as it was.
    """
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "it is not an ordinary file")
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=UNFINISHED, dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def check_writable(path: Path) -> None:
    """Raise OSError, as `write_whole` would, where `path` cannot be written; leaves the folder as it was."""
    if path.is_dir():
        raise OSError(errno.EISDIR, "it is a folder")
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "it is not an ordinary file")
    # Really making a file tells more than the permission bits do (root, read-only disks).
    with tempfile.TemporaryFile(dir=path.parent):
        pass


def remove_unfinished(path: Path) -> None:
    """Remove what processes left that were killed while they wrote `path`."""
    for leftover in path.parent.glob(f".{glob.escape(path.name)}.*{UNFINISHED}"):
        with contextlib.suppress(OSError):
            leftover.unlink()


def _umask() -> int:
    # mkstemp makes files only their owner can read; this one gets the mode an ordinary new file would.
    mask = os.umask(0)
    os.umask(mask)
    return mask
