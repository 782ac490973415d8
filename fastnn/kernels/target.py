"""What the CPU that Numba compiles for offers: its vectors, fused multiply-add, products of bytes."""

import re

import llvmlite.binding as llvm

from fastnn.kernels.amx_permission import may_use_amx
from fastnn.kernels.jit import target_cpu

LINE = 64  # bytes of a cache line, or a part of one

_PROBE = """
define <64 x i8> @wide(<64 x i8> %a, <64 x i8> %b) { %c = xor <64 x i8> %a, %b ret <64 x i8> %c }
define <16 x float> @add(<16 x float> %a, <16 x float> %b) {
  %c = fadd <16 x float> %a, %b
  ret <16 x float> %c
}
define float @fused(float %a, float %b, float %c) {
  %d = call float @llvm.fma.f32(float %a, float %b, float %c)
  ret float %d
}
declare float @llvm.fma.f32(float, float, float)
"""


def describe_target():
    """(vector bytes, vector registers, has FMA) of the CPU that Numba compiles for.

    Asks LLVM itself: a three-line function is compiled for the target and its assembly inspected, so
    forced CPU names and feature strings count exactly as they will for the kernels.
    """
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    name, features = target_cpu()
    triple = llvm.get_process_triple()
    machine = llvm.Target.from_triple(triple).create_target_machine(cpu=name, features=features, opt=1)
    assembly = machine.emit_assembly(llvm.parse_assembly(_PROBE))
    fma = not re.search(r"\bfmaf\b", assembly)  # without the instruction LLVM calls the C library
    if "zmm" in assembly:
        return 64, 32, fma
    if "ymm" in assembly:
        return 32, 16, fma
    return 16, (32 if triple.startswith(("aarch64", "arm64")) else 16), fma


VECTOR_BYTES, VECTOR_REGISTERS, HAS_FMA = describe_target()
HAS_AMX = VECTOR_BYTES == 64 and may_use_amx(target_cpu()[1])
HAS_VNNI = VECTOR_BYTES == 64 and "+avx512vnni" in target_cpu()[1].split(",")
MULTIPLIES_BYTES = HAS_AMX or HAS_VNNI  # and adds them up in int32
IS_X86 = llvm.get_process_triple().startswith(("x86_64", "i386", "i686"))
# FMAs of whole vectors that start in a cycle. Zen 4 makes one of 64 bytes as two of 32: four accumulators
# keep it busy instead of eight, and tiles can be lower, which skip more zeros.
FMAS_A_CYCLE = 1 if VECTOR_BYTES == 64 and target_cpu()[0] == "znver4" else 2
SPEED = FMAS_A_CYCLE * VECTOR_BYTES / 128  # float32 operations in a cycle, as a share of 64
