"""What may watch and steer a training between its epochs: the protocol, and fastnn's own users of it."""

from fastnn.callbacks.base import Callback, checked
from fastnn.callbacks.csv_log import CSVLog
from fastnn.callbacks.early_stopping import EarlyStopping
from fastnn.callbacks.progress import EpochLines, ProgressBar, reporter
from fastnn.callbacks.stop_after import StopAfter

__all__ = [
    "CSVLog",
    "Callback",
    "EarlyStopping",
    "EpochLines",
    "ProgressBar",
    "StopAfter",
    "checked",
    "reporter",
]
