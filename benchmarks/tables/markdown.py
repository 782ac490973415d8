"""Tables, numbers and sentences in Markdown, and putting them between README's markers."""

import re
from typing import Any

# After a figure whose trials were disturbed; `stars` says what it means.
STAR = "\\*"


def percent(share: float) -> str:
    """A share as a percentage with two decimals."""
    return f"{100 * share:.2f} %"


def duration(seconds: float) -> str:
    """A time in the unit that suits it."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def starred(text: str, quiet: bool) -> str:
    """`text`, with a star if the machine was not quiet."""
    return text if quiet else text + STAR


def stars(quiet: bool) -> str:
    """What the star means, as a sentence to append, unless nothing has one."""
    return "" if quiet else f" {STAR} The machine was not quiet in enough of the trials."


def measured_on(machine: dict[str, Any]) -> str:
    """CPU and versions, from what `record.machine` noted."""
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    return f"{machine['cpu']}, {machine['cpus']} CPUs; Python {machine['python']}, {versions}"


def insert(text: str, name: str, content: str) -> str:
    """`text` with the part between the markers of `name` replaced."""
    pattern = re.compile(f"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    if not pattern.search(text):
        raise SystemExit(f"README.md has no markers <!-- {name} --> … <!-- /{name} -->")
    return pattern.sub(lambda match: f"{match[1]}{content}\n{match[2]}", text)
