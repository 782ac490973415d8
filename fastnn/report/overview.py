"""The parts of a report about the model itself: its numbers at a glance, its layers, how it was trained."""

from __future__ import annotations

from fastnn import plots, summary
from fastnn.errors import InputError
from fastnn.history import History
from fastnn.report.markup import Element, element, facts, per_cent, section, table
from fastnn.report.pictures import drawn
from fastnn.report.subject import Subject


def headline(subject: Subject) -> Element:
    """The few numbers that are looked for first."""
    model = subject.model
    told = [_score(subject), ("loss", f"{model.loss(subject.X, subject.y):.4g}")]
    told += [("rows", f"{subject.n_rows:,}"), ("parameters", f"{model.n_parameters:,}")]
    pairs = [element("div", element("dt", name), element("dd", value)) for name, value in told]
    return element("dl", pairs, class_="headline")


def of_model(subject: Subject) -> Element:
    """Its layers, and what it takes and gives."""
    model = subject.model
    layers = table(summary.HEADER, summary.layers(model), caption="Layers of the network", words=(1, 2))
    return section("Summary", facts(summary.facts(model)), layers, anchor="summary")


def of_training(subject: Subject) -> Element:
    """The curves, and the weights as images where the rows are images."""
    model, history = subject.model, subject.model.history
    content: list[Element] = []
    if history.n_epochs:
        content += [
            drawn(
                lambda: plots.learning_curves(history),
                text=f"Curves over {history.n_epochs:,} epochs of {', '.join(history).replace('_', ' ')}.",
                caption="Learning curves",
            ),
            _epochs(history),
        ]
    else:
        words = "The model has no record of its training, so there are no curves."
        content.append(element("p", words, class_="note"))
    if subject.shape is not None:
        shape = subject.shape
        content.append(
            drawn(
                lambda: plots.first_layer(model, shape=shape),
                text="Images of the weights from each pixel into units of the first layer.",
                caption="Weights of the first layer: blue raises a unit's input, orange lowers it",
            )
        )
    return section("Training", content, anchor="training")


def _score(subject: Subject) -> tuple[str, str]:
    model = subject.model
    if model.classes is not None:
        return "accuracy", per_cent(model.score(subject.X, subject.y), 2)
    try:
        return "R²", f"{model.score(subject.X, subject.y):.4f}"
    except InputError:  # y is constant
        return "R²", "undefined"


def _epochs(history: History) -> Element:
    """What was measured in the last epoch, and in the one whose weights were kept."""
    epochs, best = history.epochs, history.best_epoch
    shown = [(f"epoch {epochs[-1]}, the last", len(epochs) - 1)]
    if best in epochs and best != epochs[-1]:
        shown.append((f"epoch {best}, the one kept", epochs.index(best)))
    rows = [
        (name.replace("_", " "), *(_shown(name, column[row]) for _, row in shown))
        for name, column in history.items()
        if name != "seconds"
    ]
    return table(("measured", *(words for words, _ in shown)), rows, caption="Values by epoch")


def _shown(name: str, value: float) -> str:
    return per_cent(value, 2) if name.endswith("accuracy") else f"{value:.4g}"
