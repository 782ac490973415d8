"""How much faster fastnn.sklearn's estimators are than scikit-learn's own."""

from typing import Any

from benchmarks.tables.markdown import duration, measured_on, starred, stars, table

DTYPES = ("float64", "float32")


def estimators(saved: dict[str, Any]) -> str:
    """A line for each kind of work: times of both libraries, and their ratio, on both types of numbers."""
    rows = list(saved.values())
    columns = [
        text
        for dtype in DTYPES
        for text in (f"scikit-learn, {dtype}", f"fastnn, {dtype}", f"times faster, {dtype}")
    ]
    lines = [
        [_name(row), *(cell for dtype in DTYPES for cell in _cells(row[dtype])), _wanted(row)] for row in rows
    ]
    quiet = all(row[dtype]["times faster"]["quiet"] for row in rows for dtype in DTYPES)
    return (
        f"{table(['work', *columns, 'wanted'], lines)}\n\n{measured_on(rows[0]['machine'])}. "
        f"Medians of {rows[0]['rounds']} alternating rounds.{stars(quiet)}"
    )


def _name(row: dict[str, Any]) -> str:
    if row["kind"] == "Prediction":
        return row["name"]
    made_up = ", made up" if row["data"] == "made up" else ""
    return f"{row['name']} ({row['rows']:,} rows{made_up}, {row['epochs']} epoch{'s' * (row['epochs'] > 1)})"


def _cells(measured: dict[str, Any]) -> list[str]:
    beside = measured["times faster"]
    times = [duration(measured[library]["median"]) for library in ("scikit-learn", "fastnn")]
    return [*times, starred(f"**{beside['median']:.1f}**", beside["quiet"])]


def _wanted(row: dict[str, Any]) -> str:
    return "" if row["wanted"] is None else f"{row['wanted']:g}"
