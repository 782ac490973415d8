"""How well networks do: known networks, published ones, dropout, and the way to 97 %."""

from typing import Any

from benchmarks.tables.markdown import duration, measured_on, percent, table


def known_networks(saved: dict[str, Any]) -> str:
    """Accuracy of the known networks."""
    rows = [
        [
            row["name"],
            row["what"],
            percent(row["accuracy"]),
            f"{100 * row['floor']:g} %",
            f"{row['seconds']:.1f}",
        ]
        for row in saved["rows"]
    ]
    return table(["name", "network", "test accuracy", "at least", "seconds"], rows)


def defaults(saved: dict[str, Any]) -> str:
    """fastnn told nothing beside scikit-learn told nothing: mean ± standard error."""

    def cell(row: dict[str, Any], name: str) -> str:
        return f"{100 * row[name]:.1f} ± {100 * row[name + '_error']:.1f} %" if name in row else "–"

    names = ("fastnn", "scikit-learn")
    rows = [[row["name"], *(cell(row, name) for name in names)] for row in saved["rows"]]
    return f"{table(['data', *names], rows)}\n\nMean and standard error of {saved['seeds']} seeds."


def published(saved: dict[str, Any]) -> str:
    """Accuracies beside published ones."""
    rows = [
        [
            row["name"],
            percent(row["accuracy"]),
            f"{100 * row['published']:.1f} %",
            f"{row['epochs']:g}",
            duration(row["seconds"]),
        ]
        for row in saved["rows"]
    ]
    seeds = f"Means of {saved['seeds']} seeds. " if saved["seeds"] > 1 else ""
    low = [row["name"] for row in saved["rows"] if row["accuracy"] < row["published"] - saved["allowance"]]
    verdict = f"More than {100 * saved['allowance']:.1f} points below: {', '.join(low)}. " if low else ""
    head = ["hidden layers", "test accuracy", "published", "epochs", "time"]
    return f"{table(head, rows)}\n\n{seeds}{verdict}{measured_on(saved['machine'])}."


def dropout(saved: dict[str, Any]) -> str:
    """One network with dropout, as a sentence."""
    low, high = (percent(accuracy) for accuracy in saved["published"])
    return (
        f"{saved['network']} reached {percent(saved['accuracy'])} of the test images (wanted: "
        f"{100 * saved['wanted']:.1f} %; published for three hidden layers: {low}, with max-norm {high}) "
        f"after {saved['epochs']} epochs in {duration(saved['seconds'])}. {measured_on(saved['machine'])}."
    )


def whole_process(saved: dict[str, Any]) -> str:
    """Wall time of whole processes."""
    rows = [
        [name, duration(saved["medians"][name]), ", ".join(str(run["epochs"]) for run in runs)]
        for name, runs in saved["runs"].items()
    ]
    first = f"fastnn's first run of all, which compiles, took {duration(saved['cold']['seconds'])}."
    return f"{table(['process', 'median', 'epochs until 97 %'], rows)}\n\n{first}"
