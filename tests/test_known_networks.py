"""Known results on real MNIST: the functions of benchmarks/known_networks.py, held to their floors."""

import pytest

from benchmarks.known_networks import NETWORKS

LONG = ("full-batch", "csv")  # .ci/run trains these too


@pytest.mark.parametrize(
    "known",
    [
        pytest.param(known, marks=[pytest.mark.slow] if known.name in LONG else [], id=known.name)
        for known in NETWORKS
    ],
)
def test_known_network(known, mnist, capsys):
    assert known.train(*mnist) >= known.floor
    if known.name == "full-batch":
        lines = capsys.readouterr().out.splitlines()
        assert [line.split()[1] for line in lines] == [f"{i}/500" for i in range(50, 501, 50)] or [
            line.split("/")[0].split()[-1] for line in lines
        ] == [str(i) for i in range(50, 501, 50)]
