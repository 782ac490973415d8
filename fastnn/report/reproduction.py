"""The part of a report that says how to train the same model again."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from fastnn.history import History
from fastnn.report.markup import Element, clean, element, facts, section
from fastnn.report.subject import Subject
from fastnn.trainer.record_of_training import Origin

# Why training may end where a repetition would not.
ENDED_FROM_OUTSIDE = ("interrupted", "diverged", "an exception")


def of_reproduction(subject: Subject) -> Element:
    """The command or the call, the settings that it came to, and what else decides the bits."""
    history = subject.model.history
    if history.origin is None:
        words = (
            "The model has no record of how it was trained: it was made by hand or by an older version, or "
            "partial_train changed it since."
        )
        return section("How to train it again", element("p", words, class_="note"), anchor="reproduce")
    return section(
        "How to train it again",
        element("pre", _code(history.origin, subject.name)),
        [element("p", words, class_="note") for words in _reservations(history, history.origin)],
        element("p", "The same versions on the same kind of machine give the same bits.", class_="soft"),
        element("h3", "Settings as they came out"),
        facts([*((name.replace("_", " "), _shown(value)) for name, value in history.settings.items())]),
        facts([("ended by", history.stop_reason or None), *history.origin.versions.items()]),
        anchor="reproduce",
    )


def call(origin: Origin, name: str) -> str:
    """Python that trains the model and writes it to a file of that name."""
    arguments = ["X", "y", *(f"{option}={value}" for option, value in origin.arguments.items())]
    lines = "".join(f"    {argument},\n" for argument in arguments)
    return f"model = fastnn.train(\n{lines})\nmodel.save({name!r})"


def command(words: Sequence[str], name: str) -> list[str]:
    """The command line that writes the model to a file of that name, in parts that are not broken."""
    parts: list[str] = []
    for word in [*words, "--out", name]:
        quoted = shlex.quote(clean(word))
        follows = parts and parts[-1].startswith("--") and " " not in parts[-1] and "=" not in parts[-1]
        if follows and not quoted.startswith("-"):
            parts[-1] += f" {quoted}"
        else:
            parts.append(quoted)
    return parts


def _code(origin: Origin, name: str) -> Element:
    if not origin.command:
        return element("code", call(origin, name))
    return element("code", [(element("span", part), " ") for part in command(origin.command, name)])


def _reservations(history: History, origin: Origin) -> Iterator[str]:
    """What stands between this command and the same model."""
    if not origin.whole:
        yield "What is in <> was an object, such as an array, that a model's file only describes."
    if history.settings.get("seed") is None and "seed" not in origin.arguments:
        yield "No seed was given, so a repetition ends with another model, about as good."
    if history.stop_reason in ENDED_FROM_OUTSIDE:
        yield f"This training ended before its time ({history.stop_reason}): a repetition goes on to its end."


def _shown(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return f"{value:.4g}" if isinstance(value, float) else "none" if value is None else str(value)
