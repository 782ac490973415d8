"""The report of every kind of model: whole, self-contained, with the numbers that other functions give."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

import fastnn
from fastnn import metrics
from fastnn.errors import InputError, MissingDependencyError

pytest.importorskip("matplotlib")
from fastnn import report
from fastnn.report import mistakes, pictures, quality
from fastnn.report.pictures import address_of
from fastnn.report.subject import Subject

from .conftest import HOSTILE, KINDS, case_of, digits
from .parsing import Page, drawing, foreign_parts

QUICK = {"seconds": 0.01}


def subject_of(case) -> Subject:
    return Subject(case.model, case.X, case.y, "name", "data")


@pytest.fixture(autouse=True)
def no_drawing(monkeypatch):
    """Drawings take most of the time; those in `pages` are real."""
    monkeypatch.setattr(pictures, "address_of", lambda figure: "data:image/png;base64,")


@pytest.fixture(scope="module")
def handwriting():
    return digits()


# ---- every kind -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_report_is_whole_and_needs_nothing_else(pages, kind):
    assert foreign_parts(pages[kind]) == []
    page = Page(pages[kind])
    sections = {"Summary", "Data", "Training", "Timings", "How to train it again"}
    assert sections <= set(page.headings)
    assert page.all("html")[0]["lang"] == "en"
    assert len(page.all("h1")) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_every_part_can_be_reached_and_every_picture_has_a_text(pages, kind):
    page = Page(pages[kind])
    ids = [attributes["id"] for _, attributes in page.elements if attributes.get("id")]
    assert len(set(ids)) == len(ids)
    links = [attributes["href"][1:] for attributes in page.all("a")]
    assert links == [attributes["id"] for attributes in page.all("section")]
    assert all(len(attributes["alt"]) > 10 for attributes in page.all("img"))
    assert all(attributes["scope"] in ("row", "col") for attributes in page.all("th"))
    assert len(page.all("table")) == len(page.all("caption"))
    assert len(page.all("figure")) == len(page.all("figcaption"))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "images"])
def test_names_stay_words(pages, kind):
    page = Page(pages[kind])
    assert page.within("h1") == '<img src="x" onerror="alert(1)">.safetensors'
    assert "on </title><script>alert(2)</script>" in page.within("header")
    assert "<i>about</i>" in page.text
    assert "<u>a</u>" in page.text
    assert "\ufffd\ufffde" in page.text
    if case_of(kind).model.classes is not None and kind in ("binary", "table", "by hand"):
        assert all(label in page.text for label in case_of(kind).model.classes)


def test_hostile_names_are_hostile():
    assert set(case_of("table").model.classes) == set(HOSTILE)
    assert foreign_parts(f"<p>{HOSTILE[0]}</p>") == ["script"]


# ---- numbers ----------------------------------------------------------------------------------------------


def test_the_headline_is_what_the_model_scores(handwriting, pages):
    loss, accuracy = handwriting.model.evaluate(handwriting.X, handwriting.y)
    headline = Page(pages["images"]).within("header")
    assert f"accuracy {100 * accuracy:.2f} %" in headline
    assert f"loss {loss:.4g}" in headline
    assert f"parameters {handwriting.model.n_parameters:,}" in headline


def test_each_class_has_its_shares(handwriting):
    subject = subject_of(handwriting)
    shares = quality.shares(
        *(
            np.bincount(v, minlength=10)
            for v in (subject.true[subject.true == subject.predicted], subject.predicted, subject.true)
        )
    )
    page = Page(report.html(handwriting.model, handwriting.X, handwriting.y, **QUICK))
    cells = page.within("td")
    for row in shares:
        assert " ".join(map(str, row)).replace("\u00a0", " ") in cells
    assert f"mean F1 {100 * metrics.f1(subject.true, subject.predicted):.2f} %" in page.text
    assert sum(n for *_, n in shares) == len(handwriting.y)


def test_shares_of_nothing_are_not_defined():
    counts = np.array([1, 0, 0]), np.array([2, 0, 1]), np.array([4, 3, 0])
    assert quality.shares(*counts) == [
        ("50.0\u00a0%", "25.0\u00a0%", "33.3\u00a0%", 4),
        ("–", "0.0\u00a0%", "0.0\u00a0%", 3),
        ("0.0\u00a0%", "–", "0.0\u00a0%", 0),
    ]


def test_the_confusion_matrix_is_a_table_too(handwriting, pages):
    page = Page(pages["images"])
    subject = subject_of(handwriting)
    expected = np.zeros((10, 10), int)
    np.add.at(expected, (subject.true, subject.predicted), 1)
    lines = [" ".join(map(str, [true, *counts])) for true, counts in enumerate(expected)]
    assert " ".join(lines) in page.within("details")
    wrong = expected - np.diag(np.diagonal(expected))
    true, taken_for = np.unravel_index(wrong.argmax(), wrong.shape)
    assert f"share of the class {true} {taken_for} {wrong.max()} " in page.text
    assert "details" not in [tag for tag, _ in Page(pages["many classes"]).elements]


def test_labels_and_regressions_have_their_own_tables(pages):
    case = case_of("labels")
    right = (case.model.predict(case.X) == case.y).all(axis=1)
    assert f"rows with every label right {right.sum()} of 100" in Page(pages["labels"]).text
    case = case_of("outputs")
    predicted = case.model.predict(case.X)
    text = Page(pages["outputs"]).text
    for place in range(5):
        assert f"{metrics.r2(case.y[:, place], predicted[:, place]):.4g}" in text
    assert "Drawn are the first 4 of 5 outputs" in text
    assert len(Page(pages["outputs"]).all("img")) == 1 + 4


def test_two_classes_have_roc_and_calibration(pages):
    for kind, has in (("binary", True), ("one label", True), ("table", False), ("labels", False)):
        assert ("ROC curve" in Page(pages[kind]).within("figcaption")) == has


def test_what_cannot_be_drawn_says_why():
    case = case_of("binary")
    one = case.y == case.model.classes[0]
    page = Page(report.html(case.model, case.X[one], case.y[one], **QUICK))
    assert re.search(r"ROC curve: roc needs rows of .* and others", page.text)


def test_a_constant_target_has_no_r_squared():
    case = case_of("regression")
    page = Page(report.html(case.model, case.X, np.full(100, 2.5), **QUICK))
    assert "R² undefined" in page.within("header")


# ---- mistakes ---------------------------------------------------------------------------------------------


def test_mistakes_of_a_classifier_are_the_wrong_rows_the_surest_first(handwriting):
    rows, n_wrong = mistakes.worst(subject_of(handwriting))
    chances = handwriting.model.predict_proba(handwriting.X)
    assert set(rows) == set(np.flatnonzero(handwriting.model.predict(handwriting.X) != handwriting.y))
    assert n_wrong == len(rows) > 3
    assert (np.diff(chances[rows].max(axis=1)) <= 0).all()


def test_mistakes_of_labels_and_regressions_are_the_farthest_off():
    case = case_of("labels")
    rows, n_wrong = mistakes.worst(subject_of(case))
    n_labels = (case.model.predict(case.X) != case.y).sum(axis=1)
    assert n_wrong == (n_labels > 0).sum()
    assert n_labels[rows].tolist() == sorted(n_labels[n_labels > 0], reverse=True)
    case = case_of("outputs")
    rows, _ = mistakes.worst(subject_of(case))
    distances = np.linalg.norm(case.model.predict(case.X) - case.y, axis=1)
    np.testing.assert_array_equal(rows, np.argsort(-distances, kind="stable"))


def test_images_are_shown_as_they_are(handwriting, tmp_path):
    from matplotlib import image

    page = Page(report.html(handwriting.model, handwriting.X, handwriting.y, count=3, **QUICK))
    rows, _ = mistakes.worst(subject_of(handwriting))
    tiles = [attributes for attributes in page.all("img") if attributes["alt"].startswith("Image of row")]
    assert [int(re.search(r"row (\d+)", tile["alt"])[1]) for tile in tiles] == rows[:3].tolist()
    for tile, row in zip(tiles, rows, strict=False):
        (tmp_path / "tile.png").write_bytes(drawing(tile["src"]))
        grey = 255 * (1 - image.imread(tmp_path / "tile.png")[:, :, 0])
        np.testing.assert_allclose(grey, handwriting.X[row].reshape(8, 8), atol=1)


def test_tables_list_the_rows(pages):
    case = case_of("table")
    rows, n_wrong = mistakes.worst(Subject(case.model, case.X, case.y, "", ""))
    text = Page(pages["table"]).text
    assert f"{n_wrong} of 100 rows are wrong" in text
    assert all(f"{case.X[row, 1]:.4g}" in text for row in rows[:24])


def test_no_mistakes(handwriting):
    y = handwriting.model.predict(handwriting.X)
    page = Page(report.html(handwriting.model, handwriting.X, y, **QUICK))
    assert "There are none: all 360 rows are predicted right." in page.text
    assert "The most frequent mistakes" not in page.text


# ---- training, timings, how to train it again -------------------------------------------------------------


def test_the_call_in_a_report_trains_the_same_model(handwriting, pages, tmp_path, monkeypatch):
    page = Page(pages["images"])
    X, y = fastnn.datasets.load("digits", "train")
    code = "".join(text for tags, text in page.texts if tags[-1] == "code")
    names = {"fastnn": fastnn, "X": X, "y": y}
    monkeypatch.chdir(tmp_path)
    exec(code, names)
    assert [file.name for file in tmp_path.iterdir()] == ["model.safetensors"]
    for W, V in zip(names["model"].weights, handwriting.model.weights, strict=True):
        np.testing.assert_array_equal(W, V)


def test_reservations_are_said():
    X, y = fastnn.datasets.load("digits", "test")
    model = fastnn.train(X, y, epochs=1, sample_weight=np.ones(len(y)), backend="numpy")
    text = Page(report.html(model, X, y, **QUICK)).text
    assert "sample_weight=<array float64 (360,)>" in text
    assert "What is in <> was an object" in text
    assert "No seed was given" in text
    assert "trained on these very rows" in text
    model.history.stop_reason = "interrupted"
    assert "ended before its time (interrupted)" in Page(report.html(model, X, y, **QUICK)).text


def test_a_model_without_a_record_says_so(pages):
    text = Page(pages["by hand"]).text
    assert "no record of its training, so there are no curves" in text
    assert "no record of the rows" in text
    assert "no record of how it was trained" in text


def test_rows_of_the_training_are_known_again(handwriting, pages):
    assert "trained on these very rows" not in Page(pages["images"]).text
    X, y = fastnn.datasets.load("digits", "train")
    assert "trained on these very rows" in Page(report.html(handwriting.model, X, y, **QUICK)).text
    assert (
        "trained on these very rows" not in Page(report.html(handwriting.model, X[1:], y[1:], **QUICK)).text
    )


def test_training_seconds_are_told_where_they_are_known(handwriting, tmp_path, pages):
    assert re.search(r"training \S+ m?s for 8 epochs", Page(pages["images"]).text)
    handwriting.model.save(tmp_path / "m")
    loaded = fastnn.load(tmp_path / "m", backend="numpy")
    text = Page(report.html(loaded, handwriting.X, handwriting.y, **QUICK)).text
    assert "How long training took is not known" in text
    assert "Learning curves" in text
    assert "rows/s" in text


def test_shape_and_names_of_columns(handwriting):
    X = handwriting.X.reshape(-1, 8, 8)
    assert "images of 8 × 8 pixels" in Page(report.html(handwriting.model, X, handwriting.y, **QUICK)).text
    page = Page(report.html(handwriting.model, handwriting.X, handwriting.y, shape=(4, 16), **QUICK))
    assert "images of 4 × 16 pixels" in page.text
    case = case_of("table")
    text = Page(report.html(case.model, case.X, case.y, **QUICK)).text
    assert "Features" in text
    assert "images of" not in text


# ---- arguments and files ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"count": 0}, "count=0 must be a whole number"),
        ({"seconds": 0}, "seconds=0 must be"),
        ({"feature_names": ["a"]}, "feature_names has 1 names; the model has 64 features"),
        ({"shape": (3, 3)}, r"shape=\(3, 3\) is 9 pixels, the model has 64 features"),
    ],
)
def test_wrong_options(handwriting, options, message):
    with pytest.raises(InputError, match=message):
        report.html(handwriting.model, handwriting.X, handwriting.y, **options)


def test_wrong_rows(handwriting):
    with pytest.raises(InputError, match="features"):
        report.html(handwriting.model, handwriting.X[:, 1:], handwriting.y)
    with pytest.raises(InputError, match="y"):
        report.html(handwriting.model, handwriting.X, handwriting.y[1:])


def test_without_matplotlib_it_is_one_line(handwriting, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingDependencyError, match=r'pip install "fastnn\[plot\]"') as caught:
        report.html(handwriting.model, handwriting.X, handwriting.y)
    assert "\n" not in str(caught.value)


def test_written_whole_or_not_at_all(handwriting, tmp_path: Path):
    path = tmp_path / "report.html"
    report.write(handwriting.model, handwriting.X, handwriting.y, path, **QUICK)
    assert path.read_text(encoding="utf-8").endswith("</html>\n")
    with pytest.raises(InputError, match="cannot be written"):
        report.write(handwriting.model, handwriting.X, handwriting.y, tmp_path / "no" / "x.html", **QUICK)
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]


def test_the_same_model_gives_the_same_report_but_for_timings(handwriting):
    one, two = (
        re.sub(r"<section id=\"timings\".*?</section>", "", report.html(*parts, **QUICK))
        for parts in [(handwriting.model, handwriting.X, handwriting.y)] * 2
    )
    assert one == two


def test_large_drawings_are_pixels():
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3, 2))
    axes = figure.subplots()
    axes.plot([1, 2])
    assert address_of(figure).startswith("data:image/svg+xml;base64,")
    generator = np.random.default_rng(0)
    axes.scatter(*generator.normal(size=(2, 20_000)))
    assert drawing(address_of(figure)).startswith(b"\x89PNG")


# ---- colours ----------------------------------------------------------------------------------------------


def luminance(colour: str) -> float:
    """Source: Web Content Accessibility Guidelines 2.1, "relative luminance"."""
    digits = colour if len(colour) == 6 else "".join(2 * digit for digit in colour)
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_texts_can_be_read_light_and_dark(pages):
    assert contrast("ffffff", "000000") == pytest.approx(21)
    assert contrast("fff", "777777") == pytest.approx(4.48, abs=0.01)
    schemes = re.findall(r":root \{(.*?)\}", pages["images"], re.DOTALL)
    assert len(schemes) == 3  # light, dark, print
    for scheme in schemes:
        colours = dict(re.findall(r"--(\w+): #(\w+)", scheme))
        for text in ("ink", "soft", "accent", "alert"):
            for ground in ("page", "card", "code"):
                assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground, scheme)
