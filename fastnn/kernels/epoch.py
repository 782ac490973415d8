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
from fastnn.kernels.entries import DESCEND_LAYERS, NARROW_UPDATE, UPDATE_LAYERS
from fastnn.kernels.jit import jit
from fastnn.kernels.link import call
from fastnn.kernels.shards import SHARD_ROWS, add_all, take_shard
from fastnn.kernels.shares import has_short_rest
from fastnn.kernels.step import Chunk, Masks, Net
from fastnn.kernels.subnormals import restore, subnormals_to_zero
from fastnn.kernels.team import alone, barrier, share
from fastnn.kernels.tile_kinds import CONTINUE, DESCEND
from fastnn.kernels.updates import RATE, SCALE
from fastnn.kernels.workspace import CLAIMS, X_NEXT


@jit
def train_rows(net, me, own, samples, course, recipe, steps, seed):
    """One update for every batch of the samples; every thread of the team makes this call.

    recipe, steps   numbers of the run, and (updates, STEP_FIELDS) of each update, see updates.py
    seed            Masks: the run's seed, and how many updates were before these
    """
    mode_before = subnormals_to_zero()
    layers, kernels = net.layers, net.kernels
    batch, shards, up_to, descend = course.batch, course.shards, course.up_to, course.descend
    x, n_rows, n_updates = own.x, samples.order.shape[0], (course.epoch + batch - 1) // batch
    n_correct = 0
    x_other, gathered, stale = x + layers[0, X_NEXT], False, 1
    give_back(layers[:, CLAIMS], FORWARD_CLAIMS, me)
    give_back(layers[:, CLAIMS], BACKWARD_CLAIMS, me)
    barrier(me)
    # One loop for both ways: a thread that has shards of its own is a team of one between their beginnings
    # and the adding up.
    us, ours = me, net
    if shards != 0:
        us, ours = alone(me), Net(own.layers, kernels, net.bank, net.zeros, net.like)
    # Then the second thread waits for sums that the first one makes with its new weights, and need not wait
    # before: all else that either has written, the other reads only after the barrier that follows.
    in_turns = kernels[NARROW_UPDATE] != 0 and has_short_rest(layers, us.threads, net.like)
    for update in range(n_rows // course.epoch * n_updates):
        epoch = update // n_updates
        begin, end_of_epoch = epoch * course.epoch + update % n_updates * batch, (epoch + 1) * course.epoch
        size = min(batch, end_of_epoch - begin)
        now = steps[update]
        rate, scale = now[RATE], now[SCALE]  # the gradient is a mean over the batch, ragged or not
        counter = (seed.counter + update + 1) << 34
        count = max(1, min(shards, size // SHARD_ROWS))  # of this batch: the last may be small
        from_shard, to_shard = share(count, me.thread, me.threads) if shards != 0 else (0, 1)
        for shard in range(from_shard, to_shard):
            from_row, to_row = share(size, shard, count)
            if shards != 0:
                take_shard(own.layers, layers, shard, rate)
            end_row = min(from_row + up_to, to_row)
            for start in range(from_row + course.done, end_row, course.chunk):
                rows = min(course.chunk, end_row - start)
                next_start, next_rows = begin + start + rows, min(course.chunk, end_row - start - rows)
                if next_rows == 0:  # of the next batch; with shards there is no other input
                    next_start = begin + size + course.done
                    next_end = end_of_epoch if begin + size < end_of_epoch else end_of_epoch + course.epoch
                    next_rows = min(course.chunk, up_to, min(n_rows, next_end) - next_start)
                if kernels[NARROW_UPDATE] == 0 or us.thread == us.threads - 1:
                    next_rows = 0
                these, after = Chunk(x, begin + start, rows), Chunk(x_other, next_start, next_rows)
                masks = Masks(seed.seed, counter + start)
                n_correct += deltas(ours, us, own, samples, these, after, gathered, stale, scale, masks)
                barrier(us)
                give_back(layers[:, CLAIMS], FORWARD_CLAIMS, us)
                give_back(layers[:, CLAIMS], BACKWARD_CLAIMS, us)
                mode = CONTINUE if start > from_row else 0
                steps_now = descend != 0 and start + rows == size and shards == 0
                if steps_now and kernels[DESCEND_LAYERS] != 0:
                    call(kernels[DESCEND_LAYERS], net, me, own, these, mode, recipe, now)
                else:
                    mode |= DESCEND if steps_now else 0
                    call(kernels[UPDATE_LAYERS], ours, us, own.plan, these, mode, rate)
                stale = 0  # exact.py's layers are in shards, and those take the step below
                if not in_turns:
                    barrier(us)
                if next_rows > 0:
                    x, x_other, gathered = x_other, x, True
        if shards != 0 and up_to * count >= size:
            barrier(me)
            add_all(net, count, me)
            barrier(me)
            if descend != 0:
                call(kernels[DESCEND_LAYERS], net, me, own, Chunk(x, 0, 0), SUMMED, recipe, now)
                stale = 1
                barrier(me)
        if begin + size == end_of_epoch:  # not before: other threads' counts are in the same cache line
            samples.correct[epoch] = n_correct
            n_correct = 0
    restore(mode_before)
