"""Numba only: arrays, integers and floats in, nothing else. `numba_backend.py` is the one importer."""
