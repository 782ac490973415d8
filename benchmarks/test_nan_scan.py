"""The script that times the look for NaN still runs."""

import json

from benchmarks import nan_scan


def test_nan_scan(tmp_path, capsys):
    nan_scan.main(["--rounds", "2", "--scale", "0.01", "--json", str(tmp_path / "figures.json")])
    saved = json.loads((tmp_path / "figures.json").read_text())
    assert saved["tables"].keys() == nan_scan.TABLES.keys()
    assert all(row["scan"] > 0 < row["epoch"] for row in saved["tables"].values())
    assert len(capsys.readouterr().out.splitlines()) == len(nan_scan.TABLES)
