"""Reads a report back: its elements, its texts, and everything in it that a browser might fetch or run."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """elements   (tag, attributes) in their order;  texts   (tags around it, text)."""

    def __init__(self, document: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[tuple[str, ...], str]] = []
        self._open: list[str] = []
        self.feed(document)
        self.close()
        assert not self._open, f"not closed: {self._open}"

    def handle_starttag(self, tag, attributes):
        names = [name for name, _ in attributes]
        assert len(set(names)) == len(names), (tag, names)
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open, tag
        assert self._open.pop() == tag

    def handle_data(self, data):
        if data.strip():
            self.texts.append((tuple(self._open), data))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def within(self, tag: str) -> str:
        """All texts inside of elements of that name, with blanks between them; its no-break spaces too."""
        found = " ".join(text for tags, text in self.texts if tag in tags)
        return " ".join(found.split())

    @property
    def text(self) -> str:
        return self.within("body")

    @property
    def headings(self) -> list[str]:
        return [text for tags, text in self.texts if tags[-1] == "h2"]


def foreign_parts(document: str) -> list[str]:
    """What a browser would run, or fetch from somewhere else; [] of a page that needs nothing but itself."""
    page, found = Page(document), []
    for tag, attributes in page.elements:
        if tag in ("script", "iframe", "object", "embed", "link", "base", "form"):
            found.append(tag)
        for name, value in attributes.items():
            if name.startswith("on") or (name in ("href", "src", "srcset") and not _is_own(value or "")):
                found.append(f"{tag} {name}={value!r:.80}")
            if name == "style" and re.search(r"url|import|expression", value or ""):
                found.append(f"{tag} style={value!r:.80}")
            if name == "src" and (value or "").startswith("data:image/svg"):
                found += _foreign_in_drawing(drawing(value or ""))
    found += re.findall(r"@import[^;]*|url\([^)]*\)", page.within("style"))
    return found


def drawing(address: str) -> bytes:
    """The content of a data: address."""
    return base64.b64decode(address.partition("base64,")[2], validate=True)


def _is_own(address: str) -> bool:
    return address.startswith(("#", "data:image/png;base64,", "data:image/svg+xml;base64,"))


def _foreign_in_drawing(content: bytes) -> list[str]:
    found = []
    for part in ElementTree.fromstring(content).iter():
        if part.tag.endswith("}script"):
            found.append(part.tag)
        for name, value in part.attrib.items():
            if name.endswith("href") and not value.startswith(("#", "data:image/png")):
                found.append(f"{part.tag} {name}={value:.80}")
            if name.startswith("on"):
                found.append(name)
    return found
