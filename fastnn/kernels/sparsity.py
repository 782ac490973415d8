"""Whether and how a run skips the zeros of its input: chosen by a sample, held as bitmaps and lists."""

import numpy as np

from fastnn.kernels.bits import ROW_BITS, WORD
from fastnn.kernels.listed import FEATURES_TOGETHER, ROWS_TOGETHER, heights
from fastnn.kernels.panels import aligned_bytes, panel_columns
from fastnn.kernels.shares import panels_together
from fastnn.kernels.target import VECTOR_BYTES

# Fields of a thread's plan, an int64 array; all zeros means dense.
(
    FORWARD_LISTED,
    UPDATE_LISTED,
    BITS,
    WORDS,
    CHUNK_BITS,
    CHUNK_STRIDE,
    ROW_LISTS,
    ROW_LIST_BYTES,
    SAMPLE_LISTS,
    SAMPLE_LIST_BYTES,
    PLAN_FIELDS,
) = range(11)

# The switch, from 784-128-10, 784-512-10 and 100-128-10 on an AVX-512 machine, one thread and two. With all
# steps in the lists an epoch takes 0 to 4 % longer for forward's and 0 to 10 for dW's; at a share of 0.74
# forward's save 0 to 8 %, and at 0.76 dW's between -8 and 6. With 8 rows and 2 vectors of outputs lists cost
# more than they save, and with one vector (784-10-10) nothing is gained, for gathering the rows is most of
# the work.
WORTH_LISTING = 0.75
LEAST_WORK = 24  # rows of a chunk x vectors of outputs
SAMPLE, GROUPS = 1024, 12  # rows looked at to choose in training, groups of rows in a forward pass
FIRST_GROUPS, CLEARLY_DENSE = 2, 0.95
# Multiplications in the first layer for all rows, below which a look at the rows takes longer than a forward
# pass can save, and training is over before the further kernels would be compiled.
LEAST_PRODUCTS = 5e7


def active_shares(X, tall, wide):
    """Shares of the steps that lists would keep, in (forward, dW), on a sample in random order.

    tall, wide   rows of a tile of forward, features of one of dW
    """
    rows = np.random.default_rng(0).choice(len(X), min(len(X), SAMPLE), replace=False)
    active = X[rows] != 0
    tiles = np.add.reduceat(active, np.arange(0, X.shape[1], wide), axis=1) > 0
    return _share_of_groups(active, tall), float(tiles.mean())


def forward_share(X, tall):
    """The first of them where rows come in their own order: on a few groups of neighbours throughout X.

    On the first few alone where these have hardly a zero: looking at rows takes as long as reading them.
    """
    tall, n_features = min(len(X), tall), X.shape[1]
    bits = np.empty((tall, -(-n_features // WORD)), np.int64)
    kernel, data, target, row_step = ROW_BITS[X.dtype], X.ctypes.data, bits.ctypes.data, bits[0].nbytes
    active = 0
    for group in range(GROUPS):
        first = (len(X) - tall) * group // (GROUPS - 1)
        kernel(data, n_features, first, first + tall, target, row_step, 8)
        active += int.from_bytes(np.bitwise_or.reduce(bits).tobytes(), "little").bit_count()
        share = active / ((group + 1) * n_features)
        if group + 1 == FIRST_GROUPS and share > CLEARLY_DENSE:
            break
    return share


def _share_of_groups(active, tall):
    tall = min(len(active), tall)
    groups = active[: len(active) // tall * tall].reshape(-1, tall, active.shape[1]).any(axis=1)
    return float(groups.mean())


def choose(X, dtype, fan_out, rows, threads=1, training=True):
    """(forward, dW): whether each is worth lists, for chunks of `rows` rows and `fan_out` outputs.

    threads   that share a training step; in a forward pass on its own each works alone

    Neither is where there is little to do. A forward pass on its own is over sooner, and looks at fewer rows
    (0.1 ms, not 0.4).
    """
    vectors = -(-int(fan_out) * np.dtype(dtype).itemsize // VECTOR_BYTES)
    too_little = X.size * int(fan_out) < LEAST_PRODUCTS
    if vectors < 2 or rows * vectors < LEAST_WORK or too_little:
        return False, False
    team = threads if training else 1
    tall, wide = heights(panels_together(int(fan_out), team, 1, np.dtype(dtype).type(0)))
    if not training:
        return forward_share(X, tall) < WORTH_LISTING, False
    forward, update = active_shares(X, tall, wide)
    return forward < WORTH_LISTING, update < WORTH_LISTING


class Sparsity:
    """How a run on X skips zeros: `plans`, one a thread. X must not change while it lives.

    rows      most rows in a chunk
    run       runs a function of the thread's number in so many threads (Team.run): then there will be weight
              updates, for which all rows get bitmaps now; None: a forward pass makes them chunk by chunk
    narrow    whether the first layer is narrow.py's, which makes lists of its own
    """

    def __init__(self, X, dtype, fan_out, rows, threads, run=None, narrow=False):
        training = run is not None
        self.forward, self.update = (
            (False, False) if narrow else choose(X, dtype, fan_out, rows, threads, training)
        )
        self.plans = [np.zeros(PLAN_FIELDS, np.int64) for _ in range(threads)]
        self._memory = []
        if not (self.forward or self.update):
            return
        n, features = X.shape
        words, panel = (features + WORD - 1) // WORD, panel_columns(dtype)
        bits = np.empty((n if training else 0, words), np.int64)
        if training:
            kernel, data, target, row_step = ROW_BITS[X.dtype], X.ctypes.data, bits.ctypes.data, 8 * words

            def make(t):
                first, last = n * t // threads, n * (t + 1) // threads
                kernel(data, features, first, last, target + first * row_step, row_step, 8)

            run(make, threads)
        self._memory.append(bits)
        stride = -(-rows // 64) * 512 + 64  # not a power of two: a row's words in different sets of L1
        row_list = 8 + 4 * features + 64  # length, features, and what making a list may overwrite
        sample_list = 8 + 4 * rows + 64
        row_lists = -(-rows // ROWS_TOGETHER) + 1
        sample_lists = -(-features // panel) * -(-panel // FEATURES_TOGETHER)
        for plan in self.plans:
            plan[[FORWARD_LISTED, UPDATE_LISTED]] = self.forward, self.update
            plan[[BITS, WORDS, CHUNK_STRIDE]] = bits.ctypes.data if training else 0, words, stride
            plan[[ROW_LIST_BYTES, SAMPLE_LIST_BYTES]] = row_list, sample_list
            plan[CHUNK_BITS] = self._room(words * stride)
            if self.forward:
                plan[ROW_LISTS] = self._room(row_list * row_lists)
            if self.update:
                plan[SAMPLE_LISTS] = self._room(sample_list * sample_lists)

    @property
    def active(self):
        """Whether anything is skipped."""
        return self.forward or self.update

    def _room(self, count):
        self._memory.append(aligned_bytes(count))
        return self._memory[-1].ctypes.data
