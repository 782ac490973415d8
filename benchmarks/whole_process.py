"""The whole way to 97 % on MNIST, from starting Python to the last epoch: fastnn beside a PyTorch script.

    python benchmarks/whole_process.py [--rounds 5] [--json FILE]

Both processes import, read the same .npy files, train 784-128-10 with ReLU in batches of 128 at a learning
rate of 0.1 on float32, measure the test accuracy after every epoch, and end with the first that reaches 97 %.
They take turns; the medians count. fastnn also runs once with an empty compilation cache.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # as a script, this file has only its own folder there

import fastnn  # noqa: E402

FASTNN = """
import json, sys
import numpy as np
import fastnn

X, y, X_test, y_test = (np.load(f"{sys.argv[1]}/{name}.npy") for name in ("X", "y", "X_test", "y_test"))

class StopAt(fastnn.callbacks.Callback):
    def epoch_end(self, training):
        training.write_back()
        self.accuracy = training.network.score(X_test, y_test)
        if self.accuracy >= 0.97:
            training.stop("97 %")

stop = StopAt()
model = fastnn.train(
    X, y, hidden=128, batch_size=128, learning_rate=0.1, epochs=50, seed=int(sys.argv[2]), callbacks=[stop]
)
print(json.dumps({"epochs": len(model.history["loss"]), "accuracy": stop.accuracy}))
"""

PYTORCH = """
import json, sys
import numpy as np
import torch
from torch import nn

X, y, X_test, y_test = (
    torch.from_numpy(np.load(f"{sys.argv[1]}/{name}.npy")) for name in ("X", "y", "X_test", "y_test")
)
X, X_test = X.float() / 255, X_test.float() / 255
torch.manual_seed(int(sys.argv[2]))
model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
for layer in (model[0], model[2]):
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    nn.init.zeros_(layer.bias)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, fused=True)
for epoch in range(1, 51):
    order = torch.randperm(len(X))
    for rows_X, rows_y in zip(X[order].split(128), y[order].split(128)):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(rows_X), rows_y)
        loss.backward()
        optimizer.step()
    with torch.inference_mode():
        accuracy = (model(X_test).argmax(dim=1) == y_test).float().mean().item()
    if accuracy >= 0.97:
        break
print(json.dumps({"epochs": epoch, "accuracy": accuracy}))
"""

SCRIPTS = {"fastnn": FASTNN, "PyTorch": PYTORCH}


def save_mnist(folder: Path) -> None:
    """Write the arrays that both processes read."""
    for split, suffix in (("train", ""), ("test", "_test")):
        X, y = fastnn.datasets.load("mnist", split=split)
        np.save(folder / f"X{suffix}.npy", X)
        np.save(folder / f"y{suffix}.npy", y)


def run(name: str, folder: Path, seed: int, cache: Path) -> dict[str, Any]:
    """One process: its wall time, epochs and accuracy."""
    environment = os.environ | {"FASTNN_CACHE_DIR": str(cache), "PYTHONPATH": _python_path()}
    command = [sys.executable, "-c", SCRIPTS[name], str(folder), str(seed)]
    start = time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr}")
    return {"seconds": seconds, **json.loads(done.stdout)}


def _python_path() -> str:
    return os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))


def main() -> None:
    """Take turns, print, and save."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save_mnist(folder)
        cold = run("fastnn", folder, 0, folder / "cache")
        print(f"fastnn, empty cache  {cold['seconds']:6.2f} s  {cold['epochs']} epochs", flush=True)
        runs: dict[str, list[dict[str, Any]]] = {name: [] for name in SCRIPTS}
        for seed in range(arguments.rounds):
            for contender in SCRIPTS:
                result = run(contender, folder, seed, folder / "cache")
                runs[contender].append(result)
                print(
                    f"{contender:20} {result['seconds']:6.2f} s  {result['epochs']} epochs, "
                    f"{100 * result['accuracy']:.2f} %",
                    flush=True,
                )
    medians = {name: statistics.median(run["seconds"] for run in taken) for name, taken in runs.items()}
    print(f"medians: {', '.join(f'{name} {seconds:.2f} s' for name, seconds in medians.items())}")
    if arguments.json is not None:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        saved = {"cold": cold, "medians": medians, "runs": runs}
        arguments.json.write_text(json.dumps(saved, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
