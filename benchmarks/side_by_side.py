"""fastnn beside NumPy, PyTorch, JAX, scikit-learn and ONNX Runtime: same weights, same data, same batches.

    python benchmarks/side_by_side.py [--rows N] [--rounds 5] [--only NAME] [--json FILE]

An epoch is timed from the order of the rows to the updated weights, so everybody gathers shuffled rows. Data
are converted before: float32 for the peers, uint8 for fastnn, which is what it is made for ("float32 input"
says what that is worth). Peers are called in the fastest of their forms in benchmarks/peers/; everybody is
checked against fastnn's NumPy backend first. Rounds alternate between the contenders; benchmarks/peak.py says
which timings count. With FASTNN_DATA_DIR the images are MNIST's, else made up and as sparse. `--only adam`
takes the rows that train with Adam instead of plain gradient descent.
"""

import argparse
import itertools
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # as a script, this file has only its own folder there

from benchmarks import peers, record  # noqa: E402
from benchmarks.peak import LIMIT, Probe, cpus  # noqa: E402
from benchmarks.peers import contest, fastnn_itself, task  # noqa: E402
from benchmarks.workloads import Net  # noqa: E402

# The widest train on a third of the rows: their epochs are long, and cost the same a row.
TRAINING = (
    Net((784, 10, 10), 64, 60_000),
    Net((784, 10, 10), 0, 60_000),
    Net((784, 128, 10), 128, 60_000),
    Net((784, 128, 10), 32, 60_000),
    Net((784, 512, 512, 10), 128, 20_000),
    Net((784, 1024, 1024, 10), 256, 20_000),
    Net((20, 64, 64, 2), 32, 100_000, dense_floats=True),
    Net((784, 512, 512, 10), 128, 20_000, dense_floats=True),
    Net((784, 128, 10), 128, 60_000, optimizer="adam"),
    Net((784, 512, 512, 10), 128, 20_000, optimizer="adam"),
    Net((20, 64, 64, 2), 32, 100_000, dense_floats=True, optimizer="adam"),
)
INFERENCE = (
    Net((784, 128, 10), 1, 1),
    *(Net((784, 128, 10), 0, n_rows) for n_rows in (100, 1_000, 10_000)),
    *(Net((784, 128, 10), 0, n_rows, dense_floats=True) for n_rows in (100, 1_000, 10_000)),
    Net((784, 512, 512, 10), 0, 32, dense_floats=True),
    Net((784, 512, 512, 10), 0, 1_000, dense_floats=True),
    Net((20, 64, 64, 2), 0, 1_000, dense_floats=True),
)


@dataclass(frozen=True)
class Work:
    """One row of the table; `kind` is what the peers call the class that does it."""

    kind: str
    net: Net

    @property
    def name(self) -> str:
        """Such as "784-128-10 b128" or "784-128-10 predict 100 rows dense"."""
        if self.kind == "Training":
            return self.net.name
        rows = f"{self.net.n_rows:,} row{'s' * (self.net.n_rows > 1)}{' dense' * self.net.dense_floats}"
        return f"{'-'.join(map(str, self.net.sizes))} predict {rows}"

    @property
    def flops(self) -> int:
        """Multiplications and additions of the products, counted as for dense data."""
        if self.kind == "Training":
            return self.net.n_rows * self.net.flops_per_row
        return 2 * self.net.n_rows * sum(a * b for a, b in itertools.pairwise(self.net.sizes))


WORKS = (*(Work("Training", net) for net in TRAINING), *(Work("Inference", net) for net in INFERENCE))


def measure(work: Work, probes: dict[int, Probe], rounds: int) -> dict[str, Any]:
    """Time all contenders on one piece of work."""
    made = task.make(work.net, split="train" if work.kind == "Training" else "test")
    work = replace(work, net=made.net)
    probe = probes[cpus()]
    contenders, missing = contest.entrants(work.kind, made, probe)
    contest.play(probe, contenders, rounds)
    probes[1]()  # may raise the best seen
    results = {entrant.name: entrant.result(probe) for entrant in contenders}
    for entrant in contenders:
        entrant.arithmetic.close()
    for result in results.values():
        rate = work.flops / result["median"] / 1e9
        best = probes[1 if result["form"].get("threads") == 1 else cpus()].best
        result |= {"gflops": rate, "share_of_peak": rate / best}
    fastest = min(
        peers.MODULES.keys() & results.keys(), key=lambda name: results[name]["median"], default=None
    )
    ratio = results[fastest]["median"] / results[fastnn_itself.NAME]["median"] if fastest else None
    return {
        "name": work.name,
        "kind": work.kind.lower(),
        "rows": work.net.n_rows,
        "data": made.source,
        "contenders": results,
        "missing": missing,
        "fastest_peer": fastest,
        "ratio": ratio,
    }


def packages() -> set[str]:
    """Of every library that takes part and imports."""
    found = set(fastnn_itself.PACKAGES)
    for name in peers.MODULES:
        try:
            found.update(peers.load(name).PACKAGES)
        except ImportError:
            continue
    return found


def show(row: dict[str, Any]) -> None:
    """Print one piece of work's result, slowest last."""
    ratio = f"fastest peer / fastnn = {row['ratio']:.2f}" if row["ratio"] else "no peer"
    print(f"\n{row['name']}, {row['rows']} rows, {row['data']}: {ratio}")
    for name, result in sorted(row["contenders"].items(), key=lambda item: item[1]["median"]):
        noise = "" if result["quiet"] else "  (noisy: no quiet trials)"
        print(
            f"  {name:24} {1e3 * result['median']:12.4f} ms  [{1e3 * result['fastest']:.4f} … "
            f"{1e3 * result['slowest']:.4f}]  {result['gflops']:7.1f} GFLOP/s "
            f"{100 * result['share_of_peak']:5.1f} %  kept {result['kept']}/{len(result['trials'])}  "
            f"{result['form'] or ''}{noise}"
        )
    for name, reason in row["missing"].items():
        print(f"  {name:24} {reason}", flush=True)


def main() -> None:
    """Measure what is asked for; write the JSON after each piece of work, so that nothing is lost."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, help="at most so many rows an epoch")
    parser.add_argument("--rounds", type=int, default=5, help="accepted timings of each contender")
    parser.add_argument("--only", metavar="NAME", help="; ".join(work.name for work in WORKS))
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    chosen = [work for work in WORKS if not arguments.only or arguments.only in work.name]
    if not chosen:
        parser.error(f"nothing is called {arguments.only}")
    probes = {threads: Probe(threads) for threads in (1, cpus())}
    saved = {
        "machine": record.machine(packages()),
        "rounds": arguments.rounds,
        "limit": LIMIT,
        "peak": {},
        "rows": [],
    }
    for work in chosen:
        n_rows = min(work.net.n_rows, arguments.rows or work.net.n_rows)
        row = measure(replace(work, net=replace(work.net, n_rows=n_rows)), probes, arguments.rounds)
        saved["rows"].append(row)
        saved["peak"] = {str(threads): probe.best for threads, probe in probes.items()}
        show(row)
        record.save(arguments.json, saved)
    for probe in probes.values():
        probe.close()


if __name__ == "__main__":
    main()
