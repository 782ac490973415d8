"""Rows predicted one by one (predict.py) by all threads that come: pieces of them are claimed (claims.py)."""

from fastnn.kernels.claims import areas_in, await_all, counted_area, finish, next_unit
from fastnn.kernels.helpers import begin, linger
from fastnn.kernels.jit import jit
from fastnn.kernels.predict import predict_rows

PIECE = 8  # rows of a unit of work, some 6 µs of 784-128-10


@jit
def predict_together(plan, X, scale, outputs, me, claims, call, looks):
    """predict_directly by this thread, which has a plan of its own, and others; returns when all is done.

    me           a member that meets nobody: its flags are the helpers' bells
    claims       one area from no_claims, new for each call
    call, looks  number of the call, and how long helpers linger after it, see helpers.py
    """
    if me.thread == 0:
        begin(me.flags, call)
    rows, area = X.shape[0], counted_area(areas_in(claims), 0, me.threads)
    pieces, helped, taken = (rows + PIECE - 1) // PIECE, 0, 0
    while True:
        piece, helped, taken = next_unit(area, pieces, me, helped, taken)
        if piece < 0:
            break
        predict_rows(plan, X, piece * PIECE, min(rows, (piece + 1) * PIECE), scale, outputs)
        finish(area, me)
    await_all(area, pieces, me)
    if me.thread > 0:
        linger(me.flags, call, me.thread, looks)
