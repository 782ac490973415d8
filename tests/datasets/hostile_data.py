"""Data files that lie about their sizes, bombs, and sound ones to be damaged: IDX, CSV, npz and npy."""

import gzip
import io
import struct
import zipfile
from typing import Any

import numpy as np

from tests.datasets.idx_bytes import idx_bytes

X = np.arange(60, dtype=np.uint8).reshape(12, 5)
Y = np.arange(12) % 3


def npy(shape: str, descr: Any = "<f8", data: bytes = b"", fortran: str = "False", version: int = 1) -> bytes:
    """An .npy whose header says so."""
    text = f"{{'descr': {descr!r}, 'fortran_order': {fortran}, 'shape': {shape}, }}".encode()
    text += b" " * (63 - (len(text) + 10) % 64) + b"\n"
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H", len(text)) + text + data


def npz(*members: tuple[str, bytes], packing: int = zipfile.ZIP_STORED) -> bytes:
    """A zip of these members, names as they are."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", packing) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content, packing)
    return file.getvalue()


def saved(**arrays: Any) -> bytes:
    """What np.savez writes."""
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


LABELS = npy("(3,)", "<i8", bytes(24))


def with_features(content: bytes) -> bytes:
    return npz(("X.npy", content), ("y.npy", LABELS))


def csv(rows: int, label: str = "1") -> bytes:
    return b"label,a,b\n" + f"{label},2,3\n".encode() * rows


def idx(*shape: int, data: bytes = b"", code: int = 8) -> bytes:
    return bytes([0, 0, code, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + data


BY_HAND = {
    # npz and npy: headers that lie
    "more values than bytes": with_features(npy("(300000000,)")),
    "more than memory holds": with_features(npy("(1000000000000,)")),
    "sizes that overflow": with_features(npy("(4294967296, 4294967296)")),
    "negative size": with_features(npy("(-1, -3)", data=bytes(24))),
    "sizes with fractions": with_features(npy("(3, 1e3)")),
    "a bool for a size": with_features(npy("(True, 3)")),
    "nested sizes": with_features(npy("(" * 3000 + ")" * 3000)),
    "sizes that are code": with_features(npy("(__import__('os').getpid(),)")),
    "empty and huge": with_features(npy("(0, 4294967296, 4294967296, 4294967296)")),
    "forty dimensions": with_features(npy("(" + "1, " * 40 + ")", data=bytes(8))),
    "fewer values than bytes": with_features(npy("(3, 1)", data=bytes(48))),
    "text of a huge width": with_features(npy("(3, 1)", "<U100000000", bytes(48))),
    "objects": with_features(npy("(3, 1)", "|O", b"cos\nsystem\n(S'true'\ntR.")),
    "records with objects": with_features(npy("(3, 1)", "O,O", bytes(48))),
    "records": with_features(npy("(3, 1)", "f4,f4", bytes(24))),
    "dates": with_features(npy("(3, 1)", "<M8[s]", bytes(24))),
    "complex": with_features(npy("(3, 1)", "<c16", bytes(48))),
    "no type": with_features(npy("(3, 1)", "nonsense", bytes(24))),
    "version from the future": with_features(npy("(3, 1)", data=bytes(24), version=9)),
    "header cut off": with_features(npy("(3, 1)")[:20]),
    "a pickle": with_features(b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R."),
    "not finite": with_features(npy("(3, 1)", data=np.full(3, np.nan).tobytes()))[:-30],
    "one name twice": npz(("X.npy", npy("(3, 1)", data=bytes(24))), ("x.npy", LABELS), ("y.npy", LABELS)),
    "other packing": npz(
        ("X.npy", npy("(3, 1)", data=bytes(24))), ("y.npy", LABELS), packing=zipfile.ZIP_LZMA
    ),
    "names that break lines": npz(("evil\nname\x1b[31m.npy", LABELS)),
    "a name without end": npz(("e" * 60_000 + ".npy", LABELS)),
    "a way out of the folder": npz(("../../X.npy", LABELS)),
    "zip without its end": with_features(npy("(3, 1)", data=bytes(24)))[:-22],
    "zip that is only an end": b"PK\x05\x06" + bytes(18),
    # IDX
    "IDX of terabytes": idx(2**32 - 1, 2**32 - 1, 2**32 - 1),
    "IDX empty and huge": idx(0, 2**32 - 1, 2**32 - 1),
    "IDX of 255 dimensions": b"\0\0\x08\xff" + bytes(1020),
    "IDX cut off": idx_bytes(X)[:-1],
    # CSV
    "a label without end": csv(20_000) + b"x" * 100_000 + b",1,2\n",
    "a number without end": csv(3) + b"1," + b"9" * 100_000 + b",3\n",
    "a quote that never ends": csv(3) + b'"' + b"a,\n" * 50_000,
    "other widths": csv(3) + b"1,2\n",
    "many columns": b"," * 50_000 + b"\n" + b"1,2\n",
    "not finite in text": csv(3) + b"1,nan,1e999\n",
    "nulls": csv(3) + b"1,\0,3\n",
    "other encoding": csv(3).decode().encode("utf-16"),
    "half a letter": csv(3, "\u732b")[:-7],
    "header alone": b"label,a,b\n",
    # gzip
    "gzip cut off": gzip.compress(csv(1000))[:-9],
    "gzip in gzip": gzip.compress(gzip.compress(csv(9))),
    "gzip of nothing": gzip.compress(b""),
}


def bombs() -> dict[str, bytes]:
    """A few hundred kilobytes each, which unpack to 200 MB."""
    zeros, times = bytes(2_000_000), 100  # several gzip streams in a row are read as one
    packed = gzip.compress(zeros) * times
    array = npy("(25000000,)", data=zeros * times)
    return {
        "IDX": gzip.compress(idx(200_000_000, 1)) + packed,
        "IDX that lies": gzip.compress(idx(2**31, 1)) + packed,
        "CSV": gzip.compress(b"1,2\n" * 500_000) * times,
        "CSV in one line": gzip.compress(b"1" * 2_000_000) * times,
        "npy": gzip.compress(npy("(25000000,)")) + packed,
        "npz": npz(("X.npy", array), ("y.npy", LABELS), packing=zipfile.ZIP_DEFLATED),
        "npz of lzma": npz(
            ("X.npy", npy("(25,)", data=bytes(200))), ("y.npy", LABELS), packing=zipfile.ZIP_LZMA
        ),
    }


SOUND = {
    "idx": idx_bytes(X),
    "idx.gz": gzip.compress(idx_bytes(X)),
    "csv": b"label,a,b,c,d,e\n"
    + b"\n".join(b",".join(b"%d" % v for v in [y, *row]) for y, row in zip(Y, X, strict=True)),
    "words.csv": b'name;"a";b\n' + b"".join(b"w%d;%d.5;1e-3\n" % (y, y) for y in Y),
    "csv.gz": gzip.compress(csv(12)),
    "npz": saved(X=X, y=Y),
    "keras.npz": saved(x_train=X.reshape(12, 5, 1), y_train=Y, x_test=X[:2], y_test=Y[:2]),
    "npz.gz": gzip.compress(saved(data=X.astype("f4"), target=Y.astype("U3"))),
    "npy": npy("(12, 5)", "|u1", X.tobytes()),
    "fortran.npy": npy("(12, 5)", ">f4", X.T.astype(">f4").tobytes(), "True"),
}
