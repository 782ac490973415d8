"""The one decorator: Numba's flags, and a compilation cache that is never stale and never fatal.

Numba keys its own cache by one function's bytecode and one file's content. Neither notices an edit in
another kernel file or in an IR generator. Here every compiled function lives in a folder named after a
hash of *all* kernel sources, the flags, the versions and the target CPU, so anything that could change
the machine code changes the folder. The folder is attached to each dispatcher; no Numba setting of
the process is touched.
"""

import contextlib
import hashlib
import logging
import os
import pickle
import platform
import tempfile
import warnings
from pathlib import Path

import llvmlite
import llvmlite.binding as llvm
import numba
from numba import types
from numba.core import codegen, config
from numba.core.caching import CompileResultCacheImpl, FunctionCache, IndexDataCacheFile, _CacheLocator

from fastnn.kernels.amx_permission import may_use_amx

FLAGS = {
    "nogil": True,
    "error_model": "numpy",
    "no_cfunc_wrapper": True,
    # No reference counts: kernels allocate nothing, and whoever calls them holds their arrays meanwhile.
    # Counting took some ten atomic additions at every layer and chunk, 1 to 3 % of an epoch of small batches.
    "_nrt": False,
    # No fastmath: it deletes checks for NaN.
}
CHECKSUM_BYTES = 16


def target_cpu():
    """(name, features) that Numba compiles for: the host, or NUMBA_CPU_NAME / NUMBA_CPU_FEATURES."""
    name = config.CPU_NAME or llvm.get_host_cpu_name()
    features = config.CPU_FEATURES
    return name, codegen.get_host_cpu_features() if features is None else features


def fingerprint():
    """Hash of everything that decides the machine code of this package."""
    digest = hashlib.sha256()
    folder = Path(__file__).parent
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    facts = (
        sorted(FLAGS.items()),
        numba.__version__,
        llvmlite.__version__,
        config.OPT,
        config.BOUNDSCHECK,
        config.DEBUGINFO_DEFAULT,
        config.LOOP_VECTORIZE,
        config.SLP_VECTORIZE,
        platform.python_implementation(),
        platform.python_version(),
        platform.machine(),
        target_cpu(),
        may_use_amx(target_cpu()[1]),
    )
    digest.update(repr(facts).encode())
    return digest.hexdigest()[:20]


def _candidates():
    """Base folders in order of preference; the first one that can be written is used."""
    for variable in ("FASTNN_CACHE_DIR", "NUMBA_CACHE_DIR"):
        if os.environ.get(variable):
            yield Path(os.environ[variable])
    from platformdirs import user_cache_dir

    with contextlib.suppress(RuntimeError):  # nobody's home: a user id without an account, HOME not set
        yield Path(user_cache_dir("fastnn", appauthor=False))


def _choose_folder():
    name, tried = fingerprint(), []
    for base in _candidates():
        folder = base / "kernels" / name
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with tempfile.TemporaryFile(dir=folder):
                return folder
        except OSError as error:
            tried.append(f"{base} ({error.strerror})")
    warnings.warn(
        "no writable cache folder, so kernels are compiled anew in every process; "
        f"set FASTNN_CACHE_DIR. Tried {', '.join(tried) or 'nothing, for there is no home folder'}",
        UserWarning,
        stacklevel=2,
    )
    return None


class _Locator(_CacheLocator):
    """Tells Numba's cache where one function lives; freshness is already in the folder's name."""

    def __init__(self, py_func):
        self._py_file = py_func.__code__.co_filename
        self._lineno = py_func.__code__.co_firstlineno

    def get_cache_path(self):
        return str(CACHE_FOLDER)

    def get_source_stamp(self):
        return CACHE_FOLDER.name

    def get_disambiguator(self):
        return str(self._lineno)


class _Implementation(CompileResultCacheImpl):
    def __init__(self, py_func):  # the base class would search Numba's own, global, locators
        self._locator = _Locator(py_func)
        self._lineno = py_func.__code__.co_firstlineno
        module = py_func.__module__.removeprefix("fastnn.kernels.")
        self._filename_base = self.get_filename_base(f"{module}.{py_func.__qualname__}", "")


class _Files(IndexDataCacheFile):
    """Names the data file by its key, and writes it before the index.

    Numba numbers data files, so two processes that save different signatures at the same moment can
    leave an index pointing at the other one's code. Here a race costs at most a recompilation. And data
    files have a checksum, for machine code with one wrong bit ends the process, or computes something else.
    """

    def _load_index(self):
        try:
            return super()._load_index()
        except Exception:  # truncated by a crash or a full disk
            return {}

    def save(self, key, data):
        number = int.from_bytes(hashlib.sha256(repr(key).encode()).digest()[:6], "big")
        name = self._data_name(number)
        self._save_data(name, data)
        overloads = self._load_index()
        overloads[key] = name
        self._save_index(overloads)

    def _save_data(self, name, data):
        content = self._dump(data)
        with self._open_for_write(self._data_path(name)) as file:
            file.write(_checksum(content) + content)

    def _load_data(self, name):
        whole = Path(self._data_path(name)).read_bytes()
        checksum, content = whole[:CHECKSUM_BYTES], whole[CHECKSUM_BYTES:]
        if _checksum(content) != checksum:
            raise ValueError(f"{name} is damaged")
        return pickle.loads(content)


def _checksum(content):
    return hashlib.blake2b(content, digest_size=CHECKSUM_BYTES).digest()


class _Cache(FunctionCache):
    _impl_class = _Implementation

    def __init__(self, py_func):
        super().__init__(py_func)
        self._cache_file = _Files(self._cache_path, self._impl.filename_base, CACHE_FOLDER.name)

    def holds(self, signature, target_context):
        """Whether there is code for these types, without loading it."""
        return self._index_key(signature, target_context.codegen()) in self._cache_file._load_index()

    def load_overload(self, sig, target_context):
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # a damaged or foreign file: compile again
            return None

    def save_overload(self, sig, data):
        try:
            super().save_overload(sig, data)
        except OSError as error:  # disk full, folder gone: the compiled code still works
            _warn_once(error)
        except RuntimeError as error:
            if "no compiled object" not in str(error):
                raise
            # Ctrl-C while LLVM is at work is raised where it calls Numba back with the object code, and lost.
            raise KeyboardInterrupt from error


def _warn_once(error):
    """Say for the first of all kernels that compiled code is not kept."""
    global _warned
    if not _warned:
        _warned = True
        warnings.warn(
            f"compiled kernels could not be kept in {CACHE_FOLDER} ({error.strerror}), so other processes "
            "compile them anew; make room, or set FASTNN_CACHE_DIR to another folder",
            UserWarning,
            stacklevel=2,
        )


def announce_compilation(certain=False):
    """Say once, before the first compilation, that this will take a while; silent where code is cached.

    certain   whether the caller knows that much has to be compiled, whatever else is in the cache
    """
    global _announced
    if _announced:
        return
    _announced = True
    if certain or CACHE_FOLDER is None or not any(CACHE_FOLDER.glob("*.nbi")):
        logging.getLogger("fastnn").warning("fastnn: compiling its kernels for this CPU, once (about 10 s) …")


def jit(function):
    """Compile `function` lazily per argument types: nogil, NumPy errors, cached, no fastmath."""
    dispatcher = numba.njit(**FLAGS)(function)
    _forget_literals(dispatcher)
    if CACHE_FOLDER is not None:
        dispatcher._cache = _Cache(function)
    return dispatcher


def is_compiled(function, signature):
    """Whether a jitted function is compiled for a tuple of Numba types, or such code is in the cache."""
    if signature in function.overloads:
        return True
    cache = function._cache
    return isinstance(cache, _Cache) and cache.holds(signature, function.targetctx)


def call_known(function, kind, *arguments):
    """function(*arguments) for a jitted function, without looking at the types of arguments every time.

    kind    what all their types follow from. Of other types, or of arrays that lie in memory in another way,
            than those of the first call with this kind, it would make what it likes
    Notes   looking takes 3.5 µs for five named tuples, as long as predicting a row
    """
    key = function, kind
    if key not in _entry_points:
        signature = tuple(map(numba.typeof, arguments))
        function.compile(signature)
        _entry_points[key] = function.overloads[signature].entry_point
    return _entry_points[key](*arguments)


def _forget_literals(dispatcher):
    """Calls from other jitted functions share one compilation, whatever constants are among the arguments.

    For Numba a 0 in a call has a type of its own, and f(x, 0) and f(x, y) are compiled one after the other.
    """
    template = dispatcher.get_call_template

    def get_call_template(args, kws):
        return template([types.unliteral(t) for t in args], {k: types.unliteral(t) for k, t in kws.items()})

    dispatcher.get_call_template = get_call_template


def inline(function):
    """For helpers that exist for readability: pasted into the calling kernel, never compiled alone."""
    return numba.njit(inline="always", **FLAGS)(function)


CACHE_FOLDER = _choose_folder()
_announced = _warned = False
_entry_points = {}
