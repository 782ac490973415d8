"""Micro-kernels: the LLVM IR of one register tile of C, for any family, height and element type.

A tile is MR rows x NV vectors of C, held in MR * NV registers over the whole reduction. Of two kinds:

  rows      C[i, lanes] = start[lanes]    + sum_k A[i, k] * B[k, lanes]     Z = XW + b,  dX = dZ W'
  columns   C[k, lanes] = start[k, lanes] + sum_s A[s, k] * B[s, lanes]     dW = X' dZ

But for tiles in place, operands are panel-major (panels.py), so tile rows are ROW_BYTES apart, a constant
whatever the layer size: one compiled tile serves every shape. Each output element is ONE chain of
fused multiply-adds in ascending order of the reduction index; its bits depend neither on MR, NV, the vector
width nor on who computes it.

`listed` tiles run the same chain over a list of active reduction indices (the others must contribute
exact zeros), to skip the zeros of sparse inputs. `double` ones are four vectors wide, two panels of B and C:
being half as high they have as many accumulators, and lists that skip more (listed.py). `byte` tiles run over
a list too, and read B as uint8, which they convert on its way to the registers (narrow.py): B is then a
quarter as large, for six instructions a step. Tiles `in place` are of the rows family, and read A row-major,
each row at an offset that they are given, so that rows of X need not be copied into panels. Were they given
the distance between rows, LLVM would make a chain of additions of it, and they would take twice as long.
`unpacked` ones are in place, and read B row-major too, as long as it is in L2: they take 6 % longer. Those
that pack do so from anywhere, for they fetch its rows ahead, and leave a panel of B for tiles that follow.

In the loop there is nothing but loads, broadcasts and FMAs, of those that pack stores, too: 14 x 2 on AVX-512
keeps 28 accumulators, 2 vectors of B and 2 broadcasts in the 32 registers, without a spill, and runs at
90-97 % of the FMA peak.

Wide layers do not fit into L2, and half of an activation lies in another core's cache: both are hundreds of
cycles away, more than the CPU looks ahead. So tiles fetch what comes next. The rows family: A's next panel to
L1, where there is one, and a part of the panel of B that will be used next to L2, so that all tiles of a
panel share it. The columns family: a line of C behind the tile with every step. 784-512-512-10 in batches of
128 on dense rows, two threads: 210 ms became 192 for 20,000 rows, most of it A's part; one thread 379, 358.
"""

from llvmlite import ir

from fastnn.kernels.loops import emit_loop, emit_pairwise_loop, emit_when
from fastnn.kernels.memory import L1, L2, emit_prefetch
from fastnn.kernels.panels import ROWS_AHEAD
from fastnn.kernels.simd import I1, I32, INT, emit_below, emit_fma, emit_splat, pointer
from fastnn.kernels.target import LINE, VECTOR_BYTES
from fastnn.kernels.tile_kinds import (
    BYTE_COLUMNS,
    BYTE_ROWS,
    DOUBLE,
    DOUBLE_ROWS,
    IN_PLACE,
    LISTED_COLUMNS,
    LISTED_ROWS,
    RELU,
    ROW_BYTES,
    ROWS,
    ROWS_PACKING,
    UNPACKED,
)

LINES_AHEAD = 8  # of B's next panel, fetched with each panel of A

# Bits that the offset in A has in a pair of byte tiles. Of the columns family B is X itself, however large.
ROWS_SHIFT, COLUMNS_SHIFT = 32, 16


def tile_type(scalar, longer=False):
    """The LLVM type of a tile function, see emit_tile; `longer` with two arguments more."""
    return ir.FunctionType(ir.VoidType(), [INT] * (10 if longer else 8) + [scalar])


def emit_tile(context, module, element, family, MR, NV):
    """Add one tile function to `module` and return it.

    void tile(count, a, a_panel, b, c, start, list, mode, [b_panel, c_panel,] rate): addresses and byte
    strides are int64, a_panel the distance between A's panels (rows family only), rate the learning rate.
    Of the plain rows family `list` is where to fetch lines, LINES_AHEAD for each further panel of A; of tiles
    in place it holds the byte offsets of their rows in A, as int64, and a_panel is not used, or of unpacked
    ones the distance between rows of B. Of byte tiles `list` holds pairs, offsets inside A and B in an int64;
    a_panel is the address of B's scale; and `start` has a row for each of C. Double tiles have the distances
    between panels of B and of C, too; those that pack have in place of b_panel the packed panel's address.
    """
    scalar = context.get_value_type(element)
    kind = tile_type(scalar, longer=family in (*DOUBLE, ROWS_PACKING))
    function = ir.Function(module, kind, f"tile_{element}_{family}_{MR}x{NV}")
    function.linkage = "internal"
    function.attributes.add("nounwind")
    tile = _Tile(function, scalar, element.bitwidth // 8, family, MR, NV)
    accumulators = tile.start_from_rows() if tile.rows_family else tile.start_from_zero_or_tile()
    if tile.listed or tile.bytes:
        accumulators = tile.reduce_list(accumulators)
    elif family == ROWS_PACKING:
        accumulators = tile.reduce_and_pack(accumulators)
    elif tile.in_place:
        accumulators = tile.reduce_in_place(accumulators)
    elif tile.rows_family:
        accumulators = tile.reduce_along_rows(accumulators)
    else:
        accumulators = tile.reduce_along_columns(accumulators)
    # What is done with the result is chosen at run time; the loop above stays untouched.
    if tile.rows_family:
        tile.store_with_floor(accumulators)
    else:
        tile.store_or_descend(accumulators)
    return function


class _Tile:
    """A tile function under construction; accumulators are lists of MR * NV values, row after row."""

    def __init__(self, function, scalar, size, family, MR, NV):
        self.scalar, self.size, self.MR, self.NV = scalar, size, MR, NV
        self.vector = ir.VectorType(scalar, VECTOR_BYTES // size)
        self.rows_family = family in (ROWS, LISTED_ROWS, DOUBLE_ROWS, BYTE_ROWS, *IN_PLACE)
        self.listed = family in (LISTED_ROWS, LISTED_COLUMNS, *DOUBLE)
        self.bytes = family in (BYTE_ROWS, BYTE_COLUMNS)
        self.in_place, self.unpacked = family in IN_PLACE, family in UNPACKED
        # row-major W and b of a user's lie anywhere
        self.align = size if self.unpacked else VECTOR_BYTES
        self.panel = ROW_BYTES // size  # columns of a panel
        self.count, self.a, self.a_panel, self.b, self.c, *rest = function.args
        self.start, self.list, self.mode, *panels, self.rate = rest
        self.b_panel, self.c_panel = panels or (None, None)
        self.bd = ir.IRBuilder(function.append_basic_block("entry"))
        # places of the accumulators inside C: a panel, and a byte offset there
        self.places = [(v // 2, i * ROW_BYTES + v % 2 * VECTOR_BYTES) for i in range(MR) for v in range(NV)]
        if self.bytes:
            scale = self.bd.load(pointer(self.bd, self.a_panel), typ=scalar, align=size)
            self.scale = emit_splat(self.bd, self.vector, scale)
        a_step = ROW_BYTES if self.rows_family else size
        # from A's place in the loop to what multiplies the tile's rows
        self.a_offsets = [self.number(i * a_step) for i in range(MR)]
        if self.in_place:
            places = [self.at(self.list, 8 * i) for i in range(MR)]
            self.a_offsets = [self.bd.load(place, typ=INT, align=8) for place in places]

    # ---- small pieces ----

    def number(self, n):
        return ir.Constant(INT, n)

    def at(self, base, offset):
        return pointer(self.bd, self.bd.add(base, self.number(offset)) if offset else base)

    def get(self, base, place, pitch=None):
        """The vector at a place (panel, offset) of panels that are `pitch` bytes apart."""
        panel, offset = place
        base = self.bd.add(base, pitch) if panel else base
        return self.bd.load(self.at(base, offset), typ=self.vector, align=self.align)

    def put(self, value, place):
        """Store a vector of C."""
        panel, offset = place
        base = self.bd.add(self.c, self.c_panel) if panel else self.c
        self.bd.store(value, self.at(base, offset), align=VECTOR_BYTES)

    def get_b(self, base, number):
        """Vector `number` of a row of B; bytes become what the panels of panels.py would hold."""
        if not self.bytes:
            return self.get(base, (number // 2, number % 2 * VECTOR_BYTES), self.b_panel)
        lanes = self.vector.count
        found = self.bd.load(self.at(base, number * lanes), typ=ir.VectorType(ir.IntType(8), lanes), align=1)
        whole = self.bd.zext(found, ir.VectorType(I32, lanes))
        return self.bd.fmul(self.bd.sitofp(whole, self.vector), self.scale)

    def multiply(self, accumulators, a_now, b_now):
        """One rank-1 update: MR broadcasts against NV vectors."""
        lanes = [self.get_b(b_now, v) for v in range(self.NV)]
        result = []
        for i in range(self.MR):
            place = pointer(self.bd, self.bd.add(a_now, self.a_offsets[i]))
            element = self.bd.load(place, typ=self.scalar, align=self.size)
            value = emit_splat(self.bd, self.vector, element)
            for v in range(self.NV):
                result.append(emit_fma(self.bd, value, lanes[v], accumulators[i * self.NV + v]))
        return result

    # ---- start values ----

    def start_from_rows(self):
        """One row (a bias, or zeros), the same for every row of the tile; for byte tiles a row each."""
        if self.bytes:
            return [self.get(self.start, place) for place in self.places]
        row = [self.get(self.start, (0, v * VECTOR_BYTES)) for v in range(self.NV)]
        return row * self.MR

    def start_from_zero_or_tile(self):
        """Zero, or with CONTINUE the tile at `start`."""
        zeros = [ir.Constant(self.vector, None)] * len(self.places)
        resumed = self.bd.trunc(self.mode, I1)

        def resume():
            return [self.get(self.start, place, self.c_panel) for place in self.places]

        return emit_when(self.bd, resumed, zeros, resume)

    # ---- the reduction ----

    def step(self, a_bytes):
        """A loop body that multiplies, then moves A on by `a_bytes` and B by a row."""
        bd, b_row = self.bd, self.a_panel if self.unpacked else self.number(ROW_BYTES)

        def body(values):
            a_now, b_now, *accumulators = values
            moved = [bd.add(a_now, self.number(a_bytes)), bd.add(b_now, b_row)]
            return moved + self.multiply(accumulators, a_now, b_now)

        return body

    def reduce_along_columns(self, accumulators):
        """Over samples, a panel row apart in A and B alike; every step fetches a line of what follows C."""
        bd, step = self.bd, self.step(ROW_BYTES)

        def body(values):
            ahead, *inner = values
            emit_prefetch(bd, ahead, nearness=L2)
            return [bd.add(ahead, self.number(LINE)), *step(inner)]

        ahead = bd.add(self.c, self.number(self.MR * ROW_BYTES))
        return emit_pairwise_loop(self.bd, self.count, [ahead, self.a, self.b, *accumulators], body)[3:]

    def reduce_along_rows(self, accumulators):
        """Over features, which lie side by side in a panel row of A, then in the next panel.

        A single panel fetches nothing: small layers are in L1, and there fetching would cost 5 %.
        """
        bd, panel = self.bd, self.number(self.panel)

        def one_panel(values):
            left, ahead, a_now, b_now, *inner = values
            next_a, more = bd.add(a_now, self.a_panel), bd.icmp_signed(">", left, panel)
            with bd.if_then(more, likely=True):
                for offset in range(0, self.MR * ROW_BYTES, LINE):
                    emit_prefetch(bd, bd.add(next_a, self.number(offset)), nearness=L1)
                for line in range(LINES_AHEAD):
                    emit_prefetch(bd, bd.add(ahead, self.number(line * LINE)), nearness=L2)
            width = bd.select(more, panel, left)
            moved = emit_pairwise_loop(bd, width, [a_now, b_now, *inner], self.step(self.size))
            return [bd.sub(left, panel), bd.add(ahead, self.number(LINES_AHEAD * LINE)), next_a, *moved[1:]]

        panels = bd.lshr(bd.add(self.count, self.number(self.panel - 1)), self.number(self._panel_shift()))
        return emit_loop(bd, panels, [self.count, self.list, self.a, self.b, *accumulators], one_panel)[4:]

    def reduce_and_pack(self, accumulators):
        """As reduce_in_place; each row of B that is read goes to the packed panel, and another is fetched."""
        bd, step = self.bd, self.step(self.size)
        further = bd.mul(self.a_panel, self.number(ROWS_AHEAD))

        def body(values):
            room, *inner = values
            b_now = inner[1]
            for line in range(0, ROW_BYTES, LINE):
                emit_prefetch(bd, bd.add(b_now, bd.add(further, self.number(line))), nearness=L1)
            moved = step(inner)
            lanes = [self.get_b(b_now, v) for v in range(self.NV)]  # LLVM sees that they are loaded already
            for v, value in enumerate(lanes):
                bd.store(value, self.at(room, v * VECTOR_BYTES), align=VECTOR_BYTES)
            return [bd.add(room, self.number(ROW_BYTES)), *moved]

        values = [self.b_panel, self.a, self.b, *accumulators]
        return emit_pairwise_loop(bd, self.count, values, body)[3:]

    def reduce_in_place(self, accumulators):
        """Over features, which lie side by side in all of a row."""
        values = [self.a, self.b, *accumulators]
        return emit_pairwise_loop(self.bd, self.count, values, self.step(self.size))[2:]

    def reduce_list(self, accumulators):
        """Over the indices, or of byte tiles the pairs of offsets, at `list`; there may be none."""
        bd = self.bd

        def body(values):
            place, *inner = values
            if self.bytes:
                size, (a_offset, b_offset) = 8, self._pair_at(place)
            else:
                k = self._unsigned_at(place, 32)
                size, b_offset = 4, bd.mul(k, self.number(ROW_BYTES))
                a_offset = self._feature(k) if self.rows_family else b_offset
            a_now, b_now = bd.add(self.a, a_offset), bd.add(self.b, b_offset)
            return [bd.add(place, self.number(size)), *self.multiply(inner, a_now, b_now)]

        return emit_pairwise_loop(self.bd, self.count, [self.list, *accumulators], body)[1:]

    def _unsigned_at(self, place, bits):
        return self.bd.zext(self.bd.load(pointer(self.bd, place), typ=ir.IntType(bits), align=bits // 8), INT)

    def _pair_at(self, place):
        """Byte offsets inside A and B; in the rows family each has a half of its own, and none is shifted."""
        bd = self.bd
        if self.rows_family:
            a_offset = self._unsigned_at(place, ROWS_SHIFT)
            return a_offset, self._unsigned_at(bd.add(place, self.number(ROWS_SHIFT // 8)), 64 - ROWS_SHIFT)
        pair = bd.load(pointer(bd, place), typ=INT, align=8)
        return self._unsigned_at(place, COLUMNS_SHIFT), bd.ashr(pair, self.number(COLUMNS_SHIFT))

    def _feature(self, k):
        """Byte offset of feature k inside A: its panel, and its place in the panel row."""
        bd = self.bd
        inside = bd.mul(bd.and_(k, self.number(self.panel - 1)), self.number(self.size))
        return bd.add(bd.mul(bd.lshr(k, self.number(self._panel_shift())), self.a_panel), inside)

    def _panel_shift(self):
        return self.panel.bit_length() - 1

    # ---- the end ----

    def store_with_floor(self, accumulators):
        """max with 0 (RELU) or with minus infinity: one path for both, and a NaN stays a NaN."""
        relu = self.bd.icmp_signed("==", self.mode, self.number(RELU))
        least = self.bd.select(relu, ir.Constant(self.scalar, 0.0), ir.Constant(self.scalar, float("-inf")))
        floor = emit_splat(self.bd, self.vector, least)
        for place, value in zip(self.places, accumulators, strict=True):
            self.put(emit_below(self.bd, value, floor, floor, value), place)
        self.bd.ret_void()

    def store_or_descend(self, accumulators):
        """Store the sums; or with DESCEND take the step C -= rate * sums, so that no gradient is stored."""
        bd = self.bd
        descend, plain = bd.append_basic_block("descend"), bd.append_basic_block("plain")
        bd.cbranch(bd.trunc(bd.lshr(self.mode, self.number(1)), I1), descend, plain)
        bd.position_at_end(plain)
        for place, value in zip(self.places, accumulators, strict=True):
            self.put(value, place)
        bd.ret_void()
        bd.position_at_end(descend)
        minus_rate = emit_splat(bd, self.vector, bd.fneg(self.rate))
        for place, value in zip(self.places, accumulators, strict=True):
            self.put(emit_fma(bd, minus_rate, value, self.get(self.c, place, self.c_panel)), place)
        bd.ret_void()
