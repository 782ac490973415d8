"""Leave to use AMX, which Linux gives only when asked: tiles are 8 KB more to save of each thread."""

import ctypes
import platform

ARCH_PRCTL, ARCH_REQ_XCOMP_PERM, TILE_DATA = 158, 0x1023, 18


def may_use_amx(features):
    """Whether the CPU that Numba compiles for has AMX for bytes, and the system lets this process use it."""
    if "+amx-int8" not in features.split(",") or platform.system() != "Linux":
        return False
    try:
        return ctypes.CDLL(None).syscall(ARCH_PRCTL, ARCH_REQ_XCOMP_PERM, TILE_DATA) == 0
    except (AttributeError, OSError):  # a C library without syscall
        return False
