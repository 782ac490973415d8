"""The command line: `fastnn train`, `evaluate`, `predict`, `show` and `info`, one file each."""

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; exit status 0, 2 for an error, 130 after Ctrl-C, or 143 after SIGTERM."""
    try:
        # In here, so that Ctrl-C while Python is still importing ends in one line too.
        from fastnn.cli.app import run

        return run(arguments)
    except KeyboardInterrupt:
        print("fastnn: interrupted", file=sys.stderr)
        return 130
