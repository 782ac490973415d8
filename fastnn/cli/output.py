"""Files a command writes: checked before the work begins, and written whole or not at all."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from fastnn import plots
from fastnn.errors import InputError
from fastnn.whole_file import write_whole


def check_writable(option: str, path: Path | None, *others: str | Path) -> None:
    """Raise InputError if the file of `option` could not be written, or is one of the `others`.

    Called before training: an hour of it must not be lost to a mistyped folder.
    """
    if path is None:
        return
    if path.is_dir():
        raise InputError(f"{option} {path} is a folder; give the name of a file")
    if path.exists() and not path.is_file():
        raise InputError(f"{option} {path} is no ordinary file, so it cannot be replaced by one")
    if any(_same(path, Path(other)) for other in others):
        raise InputError(f"{option} {path} would overwrite another file of this command; give another name")
    try:
        # Really making a file tells more than the permission bits do (root, read-only disks).
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise InputError(
            f"{option} {path} cannot be written: {error.strerror}: {path.parent.absolute()}"
        ) from None


def check_picture(option: str, path: Path | None, *others: str | Path) -> None:
    """`check_writable` for a picture: also that matplotlib is there and knows the format."""
    if path is None:
        return
    plots.require_matplotlib()
    if path.suffix.lower() not in plots.FORMATS:
        raise InputError(
            f"{option} {path} must end in {', '.join(plots.FORMATS[:-1])} or {plots.FORMATS[-1]}"
        )
    check_writable(option, path, *others)


def _same(path: Path, other: Path) -> bool:
    return path == other or (path.exists() and other.exists() and path.samefile(other))


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path`, whole or not at all."""
    try:
        write_whole(path, text.encode("utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}") from None


def write_picture(option: str, path: Path, draw: Callable[..., object]) -> None:
    """Call `draw(path=path)`, and turn an error of the disk into one line."""
    try:
        draw(path=path)
    except OSError as error:
        raise InputError(f"{option} {path} cannot be written: {error.strerror}") from None
