"""`fastnn compile`: compile the kernels now rather than at the first training, for images and CI."""

from __future__ import annotations

import time
from typing import Annotated, cast

import typer

from fastnn import backends, inputs


def compile_kernels(
    dtype: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="float32 or float64; repeat it for both.  [default: float32]"),
    ] = None,
) -> None:
    """Compile the kernels for this CPU and keep them in the cache.

    Once they are there, every later start loads them in a fraction of a second.

    Examples:
      fastnn compile
      FASTNN_CACHE_DIR=/app/cache fastnn compile --dtype float32 --dtype float64
    """
    names = [str(inputs.float_dtype(name)) for name in dtype or ["float32"]]
    backend = cast("backends.CompiledBackend", backends.get("numba")[1])
    folder = backend.cache_folder()
    for name in names:
        start = time.perf_counter()
        backend.compile_kernels(name)
        print(f"{name} kernels ready in {time.perf_counter() - start:.1f} s")
    print(f"cached in {folder}" if folder else "not cached: no folder could be written")
