"""The HTML report on a model and rows: one file that needs nothing else, no script and no network.

Extra `plot`: the drawings are made by matplotlib.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from importlib.resources import files
from os import PathLike
from pathlib import Path
from typing import Any

from fastnn import inputs, plots
from fastnn.errors import InputError
from fastnn.network import Network
from fastnn.report import data_facts, mistakes, overview, quality, reproduction, timing
from fastnn.report.markup import Element, element, page
from fastnn.report.subject import Subject, image_shape
from fastnn.whole_file import write_whole

__all__ = ["html", "write"]


def html(
    model: Network,
    X: Any,
    y: Any,
    *,
    name: str = "model.safetensors",
    data: str = "X and y",
    about_data: str = "",
    feature_names: Sequence[str] | None = None,
    shape: tuple[int, int] | None = None,
    count: int = 24,
    seconds: float = 1.0,
) -> str:
    """The report as one HTML document: quality, data, curves, mistakes, timings, how to train it again.

    X, y            rows that the model was not trained on, and their targets
    name, data      what model and data are called
    about_data      a sentence on which rows these are
    feature_names   of the columns of X; None: their numbers
    shape           (height, width) of rows that are images; None: told by X, or by grey levels that make a
                    square
    count           mistakes to show
    seconds         to spend on timing predictions

    Texts may be anything: they are escaped. Raises InputError for rows that do not fit the model, and
    MissingDependencyError without matplotlib.
    """
    plots.require_matplotlib()
    inputs.whole_number("count", count)
    subject = Subject(model, X, y, name, data, about_data, feature_names, image_shape(model, X, shape))
    if feature_names is not None and len(feature_names) != model.sizes[0]:
        raise InputError(
            f"feature_names has {len(feature_names)} names; the model has {model.sizes[0]} features"
        )
    sections = [
        overview.of_model(subject),
        data_facts.of_data(subject),
        overview.of_training(subject),
        *quality.of_predictions(subject),
        mistakes.of_mistakes(subject, count),
        timing.of_timings(subject, timing.measure(model, X, inputs.positive("seconds", seconds))),
        reproduction.of_reproduction(subject),
    ]
    style = files("fastnn.report").joinpath("style.css").read_text(encoding="utf-8")
    return page(
        f"{name}: fastnn report", style, _header(subject, sections), element("main", sections), _footer()
    )


def write(model: Network, X: Any, y: Any, path: str | PathLike[str], **options: Any) -> None:
    """Write the report to `path`, whole or not at all; `options` as for `html`."""
    content = html(model, X, y, **options)
    try:
        write_whole(Path(path), content.encode("utf-8"))
    except OSError as error:
        raise InputError(f"path={str(path)!r} cannot be written: {error.strerror}") from None


def _header(subject: Subject, sections: Sequence[Element]) -> Element:
    links = [element("li", element("a", part[0].text, href=f"#{part.get('id')}")) for part in sections]
    return element(
        "header",
        element("h1", subject.name),
        element("p", f"on {subject.data}"),
        overview.headline(subject),
        element("nav", element("ul", links), aria_label="Parts of this report"),
    )


def _footer() -> Element:
    from fastnn import __version__

    today = datetime.date.today().isoformat()
    return element("footer", f"Made by fastnn {__version__} on ", element("time", today, datetime=today), ".")
