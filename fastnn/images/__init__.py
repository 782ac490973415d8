"""Pictures of single digits, made into what a network was trained on: see `digit`.

reading.py opens files, finding.py finds the digit on its paper, framing.py frames it as the data sets do.
Pillow is imported only when a picture is read.
"""

from fastnn.images.digits import digit, pixels_for
from fastnn.images.reading import is_picture

__all__ = ["digit", "is_picture", "pixels_for"]
