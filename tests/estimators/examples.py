"""README's examples, so that tests run what readers copy."""

import re
from pathlib import Path

import pytest

README = Path(__file__).resolve().parents[2] / "README.md"


def example(containing: str) -> str:
    """The one Python block of README that contains this text."""
    text = README.read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    found = [block for block in blocks if containing in block]
    if len(found) != 1:
        pytest.fail(f"README.md has {len(found)} Python examples that contain {containing!r}, not one")
    return found[0]
