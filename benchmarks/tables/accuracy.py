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

    mnist = f", of MNIST {saved['mnist_seeds']}" if saved["mnist_seeds"] else ""
    names = ("fastnn", "scikit-learn")
    rows = [[row["name"], *(cell(row, name) for name in names)] for row in saved["rows"]]
    return f"{table(['data', *names], rows)}\n\nMean and standard error of {saved['seeds']} seeds{mnist}."


def published(saved: dict[str, Any]) -> str:
    """Accuracies beside published ones: three columns for each patience that was tried."""
    by_name = {part["patience"]: {row["name"]: row for row in part["rows"]} for part in saved.values()}
    patiences = sorted(by_name)
    names = dict.fromkeys(row["name"] for part in saved.values() for row in part["rows"])
    rows = []
    for name in names:
        found = [by_name[patience].get(name) for patience in patiences]
        least = next(row["published"] for row in found if row)
        rows.append(
            [name, f"{100 * least:.1f} %", *(cell for row in found for cell in _published_cells(row))]
        )
    columns = [text for n in patiences for text in (f"patience {n}", "epochs", "time")]
    first = next(iter(saved.values()))
    seeds = f"Means of {first['seeds']} seeds. " if first["seeds"] > 1 else ""
    low = [
        f"{row['name']} with patience {part['patience']}"
        for part in saved.values()
        for row in part["rows"]
        if row["accuracy"] < row["published"] - part["allowance"]
    ]
    verdict = f"More than {100 * first['allowance']:.1f} points below: {', '.join(low)}. " if low else ""
    head = ["hidden layers", "published", *columns]
    return f"{table(head, rows)}\n\n{seeds}{verdict}{measured_on(first['machine'])}."


def _published_cells(row: dict[str, Any] | None) -> list[str]:
    if row is None:
        return ["–"] * 3
    return [percent(row["accuracy"]), f"{row['epochs']:g}", duration(row["seconds"])]


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
