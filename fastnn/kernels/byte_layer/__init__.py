"""A first layer that turns bytes into few outputs: by chains of floats (narrow.py), or exactly (exact.py)."""
