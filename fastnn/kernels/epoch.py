"""Training of a whole network, a run of steps in one nogil call, shared by a team of threads.

A network is a table of integers (workspace.py), and the large kernels are reached through a table of
addresses (link.py), so only the element type is compiled for. A training step on a chunk of rows:

  forward   wide layers are shared by columns: each thread computes its own panels of outputs for all rows, so
            its part of W stays in its core's cache from update to update; a barrier after each
  rows      narrow layers, the loss and their deltas are shared by rows; a barrier
  deltas    of wide layers by columns again; a barrier after each
  weights   each thread computes its own blocks of dW over all rows, with the SGD step, bias and transposed
            copy; a barrier

Where a thread is done with what is its own of a wide layer, it helps the others (claims.py): on a machine
that other programs use too, 784-512-512-10 in batches of 128 took 55 ms for 5,000 rows instead of 68 (medians
of four runs of each in turn), and 46 instead of 48 at best.

A narrow first layer is shared by features instead, see forward.py and narrow.py, and what follows it may be
left to one of two threads.

Each thread gathers the input it reads for itself: reading a line that another core has just written costs
more (about 9 ns) than gathering it again from the data. For the same reason W should not move: shared by
rows, 784-128-10 in batches of 32 moved half of W in every step, and two threads were no faster than one.
Sharing a narrow last layer by features, as narrow.py shares the first, moves an eighth of the lines; but the
second thread then waits for sums and has the loss alone, and 784-128-10 took as long as by rows.

Plain SGD stores no gradient, and nothing is summed across threads, so the bits do not depend on the team. A
batch larger than a chunk is worked through chunk by chunk: the sums are then carried in G, and the step is
taken at the last chunk. In a batch of thousands of rows each thread works through fixed shards of its own
(shards.py), and meets the others only to add their gradients and to take the step.
"""

from fastnn.kernels.claims import BACKWARD_CLAIMS, FORWARD_CLAIMS, give_back
from fastnn.kernels.deltas import deltas
from fastnn.kernels.descent import SUMMED
from fastnn.kernels.entries import ADD_SHARDS, DESCEND_LAYERS, NARROW_UPDATE, UPDATE_LAYERS
from fastnn.kernels.jit import jit
from fastnn.kernels.link import call
from fastnn.kernels.shards import SHARD_ROWS, add_all, take_shard
from fastnn.kernels.shares import has_short_rest
from fastnn.kernels.subnormals import restore, subnormals_to_zero
from fastnn.kernels.team import barrier, share
from fastnn.kernels.tile_kinds import CONTINUE, DESCEND
from fastnn.kernels.updates import RATE, SCALE
from fastnn.kernels.workspace import CLAIMS, X_NEXT


@jit
def train_rows(
    thread,
    threads,
    layers,
    mine,
    shards,
    kernels,
    bank,
    x,
    plan,
    scratch,
    zeros,
    data,
    targets,
    weights,
    option,
    order,
    losses,
    batch,
    chunk,
    data_scale,
    recipe,
    steps,
    first_step,
    dropout_seed,
    room,
    done,
    up_to,
    descend,
    flags,
    spins,
):
    """One update for every `batch` rows of `order`; every thread of the team makes this call.

    mine, shards   this thread's own table of layers, see Workspace.own_layers, and how many shards a batch is
                   cut into, see shards.py; 0: none, and `mine` is not used
    x, scratch     addresses of this thread's own input and scratch
    plan           how this thread skips zeros of X, see sparsity.py; all zeros: not at all
    data, targets  addresses of X, and of the labels (int64) or the regression targets (row-major)
    weights        address of the weights of all rows of X, of the element type; 0: all alike
    option         label smoothing, or the Huber loss's δ
    chunk          rows worked on at a time; with shards, by each thread
    recipe, steps  numbers of the run, and (updates, STEP_FIELDS) of each update, see updates.py
    first_step     updates of this run before these
    room           address of this thread's own room for the gradients of two blocks, or 0
    losses         (order.size,) float64, written: the loss of each row
    done, up_to    which rows of each shard, or without shards of each batch, are worked on: a long batch can
                   be cut into several calls, which leave their sums in G; the last adds up the shards and
                   takes the step
    descend        1 takes the steps; 0 leaves the gradients of the batch in G (see workspace.py)

    Returns this thread's correctly classified rows.
    """
    mode_before = subnormals_to_zero()
    n_correct, n_rows = 0, order.shape[0]
    x_other, gathered, stale = x + layers[0, X_NEXT], False, 1
    give_back(layers[:, CLAIMS], FORWARD_CLAIMS, thread, threads)
    give_back(layers[:, CLAIMS], BACKWARD_CLAIMS, thread, threads)
    barrier(flags, thread, threads, spins)
    # One loop for both ways: a thread that has shards of its own is a team of one between their beginnings
    # and the adding up.
    table, member, members = (mine, 0, 1) if shards != 0 else (layers, thread, threads)
    # Then the second thread waits for sums that the first one makes with its new weights, and need not wait
    # before: all else that either has written, the other reads only after the barrier that follows.
    in_turns = kernels[NARROW_UPDATE] != 0 and has_short_rest(layers, members, recipe[0])
    for begin in range(0, n_rows, batch):
        size = min(batch, n_rows - begin)
        now = steps[begin // batch]
        rate, scale = now[RATE], now[SCALE]  # the gradient is a mean over the batch, ragged or not
        counter = (first_step + begin // batch + 1) << 34
        count = max(1, min(shards, size // SHARD_ROWS))  # of this batch: the last may be small
        from_shard, to_shard = share(count, thread, threads) if shards != 0 else (0, 1)
        for shard in range(from_shard, to_shard):
            from_row, to_row = share(size, shard, count)
            if shards != 0:
                take_shard(mine, layers, shard, rate)
            end_row = min(from_row + up_to, to_row)
            for start in range(from_row + done, end_row, chunk):
                rows = min(chunk, end_row - start)
                next_start, next_rows = begin + start + rows, min(chunk, end_row - start - rows)
                if next_rows == 0:  # of the next batch; with shards there is no other input
                    next_start = begin + batch + done
                    next_rows = min(chunk, up_to, n_rows - next_start)
                if kernels[NARROW_UPDATE] == 0 or member == members - 1:
                    next_rows = 0
                n_correct += deltas(
                    table,
                    x,
                    gathered,
                    stale,
                    x_other,
                    next_start,
                    next_rows,
                    plan,
                    scratch,
                    zeros,
                    kernels,
                    bank,
                    data,
                    targets,
                    weights,
                    option,
                    order,
                    losses,
                    begin + start,
                    rows,
                    member,
                    members,
                    data_scale,
                    scale,
                    rate,
                    dropout_seed,
                    counter + start,
                    flags,
                    spins,
                )
                barrier(flags, member, members, spins)
                give_back(layers[:, CLAIMS], FORWARD_CLAIMS, member, members)
                give_back(layers[:, CLAIMS], BACKWARD_CLAIMS, member, members)
                mode = CONTINUE if start > from_row else 0
                steps_now = descend != 0 and start + rows == size and shards == 0
                if steps_now and kernels[DESCEND_LAYERS] != 0:
                    call(
                        kernels[DESCEND_LAYERS],
                        layers,
                        x,
                        plan,
                        kernels,
                        bank,
                        rows,
                        thread,
                        threads,
                        mode,
                        room,
                        recipe,
                        now,
                        flags,
                        spins,
                    )
                else:
                    mode |= DESCEND if steps_now else 0
                    call(
                        kernels[UPDATE_LAYERS],
                        table,
                        x,
                        plan,
                        kernels,
                        bank,
                        rows,
                        member,
                        members,
                        mode,
                        rate,
                    )
                stale = 0  # exact.py's layers are in shards, and those take the step below
                if not in_turns:
                    barrier(flags, member, members, spins)
                if next_rows > 0:
                    x, x_other, gathered = x_other, x, True
        if shards != 0 and up_to * count >= size:
            barrier(flags, thread, threads, spins)
            add_all(layers, kernels[ADD_SHARDS], count, thread, threads, rate)
            barrier(flags, thread, threads, spins)
            if descend != 0:
                call(
                    kernels[DESCEND_LAYERS],
                    layers,
                    x,
                    plan,
                    kernels,
                    bank,
                    0,
                    thread,
                    threads,
                    SUMMED,
                    room,
                    recipe,
                    now,
                    flags,
                    spins,
                )
                stale = 1
                barrier(flags, thread, threads, spins)
    restore(mode_before)
    return n_correct
