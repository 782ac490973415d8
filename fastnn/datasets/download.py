"""Files of public data sets: found on this machine, or fetched by pooch from the first mirror that works."""

import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fastnn.datasets.files import sha256
from fastnn.datasets.idx_folder import spellings
from fastnn.errors import DataError, DownloadError

# Seconds to connect, and seconds without a single byte: a dead mirror must not hang a training.
TIMEOUT = (10, 30)


@dataclass(frozen=True)
class RemoteFile:
    """One file of a data set: its name, its size in bytes, and its SHA-256 gzipped and unpacked."""

    name: str
    n_bytes: int
    sha256: str
    sha256_unpacked: str | None = None  # None: not known, an unpacked copy is not recognised


@dataclass(frozen=True)
class Source:
    """A data set and the addresses (ending in a slash) that serve its files, tried in order."""

    name: str
    files: tuple[RemoteFile, ...]
    mirrors: tuple[str, ...]


def locate(source: Source, names: Sequence[str]) -> list[Path]:
    """Return where the files `names` of a data set lie, downloading the whole set if one is missing.

    Only a file whose SHA-256 is right counts, so MNIST is never taken for Fashion-MNIST, whose files
    have the same names. Looked at, in this order:

    FASTNN_DATA_DIR            the folder itself: official files, gzipped or (where known) unpacked
    FASTNN_DATA_DIR/<name>     the same; downloads go here
    <user's cache>/fastnn/<name>   instead of both, where FASTNN_DATA_DIR is not set

    Errors   DownloadError when no mirror delivers; DataError when the folder cannot be written
    """
    folders = data_folders(source.name)
    files = {file.name: file for file in source.files}
    wanted = [files[name] for name in names]
    paths = [_find(file, folders) for file in wanted]
    if None in paths:
        _fetch(source, folders)
        paths = [_find(file, folders) for file in wanted]
    return [path for path in paths if path is not None]


def data_folders(name: str) -> list[Path]:
    """List the folders a data set is looked for in; downloads go to the last."""
    chosen = os.environ.get("FASTNN_DATA_DIR")
    if chosen:
        folder = Path(chosen).expanduser()
        return [folder, folder / name]
    import pooch  # here and below: 0.15 s that `import fastnn` need not pay

    return [Path(pooch.os_cache("fastnn")) / name]


def _find(file: RemoteFile, folders: Sequence[Path]) -> Path | None:
    known = {file.sha256, file.sha256_unpacked}
    for folder in folders:
        for name in spellings(file.name.removesuffix(".gz")):
            path = folder / name
            if path.is_file() and sha256(path) in known:
                return path
    return None


def _fetch(source: Source, folders: Sequence[Path]) -> None:
    """Download the files of a data set that are not there yet."""
    folder = folders[-1]
    missing = [file for file in source.files if _find(file, folders) is None]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"{folder}: cannot be created ({error.strerror}); set FASTNN_DATA_DIR to a folder for data"
        ) from None
    megabytes = sum(file.n_bytes for file in missing) / 1e6
    print(f"Downloading {source.name} ({megabytes:.1f} MB) to {folder}", file=sys.stderr)
    mirrors = list(source.mirrors)
    for file in missing:
        _fetch_file(source, file, folder, mirrors)


def _fetch_file(source: Source, file: RemoteFile, folder: Path, mirrors: list[str]) -> None:
    """Download one file; a mirror that fails is moved to the end of `mirrors` for the files to come."""
    failures = []
    for mirror in tuple(mirrors):
        try:
            _retrieve(mirror, file, folder)
            return
        except (OSError, ValueError) as error:  # requests raises OSErrors, pooch ValueErrors
            failures.append(f"{mirror}{file.name}: {_reason(error)}")
            mirrors.append(mirrors.pop(mirrors.index(mirror)))
    names = ", ".join(each.name for each in source.files)
    raise DownloadError(
        f"{source.name} could not be downloaded ({'; '.join(failures)}); put {names} into {folder}, "
        "or use 'digits', which needs no download"
    )


def _retrieve(mirror: str, file: RemoteFile, folder: Path) -> None:
    """Fetch into a temporary file beside the target, check its SHA-256, move it into place (pooch)."""
    import pooch

    downloader = pooch.HTTPDownloader(
        progressbar=sys.stderr is not None and sys.stderr.isatty(), chunk_size=1 << 16, timeout=TIMEOUT
    )
    with _quiet(pooch.get_logger()):
        pooch.retrieve(
            mirror + file.name, f"sha256:{file.sha256}", fname=file.name, path=folder, downloader=downloader
        )


@contextmanager
def _quiet(logger: logging.Logger) -> Iterator[None]:
    """Keep pooch from announcing every file: one line has said it all."""
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


def _reason(error: Exception) -> str:
    """Say in a few words why a download failed; the libraries' own messages run over several lines."""
    response = getattr(error, "response", None)
    if response is not None:
        return f"HTTP {response.status_code}"
    if isinstance(error, PermissionError) and error.filename:
        return f"{error.filename} cannot be written"
    kind = type(error).__name__
    if "timed out" in str(error) or "Timeout" in kind:
        return "timed out"
    known = {
        "ConnectionError": "no connection",
        "ProxyError": "the proxy refused",
        "SSLError": "no trusted certificate",
        "ChunkedEncodingError": "cut off",
        "ValueError": "wrong content (SHA-256 differs)",
    }
    return known.get(kind) or str(error).partition("\n")[0]
