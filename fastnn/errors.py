"""The exceptions a user can meet: each message is one line that names what was wrong and what would work."""


class FastnnError(Exception):
    """Base of every error fastnn raises on purpose."""


class InputError(FastnnError, ValueError):
    """An argument is wrong: its message names the argument, what came, and what would work."""


class DataError(FastnnError, ValueError):
    """A data file is missing, damaged, or not in a format fastnn reads."""


class DownloadError(DataError):
    """A data set could not be downloaded from any of its mirrors."""


class ModelFileError(FastnnError, ValueError):
    """A model file is missing, damaged, or was not written by fastnn."""


class DivergedError(FastnnError, ArithmeticError):
    """Training produced a loss that is not a finite number."""


class MissingDependencyError(FastnnError, ImportError):
    """An optional package is needed for what was asked; the message says how to install it."""
