"""Pages as trees: nothing that is put in as text becomes markup."""

from base64 import b64encode

import pytest

from fastnn.report.markup import clean, element, facts, named, page, per_cent, picture, section, table

from .parsing import Page, foreign_parts

HOSTILE = "</style></title></p>--><script>alert(1)</script><!-- \" ' & &lt; &#60; ]]>"
FOREIGN_DRAWING = b'<svg xmlns="http://www.w3.org/2000/svg"><image href="https://x/"/></svg>'


def test_text_and_attributes_come_back_as_they_went_in():
    document = page(HOSTILE, "p { color: red }", element("p", HOSTILE, title=HOSTILE, aria_label=HOSTILE))
    read = Page(document)
    assert read.within("p") == " ".join(HOSTILE.split())
    assert read.within("title") == " ".join(HOSTILE.split())
    assert read.all("p") == [{"title": HOSTILE, "aria-label": HOSTILE}]
    assert "script" not in [tag for tag, _ in read.elements]
    assert foreign_parts(document) == []


@pytest.mark.parametrize(
    "part",
    [
        "<script>1</script>",
        '<img src="https://example.org/x.png">',
        '<img src="//example.org/x.png">',
        '<a href="x.html">x</a>',
        '<p onclick="x()">x</p>',
        '<p style="background: url(x)">x</p>',
        '<link rel="stylesheet">',
        "<style>@import 'x';</style>",
        "<style>p { background: url(x.png) }</style>",
        f'<img src="data:image/svg+xml;base64,{b64encode(FOREIGN_DRAWING).decode()}">',
    ],
)
def test_the_check_for_foreign_parts_can_fail(part):
    assert foreign_parts(f"<html><body>{part}</body></html>") != []


def test_texts_between_elements_keep_their_place():
    made = element("p", "a", element("b", "b"), "c", None, [element("i", "d"), "e"], 1234567)
    assert [made.text, made[0].text, made[0].tail, made[1].text, made[1].tail] == [
        "a",
        "b",
        "c",
        "d",
        "e1,234,567",
    ]


def test_control_characters_and_half_characters_are_replaced():
    assert clean("a\x00b\x1b[31m\ud800\x85\ufffe\t\n") == "a\ufffdb\ufffd[31m\ufffd\ufffd\ufffd\t\n"
    page("\ud800", "", element("p", "\udfff")).encode("utf-8")


def test_names_are_one_line_and_cut():
    assert named(" a\n b\t") == "a b"
    assert named("x" * 80) == "x" * 80
    assert named("x" * 81) == "x" * 79 + "…"
    assert named(3) == "3"


def test_per_cent_is_not_parted_from_its_number():
    assert per_cent(0.12345) == "12.3\u00a0%"
    assert per_cent(1, 2) == "100.00\u00a0%"


def test_tables_say_what_their_headings_are():
    made = table(("a", "b", "c"), [("x", "word", 1), ("y", "word", 2)], caption="All", words=(1,))
    read = Page(page("t", "", made))
    assert [attributes["scope"] for attributes in read.all("th")] == ["col"] * 3 + ["row"] * 2
    assert [attributes.get("class") for attributes in read.all("td")] == [None, "number"] * 2
    assert read.within("caption") == "All"
    region = read.all("div")[0]
    assert (region["tabindex"], region["role"], region["aria-label"]) == ("0", "region", "All")


def test_rows_must_be_as_long_as_the_header():
    with pytest.raises(ValueError, match="zip"):
        table(("a", "b"), [("x", 1, 2)], caption="")


def test_facts_without_a_value_are_left_out():
    read = Page(page("t", "", facts([("a", 1), ("b", None), ("c", 0)])))
    assert read.within("dl") == "a 1 c 0"


def test_pictures_have_texts_for_those_who_do_not_see_them():
    read = Page(page("t", "", picture("data:image/png;base64,", text="A cat", caption="Cats", width=500)))
    image = read.all("img")[0]
    assert image["alt"] == "A cat"
    assert image["style"] == "width:500px;max-width:max(100%,350px)"
    assert read.within("figcaption") == "Cats"


def test_sections_are_named_by_their_headings():
    read = Page(page("t", "", section("Data", element("p", "x"), anchor="data")))
    part, heading = read.all("section")[0], read.all("h2")[0]
    assert (part["id"], part["aria-labelledby"]) == ("data", heading["id"])


def test_a_page_is_whole():
    document = page("Title", "p {}", element("p", "ü"))
    assert document.startswith('<!DOCTYPE html>\n<html lang="en">')
    read = Page(document)
    meta = {attributes.get("name") or next(iter(attributes)): attributes for attributes in read.all("meta")}
    assert meta["charset"]["charset"] == "utf-8"
    assert meta["viewport"]["content"] == "width=device-width, initial-scale=1"
    assert "default-src 'none'" in meta["http-equiv"]["content"]
