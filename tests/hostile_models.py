"""Model files and checkpoints that nobody wrote with fastnn: by hand, and sound ones damaged at random."""

import json
import struct
from typing import Any

import numpy as np

WEIGHTS, BIASES = np.ones((3, 2), "<f4").tobytes(), np.zeros(2, "<f4").tobytes()
DESCRIPTION: dict[str, Any] = {
    "format": 2,
    "version": "0",
    "sizes": [3, 2],
    "activations": [],
    "huber_delta": 1.0,
    "loss": "cross_entropy",
    "dtype": "float32",
    "input_scale": None,
    "classes": {"dtype": "<i8", "labels": [0, 1]},
}
HEADER: dict[str, Any] = {
    "weights.0": {"dtype": "F32", "shape": [3, 2], "data_offsets": [0, 24]},
    "biases.0": {"dtype": "F32", "shape": [2], "data_offsets": [24, 32]},
}


def joined(header: str | bytes, data: bytes = WEIGHTS + BIASES, length: int | None = None) -> bytes:
    """A file of this header; `length` is what it says the header has."""
    text = header if isinstance(header, bytes) else header.encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def model(description: Any = None, **tensors: Any) -> str:
    """The header of a small model, some of its tensors or its description replaced."""
    text = description if isinstance(description, str) else json.dumps(DESCRIPTION | (description or {}))
    return json.dumps({"__metadata__": {"fastnn": text}, **HEADER, **tensors})


def biases(**entry: Any) -> str:
    """The header of a small model whose biases are described so."""
    return model(**{"biases.0": HEADER["biases.0"] | entry})


def text_labels(dtype: Any, *labels: Any) -> str:
    return model({"classes": {"dtype": dtype, "labels": list(labels)}})


SOUND = joined(model())
BY_HAND = {
    "nothing": b"",
    "no header": b"\0" * 8,
    "length beyond the file": joined(model(), length=10**9),
    "length beyond everything": joined(model(), length=2**64 - 1),
    "length of zero": joined(model(), length=0),
    "header of spaces": joined(" " * 10**6),
    "huge header": joined(
        model(
            None, **{f"t{i}": {"dtype": "F32", "shape": [0], "data_offsets": [32, 32]} for i in range(20_000)}
        )
    ),
    "deep header": joined("[" * 10**6),
    "deep object": joined('{"a":' * 10**5),
    "not UTF-8": joined(b'{"\xff": 1}'),
    "a list": joined("[]"),
    "a name twice": joined(
        model().replace(
            '"biases.0"',
            '"weights.0": {"dtype": "F32", "shape": [3, 2], "data_offsets": [0, 24]}, "biases.0"',
        )
    ),
    "metadata twice": joined(model()[:-1] + ', "__metadata__": {"fastnn": "{}"}}'),
    "a key of the description twice": joined(model(json.dumps(DESCRIPTION)[:-1] + ', "sizes": [3, 2]}')),
    "overlapping": joined(biases(data_offsets=[16, 24])),
    "with a hole": joined(biases(data_offsets=[28, 36])),
    "backwards": joined(biases(data_offsets=[32, 24])),
    "negative offset": joined(biases(data_offsets=[-8, 0])),
    "offset beyond the file": joined(biases(data_offsets=[24, 2**40]), WEIGHTS + BIASES),
    "offset beyond 64 bits": joined(biases(data_offsets=[24, 2**70])),
    "three offsets": joined(biases(data_offsets=[24, 32, 40])),
    "sizes that lie": joined(biases(shape=[2**31])),
    "sizes that overflow": joined(biases(shape=[2**62, 8])),
    "negative size": joined(biases(shape=[-2])),
    "size with a fraction": joined(biases(shape=[2.0])),
    "hundred dimensions": joined(biases(shape=[1] * 100 + [2])),
    "shape that does not chain": joined(
        model(**{"weights.0": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}})
    ),
    "scalar weights": joined(
        model(
            **{
                "weights.0": {"dtype": "F64", "shape": [], "data_offsets": [0, 8]},
                "biases.0": {"dtype": "F32", "shape": [2], "data_offsets": [8, 16]},
            }
        ),
        bytes(16),
    ),
    "other dtype": joined(model(**{"weights.0": {"dtype": "I32", "shape": [3, 2], "data_offsets": [0, 24]}})),
    "brain floats": joined(
        model(**{"weights.0": {"dtype": "BF16", "shape": [3, 4], "data_offsets": [0, 24]}})
    ),
    "dtype from nowhere": joined(biases(dtype="F31")),
    "names that break lines": joined(
        model(**{"evil\nname\x1b[31m": {"dtype": "F32", "shape": [0], "data_offsets": [32, 32]}})
    ),
    "a name without end": joined(
        model(**{"e" * 10**5: {"dtype": "F32", "shape": [0], "data_offsets": [32, 32]}})
    ),
    "NaN weights": joined(model(), np.full(6, np.nan, "<f4").tobytes() + BIASES),
    "infinite biases": joined(model(), WEIGHTS + np.full(2, np.inf, "<f4").tobytes()),
    "labels of objects": joined(text_labels("O", 0, 1)),
    "labels of records": joined(text_labels("f4,f4", 0, 1)),
    "labels of dates": joined(text_labels("M8[s]", 0, 1)),
    "labels without end": joined(text_labels("<U100000000", "a", "b")),
    "labels of nothing": joined(text_labels(None, 0.0, 1.0)),
    "labels of a list": joined(text_labels([["a", "i8"]], 0, 1)),
    "labels too large": joined(text_labels("i1", 0, 300)),
    "labels far too large": joined(text_labels("i8", 0, 10**30)),
    "labels that are no numbers": joined(text_labels("f8", float("nan"), 1.0)),
    "labels that are infinite": joined(text_labels("f8", float("inf"), 1.0)),
    "labels in lists": joined(text_labels("i8", [0], [1])),
    "one label too few": joined(text_labels("i8", 0)),
    "labels as an object": joined(model({"classes": {"dtype": "<i8", "labels": {"0": 0, "1": 1}}})),
    "no labels": joined(model({"classes": {"dtype": "<i8"}})),
    "deep description": joined(model("[" * 10**5 + "]" * 10**5)),
    "number without end": joined(model('{"format": ' + "1" * 5000 + "}")),
    "half a letter": joined(model('{"format": 2, "loss": "\\ud800"}')),
    "training of another type": joined(model({"training": [1, 2]})),
    "training with other columns": joined(model({"training": {"columns": {"loss": ["x"]}}})),
    "a checkpoint without a checksum": joined(model({"checkpoint": {}})),
}
# name -> values of a wrong type or size for this entry of the description
WRONG_VALUES: dict[str, list[Any]] = {
    "format": [True, 0, -3, 2.0, "2", None, 10**400, [2]],
    "sizes": [None, 3, "many", [], [3], [3, 2, 2], {"a": 1, "b": 2}, [3, 10**12], [[3, 2]]],
    "activations": [None, ["relu"], 3, "a\nb", "z" * 10**6, [["relu"]], {"a": "relu"}],
    "huber_delta": [None, 0, -1, True, "x", 10**400, float("nan"), float("inf"), [1]],
    "loss": [None, 3, "auto", "huber", ["cross_entropy"], {"a": 1}, "x" * 10**5],
    "dtype": [None, 3, "float64", "int8", ["float32"]],
    "input_scale": [True, 0, -1, "big", 10**400, float("nan"), float("inf"), [1], {}],
    "classes": [None, 3, [1, 2], "ab", {}, {"labels": [0, 1]}, True],
    "checkpoint": [3, [], {"best": 1}, "x"],
}
for name, values in WRONG_VALUES.items():
    for number, value in enumerate(values):
        BY_HAND[f"{name} {number}"] = joined(model({name: value}))


def damaged(sound: bytes, generator: np.random.Generator) -> bytes:
    """A file with one to four random damages."""
    content = bytearray(sound)
    for _ in range(generator.integers(1, 5)):
        _DAMAGES[generator.integers(len(_DAMAGES))](content, generator)
    return bytes(content)


def _place(content: bytearray, generator: np.random.Generator) -> int:
    """Somewhere; half of the time in the first kilobyte, where headers are."""
    end = max(len(content), 1)
    return int(generator.integers(min(end, 1000) if generator.random() < 0.5 else end))


def _flip(content: bytearray, generator: np.random.Generator) -> None:
    if content:
        content[_place(content, generator)] ^= 1 << int(generator.integers(8))


def _overwrite(content: bytearray, generator: np.random.Generator) -> None:
    place = _place(content, generator)
    length = int(generator.integers(1, 16))
    content[place : place + length] = generator.bytes(length)


def _cut(content: bytearray, generator: np.random.Generator) -> None:
    del content[_place(content, generator) :]


def _remove(content: bytearray, generator: np.random.Generator) -> None:
    place = _place(content, generator)
    del content[place : place + int(generator.integers(1, 64))]


def _repeat(content: bytearray, generator: np.random.Generator) -> None:
    place = _place(content, generator)
    content[place:place] = content[place : place + int(generator.integers(1, 200))]


def _insert(content: bytearray, generator: np.random.Generator) -> None:
    words = [
        b"\0" * 8,
        b"\xff" * 8,
        b"99999999999",
        b"-1",
        b"null",
        b"NaN",
        b"1e999",
        b'"',
        b"{",
        b"]",
        b"\n",
        b",",
    ]
    place = _place(content, generator)
    content[place:place] = words[int(generator.integers(len(words)))]


def _swap_digit(content: bytearray, generator: np.random.Generator) -> None:
    digits = [i for i in range(min(len(content), 4000)) if 48 <= content[i] < 58]
    if digits:
        content[digits[int(generator.integers(len(digits)))]] = 48 + int(generator.integers(10))


_DAMAGES = (_flip, _overwrite, _cut, _remove, _repeat, _insert, _swap_digit, _swap_digit)
