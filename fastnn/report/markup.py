"""HTML as a tree of elements: whatever is put into one is escaped when the page is written.

There is no way to put markup into a page as text, so a class called "<script>" is a word like any other.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any
from xml.etree import ElementTree

Element = ElementTree.Element
# What has no place in a text, and in HTML not even as a character reference.
UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
# Letters: of any name, of one that fits a narrow column, of a heading that does.
LONGEST_NAME, LONGEST_SHORT_NAME, LONGEST_HEADING = 80, 12, 20
# Drawings are not shown at less of their size, or their letters could not be read.
LEAST_SHOWN = 0.7


def element(tag: str, *content: Any, **attributes: Any) -> Element:
    """An element with texts, numbers and elements in it; None is left out, lists are taken apart.

    attributes   "class_" is class, "aria_label" aria-label; None is left out
    """
    made = Element(
        tag,
        {
            name.rstrip("_").replace("_", "-"): clean(value)
            for name, value in attributes.items()
            if value is not None
        },
    )
    _fill(made, content)
    return made


def clean(text: Any) -> str:
    """A text that a page can hold: control characters and halves of characters are replaced."""
    return UNPRINTABLE.sub("\ufffd", str(text))


def named(label: Any) -> str:
    """A name of the user's on one line, cut where it is too long for a table."""
    text = " ".join(clean(label).split())
    return text if len(text) <= LONGEST_NAME else f"{text[: LONGEST_NAME - 1]}…"


def per_cent(share: float, digits: int = 1) -> str:
    """A share from 0 to 1; the sign is not parted from its number at the end of a line."""
    return f"{100 * share:.{digits}f}\u00a0%"


def section(title: str, *content: Any, anchor: str) -> Element:
    """A part of the page under a heading that can be linked to."""
    heading = element("h2", title, id=f"{anchor}-title")
    return element("section", heading, *content, id=anchor, class_="part", aria_labelledby=f"{anchor}-title")


def table(
    header: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    caption: str,
    words: Collection[int] = (),
) -> Element:
    """A table that scrolls by itself where it is too wide; each row's first cell is its heading.

    words   columns beside the first that hold words: to the left, all others to the right
    """
    sides = [None if column == 0 or column in words else "number" for column in range(len(header))]
    head = [
        element(
            "th", name, scope="col", class_=_classes(side, "wide" if len(name) > LONGEST_HEADING else None)
        )
        for name, side in zip(header, sides, strict=True)
    ]
    lines = [
        element(
            "tr",
            element("th", row[0], scope="row"),
            [element("td", cell, class_=side) for cell, side in zip(row[1:], sides[1:], strict=True)],
        )
        for row in rows
    ]
    long_names = any(len(str(row[0])) > LONGEST_SHORT_NAME for row in rows)
    made = element(
        "table",
        element("caption", element("span", caption)),
        element("thead", element("tr", head)),
        element("tbody", lines),
        class_="long-names" if long_names else None,
    )
    return scrolling(made, label=caption)


def facts(pairs: Iterable[tuple[str, Any]]) -> Element:
    """Names with what there is to say of each; a pair with None is left out."""
    return element(
        "dl",
        [
            element("div", element("dt", name), element("dd", value))
            for name, value in pairs
            if value is not None
        ],
        class_="facts",
    )


def picture(source: str, *, text: str, caption: str, width: int) -> Element:
    """A drawing with its caption; it shrinks with the window as far as it can be read, then it scrolls.

    source   a data: address        text    what it shows, for those who do not see it
    width    in CSS pixels, where there is room
    """
    size = f"width:{width}px;max-width:max(100%,{round(LEAST_SHOWN * width)}px)"
    image = element("img", src=source, alt=text, style=size, class_="drawing")
    return element(
        "figure", scrolling(image, label=caption), element("figcaption", caption), class_="picture"
    )


def scrolling(content: Element, *, label: str) -> Element:
    """What may be wider than the page, in a part that scrolls, by keys too."""
    return element("div", content, class_="scroll", tabindex="0", role="region", aria_label=label)


def page(title: str, style: str, *content: Any) -> str:
    """A whole HTML document, which needs nothing but itself."""
    root = element(
        "html",
        element(
            "head",
            element("meta", charset="utf-8"),
            element("meta", name="viewport", content="width=device-width, initial-scale=1"),
            element("meta", name="color-scheme", content="light dark"),
            # Whatever came into the page, a browser fetches and runs nothing.
            element("meta", http_equiv="Content-Security-Policy", content=POLICY),
            element("title", title),
            element("style", style),
        ),
        element("body", *content),
        lang="en",
    )
    return f"<!DOCTYPE html>\n{ElementTree.tostring(root, encoding='unicode', method='html')}\n"


POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def _classes(*names: str | None) -> str | None:
    return " ".join(filter(None, names)) or None


def _fill(parent: Element, content: Iterable[Any]) -> None:
    for part in content:
        if isinstance(part, Element):
            parent.append(part)
        elif isinstance(part, list | tuple):
            _fill(parent, part)
        elif part is not None:
            text = clean(f"{part:,}" if isinstance(part, int) else part)
            if len(parent):
                parent[-1].tail = (parent[-1].tail or "") + text
            else:
                parent.text = (parent.text or "") + text
