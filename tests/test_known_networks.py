"""Known results on real MNIST: the functions of benchmarks/known_networks.py, held to their floors."""

import pytest

from benchmarks.known_networks import NETWORKS


@pytest.mark.parametrize("known", NETWORKS, ids=lambda known: known.name)
def test_known_network(known, mnist, capsys):
    assert known.train(*mnist) >= known.floor
    if known.name == "full-batch":
        lines = capsys.readouterr().out.splitlines()
        assert [line.split()[1] for line in lines] == [f"{i}/500" for i in range(50, 501, 50)] or [
            line.split("/")[0].split()[-1] for line in lines
        ] == [str(i) for i in range(50, 501, 50)]
