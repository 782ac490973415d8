"""How long work is cut into several calls: compiled code sees no Ctrl-C, but Python between them does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from fastnn.backends import Parameters
from fastnn.kernels.shards import SHARD_ROWS
from fastnn.kernels.workspace import CHUNK

# Of one call: 0.05 s for two fast cores at 200 GFLOP/s, half a second for a slow one at 20.
FLOPS_PER_CALL = 1e10
# Tiny networks take some 0.1 to 1 µs a row, whatever their FLOPs.
MOST_ROWS = 2**18


class Part(NamedTuple):
    """What one call of train_rows is told to work on.

    rows         where they are in the order: whole mini-batches
    update       the first of their updates
    done, up_to  see Course in kernels/step.py
    updates      how many updates are taken in it: all, or of a mini-batch that is cut none or 1
    """

    rows: slice
    update: int
    done: int
    up_to: int
    updates: int


def training_parts(
    n_rows: int, batch_size: int, shards: int, most_rows: int, n_epochs: int = 1
) -> Iterator[Part]:
    """All rows in one part; or where mini-batches have more than `most_rows`, parts of about so many rows.

    shards     see kernels.shards.shard_count: a part has so many rows of each
    n_epochs   of n_rows each; several are one part in any case
    """
    if batch_size <= most_rows or n_epochs > 1:
        yield Part(slice(0, n_epochs * n_rows), 0, 0, batch_size, n_epochs * -(-n_rows // batch_size))
        return
    step = max(1, most_rows // max(1, shards) // CHUNK) * CHUNK
    for update, begin in enumerate(range(0, n_rows, batch_size)):
        end = min(begin + batch_size, n_rows)
        shard_rows = -(-(end - begin) // max(1, min(shards, (end - begin) // SHARD_ROWS)))
        for done in range(0, shard_rows, step):
            yield Part(slice(begin, end), update, done, done + step, int(done + step >= shard_rows))


def most_rows(network: Parameters, flops_per_weight: int) -> int:
    """Rows that one call takes, whole chunks: 2 FLOPs a row and weight forward, 6 in training."""
    flops = flops_per_weight * sum(W.size for W in network.weights)
    return max(1, min(MOST_ROWS, int(FLOPS_PER_CALL / flops)) // CHUNK) * CHUNK
