"""Into how many shards a batch is cut: by its rows and the network, for the bits must not depend on more."""

import pytest

pytest.importorskip("numba")

from fastnn.kernels.shards import MOST_BYTES, MOST_SHARDS, SHARD_ROWS, shard_count


def test_small_batches_have_none():
    assert shard_count(64, 1000) == 0
    assert shard_count(2 * SHARD_ROWS - 1, 1000) == 0


def test_large_ones_as_many_as_rows_and_memory_allow():
    assert shard_count(2 * SHARD_ROWS, 1000) == 2
    assert shard_count(60_000, 1000) == MOST_SHARDS
    assert shard_count(60_000, MOST_BYTES // 3) == 3
    assert shard_count(60_000, MOST_BYTES) == 0
