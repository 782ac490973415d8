"""How much memory this process holds, and held at most. Bytes; Linux tells both, others only the most."""

import sys
from pathlib import Path

STATUS = Path("/proc/self/status")
FORGET = Path("/proc/self/clear_refs")


def resident() -> int:
    """Memory held now; where that is not told, the most so far."""
    return _status("VmRSS") if STATUS.exists() else _most()


def forget_peak() -> None:
    """Let `peak` start again from what is held now. Without /proc it does nothing.

    Then what compilation needed hides a little of what is needed later.
    """
    if FORGET.exists():
        FORGET.write_text("5")


def peak() -> int:
    """The most held so far, or since `forget_peak`."""
    return _status("VmHWM") if STATUS.exists() else _most()


def _status(field: str) -> int:
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(f"{field}:"))
    return 1024 * int(line.split()[1])


def _most() -> int:
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most
