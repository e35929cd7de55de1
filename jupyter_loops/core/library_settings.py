"""Settings of the interpreter and of libraries that a module may change without an audit event, read and put back."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: how it is read and put back, and the words in a text that show who changed it."""

    what: str  # "changes the warning filters"
    hints: frozenset[str]
    read: Callable[[], Any]  # comparable; None where its library is not there
    write: Callable[[Any], object]


SETTINGS: list[Setting] = []
_Read = Callable[[], Any]


def _setting(what: str, hints: str, write: Callable[[Any], object]) -> Callable[[_Read], _Read]:
    def add(read: _Read) -> _Read:
        SETTINGS.append(Setting(what, frozenset(hints.split()), read, write))
        return read

    return add


def _library(name: str) -> Any:
    """A module that somebody has imported; None where nobody has, or where it is only half there."""
    module = sys.modules.get(name)
    spec = getattr(module, "__spec__", None)
    return None if getattr(spec, "_initializing", False) else module


def _write_filters(filters: list[Any]) -> None:
    import warnings

    warnings.resetwarnings()  # tells its cache, which an assignment does not
    warnings.filters[:] = filters  # type: ignore[index] # typeshed takes it for immutable


@_setting("changes the warning filters", "filterwarnings simplefilter resetwarnings filters", _write_filters)
def _filters() -> Any:
    warnings = _library("warnings")
    return warnings and list(warnings.filters)


def _write_path(path: list[str]) -> None:
    sys.path[:] = path


@_setting("changes sys.path", "path addsitedir", _write_path)
def _path() -> Any:
    return list(sys.path)


def _write_hooks(hooks: dict[str, Any]) -> None:
    for name, value in hooks.items():
        setattr(sys, name, value)


_HOOKS = ("stdin", "stdout", "stderr", "excepthook", "displayhook", "unraisablehook")


@_setting("changes the streams or hooks of sys", " ".join(_HOOKS), _write_hooks)
def _hooks() -> Any:
    return {name: getattr(sys, name, None) for name in _HOOKS}


def _write_interpreter(values: tuple[int, float, int]) -> None:
    sys.setrecursionlimit(values[0])
    sys.setswitchinterval(values[1])
    sys.set_int_max_str_digits(values[2])


@_setting(
    "changes a setting of the interpreter",
    "setrecursionlimit setswitchinterval set_int_max_str_digits",
    _write_interpreter,
)
def _interpreter() -> Any:
    return sys.getrecursionlimit(), sys.getswitchinterval(), sys.get_int_max_str_digits()


def _write_builtins(names: dict[str, Any]) -> None:
    import builtins

    namespace = builtins.__dict__
    namespace.update(names)  # first, as what follows needs them
    for name in namespace.keys() - names.keys() - {"_"}:
        del namespace[name]


class _Same(dict[str, Any]):
    """A dict that compares its values by identity."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, dict) and self.keys() == other.keys() and all(self[k] is other[k] for k in self)

    __hash__ = None


@_setting("changes built-in names", "builtins __builtins__", _write_builtins)
def _builtins() -> Any:
    import builtins

    return _Same({name: value for name, value in builtins.__dict__.items() if name != "_"})


def _write_random(state: Any) -> None:
    sys.modules["random"].setstate(state)


@_setting("seeds the random numbers of everybody", "seed setstate", _write_random)
def _random() -> Any:
    random = _library("random")
    return random and random.getstate()


def _write_numpy_random(state: tuple[Any, ...]) -> None:
    numpy = sys.modules["numpy"]
    name, keys, *position = state
    sys.modules["numpy.random"].set_state((name, numpy.frombuffer(keys, dtype=numpy.uint32), *position))


@_setting("seeds NumPy's random numbers of everybody", "seed set_state", _write_numpy_random)
def _numpy_random() -> Any:
    if not hasattr(_library("numpy"), "ndarray"):
        return None
    random: Any = importlib.import_module("numpy.random")  # NumPy brings it at the first use
    name, keys, *position = random.get_state(legacy=True)
    return name, keys.tobytes(), *position


def _write_decimal(values: tuple[Any, ...]) -> None:
    context = sys.modules["decimal"].getcontext()
    for name, value in zip(_DECIMAL, values, strict=True):
        setattr(context, name, value)


_DECIMAL = ("prec", "rounding", "Emin", "Emax", "capitals", "clamp", "traps")


@_setting("changes the decimal context", "getcontext setcontext DefaultContext", _write_decimal)
def _decimal() -> Any:
    decimal = _library("decimal")
    if decimal is None:
        return None
    context = decimal.getcontext()
    return (*(getattr(context, name) for name in _DECIMAL[:-1]), dict(context.traps))


def _write_locale(value: str) -> None:
    locale = sys.modules["locale"]
    with suppress(Exception):
        locale.setlocale(locale.LC_ALL, value)


@_setting("changes the locale", "setlocale", _write_locale)
def _locale() -> Any:
    locale = _library("locale")
    return locale and locale.setlocale(locale.LC_ALL, None)


def _write_gc(values: tuple[Any, ...]) -> None:
    import gc

    (gc.enable if values[0] else gc.disable)()
    gc.set_threshold(*values[1])
    gc.set_debug(values[2])


@_setting("changes the garbage collector", "gc", _write_gc)
def _gc() -> Any:
    gc = _library("gc")
    return gc and (gc.isenabled(), gc.get_threshold(), gc.get_debug())


def _write_faulthandler(enabled: bool) -> None:
    import faulthandler

    with suppress(Exception):
        (faulthandler.enable if enabled else faulthandler.disable)()


@_setting("changes the fault handler", "faulthandler", _write_faulthandler)
def _faulthandler() -> Any:
    faulthandler = _library("faulthandler")
    return faulthandler and faulthandler.is_enabled()


def _signal() -> Any:
    return importlib.import_module("_signal")  # without the enums of `signal`, which make it thirty times slower


def _write_signals(values: tuple[Any, ...]) -> None:
    signal = _signal()
    for number, handler in values[0].items():
        if handler is not None and signal.getsignal(number) is not handler:
            with suppress(ValueError, OSError):  # only the main thread may, and only it could change them
                signal.signal(number, handler)
    if not values[1] and hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, 0)


@_setting("changes signal handlers", "signal setitimer alarm", _write_signals)
def _signals() -> Any:
    signal = _signal()
    alarm = hasattr(signal, "getitimer") and bool(signal.getitimer(signal.ITIMER_REAL)[0])
    return {number: signal.getsignal(number) for number in signal.valid_signals()}, alarm


@_setting("registers something for the end of the program", "atexit", lambda _: None)
def _atexit() -> Any:
    atexit = _library("atexit")
    count = getattr(atexit, "_ncallbacks", None)
    return count and count()


def _write_logging(values: tuple[Any, ...]) -> None:
    logging = sys.modules["logging"]
    logging.root.handlers[:] = values[0]
    logging.root.filters[:] = values[1]
    logging.root.setLevel(values[2])
    logging.disable(values[3])
    logging.captureWarnings(values[4])


@_setting(
    "changes the logging of everybody",
    "basicConfig addHandler addFilter setLevel disable captureWarnings dictConfig fileConfig handlers",
    _write_logging,
)
def _logging() -> Any:
    logging = _library("logging")
    if logging is None or not hasattr(logging, "root"):
        return None
    root = logging.root
    captured = logging._warnings_showwarning is not None  # noqa: SLF001  # there is no other way to ask
    return [*root.handlers], [*root.filters], root.level, root.manager.disable, captured


def _write_numpy(values: tuple[dict[str, Any], dict[str, Any]]) -> None:
    numpy = sys.modules["numpy"]
    numpy.seterr(**values[0])
    numpy.set_printoptions(**values[1])


@_setting("changes a setting of NumPy", "seterr seterrcall set_printoptions setbufsize", _write_numpy)
def _numpy() -> Any:
    numpy = _library("numpy")
    return (numpy.geterr(), numpy.get_printoptions()) if hasattr(numpy, "get_printoptions") else None


def _write_pandas(options: dict[str, Any]) -> None:
    pandas: Any = sys.modules["pandas"]
    now = _pandas() or {}
    for name, value in options.items():
        if now.get(name) != value:
            with suppress(Exception):
                pandas.set_option(name, value)


@_setting("changes a setting of pandas", "set_option options reset_option set_eng_float_format", _write_pandas)
def _pandas() -> Any:
    config = _library("pandas._config.config")
    options = getattr(config, "_global_config", None)
    return None if options is None or _library("pandas") is None else dict(_flat("", options))


def _flat(prefix: str, options: dict[str, Any]) -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = []
    for name, value in options.items():
        full_name = f"{prefix}{name}"
        pairs += _flat(f"{full_name}.", value) if isinstance(value, dict) else [(full_name, value)]
    return pairs


def _write_matplotlib(values: dict[str, Any]) -> None:
    dict.update(sys.modules["matplotlib"].rcParams, values)  # as it was; its own way would ask the validators


_OF_THE_SCREEN = frozenset({"backend", "backend_fallback", "interactive"})  # decided at the first figure


@_setting(
    "changes a setting of Matplotlib",
    "rcParams rc rcdefaults rc_file use style set set_theme set_style set_context set_palette",
    _write_matplotlib,
)
def _matplotlib() -> Any:
    parameters = getattr(_library("matplotlib"), "rcParams", None)
    if parameters is None:
        return None
    return {name: value for name, value in dict.items(parameters) if name not in _OF_THE_SCREEN}
