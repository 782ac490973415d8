"""fastnn/how_it_works/README.md runs, prints what it says, quotes the source, and draws its pictures.

python -m tests.test_walkthrough    draws the pictures anew beside it
"""

import contextlib
import io
import os
import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "fastnn" / "how_it_works" / "README.md"
PICTURES = DOCUMENT.parent
BLOCK = re.compile(r"(?:<!-- from (?P<source>\S+) -->\n)?```(?P<kind>\w+)\n(?P<text>.*?)```\n", re.DOTALL)
PICTURE = re.compile(r"!\[[^\]]+\]\(([^)/]+\.png)\)")


@dataclass(frozen=True)
class Block:
    """Code to run and what it prints, or, with a source, a quotation from that file."""

    text: str
    line: int
    source: str = ""
    output: str = ""


def blocks_of(document: str) -> list[Block]:
    blocks: list[Block] = []
    for found in BLOCK.finditer(document):
        line = document.count("\n", 0, found.start("text")) + 1
        if found["kind"] == "text":
            before = blocks.pop()
            assert not before.source
            assert not before.output
            blocks.append(Block(before.text, before.line, output=found["text"]))
        else:
            assert found["kind"] == "python", f"line {line}: a block of {found['kind']}"
            blocks.append(Block(found["text"], line, found["source"] or ""))
    return blocks


def execute(document: str, name: str = "the document") -> None:
    """Run its blocks in one namespace, in the current folder; AssertionError if one prints anything else."""
    namespace: dict[str, object] = {"__name__": "walkthrough"}
    for block in blocks_of(document):
        if block.source:
            continue
        printed = io.StringIO()
        # Empty lines first, so that a traceback shows the line of the document.
        code = compile("\n" * (block.line - 1) + block.text, name, "exec")
        with contextlib.redirect_stdout(printed):
            exec(code, namespace)
        assert printed.getvalue() == block.output, f"{name}, line {block.line}: prints\n{printed.getvalue()}"


def is_quoted(block: Block) -> bool:
    """Whether the lines stand in the source one after the other, indented as they are."""
    return "\n" + block.text in (ROOT / block.source).read_text(encoding="utf-8")


DOCUMENT_TEXT = DOCUMENT.read_text(encoding="utf-8")
QUOTATIONS = [block for block in blocks_of(DOCUMENT_TEXT) if block.source]


def test_it_runs_and_prints_what_it_says(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib", reason="the pictures need matplotlib")
    pytest.importorskip("numba", reason="the document compares with the compiled backend")
    monkeypatch.chdir(tmp_path)
    execute(DOCUMENT_TEXT, str(DOCUMENT))
    drawn = {path.name for path in tmp_path.iterdir()}
    assert drawn == set(PICTURE.findall(DOCUMENT_TEXT))
    assert all(path.stat().st_size > 4000 for path in tmp_path.iterdir())


def test_the_pictures_are_there():
    pictures = PICTURE.findall(DOCUMENT_TEXT)
    assert len(pictures) == 4
    for picture in pictures:
        assert (PICTURES / picture).read_bytes().startswith(b"\x89PNG"), picture


@pytest.mark.parametrize("block", QUOTATIONS, ids=lambda block: f"{block.source}-{block.line}")
def test_quotations_stand_in_the_source(block):
    assert is_quoted(block)


def test_every_step_quotes_both_backends():
    sources = [block.source for block in QUOTATIONS]
    assert sum(source.startswith("fastnn/backends/numpy_") for source in sources) >= 7
    assert sum(source.startswith("fastnn/kernels/") for source in sources) >= 6


def test_lines_are_not_too_long():
    tables = [line for line in DOCUMENT_TEXT.splitlines() if line.startswith("|")]
    assert all(len(line) <= 115 for line in DOCUMENT_TEXT.splitlines() if line not in tables)


# ---- the checks can fail ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "document",
    [
        "```python\nprint(1)\n```\n\n```text\n2\n```\n",
        "```python\nprint(1)\n```\n",
        "```python\nx = 1\n```\n\n```text\n1\n```\n",
        "```python\nassert False\n```\n",
    ],
    ids=["other output", "output not shown", "no output", "assertion"],
)
def test_a_wrong_document_fails(document):
    with pytest.raises(AssertionError):
        execute(document)


def test_blocks_share_their_names():
    execute(
        textwrap.dedent("""\
        ```python
        x = 20
        ```

        ```python
        print(x + 1)
        ```

        ```text
        21
        ```
        """)
    )


@pytest.mark.parametrize("text", ["    return X @ W - b\n", "return X @ W + b\n", "    return X @ W\n"])
def test_wrong_quotations_fail(text):
    assert is_quoted(Block("    return X @ W + b\n", 1, "fastnn/backends/numpy_backend.py"))
    assert not is_quoted(Block(text, 1, "fastnn/backends/numpy_backend.py"))


if __name__ == "__main__":
    PICTURES.mkdir(exist_ok=True)
    os.chdir(PICTURES)
    execute(DOCUMENT_TEXT, str(DOCUMENT))
