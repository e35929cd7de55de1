"""What cannot be sent to the sandbox: which object it is, where it is, and what to do instead."""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from inspect import getclosurevars
from types import AsyncGeneratorType, CoroutineType, FrameType, FunctionType, GeneratorType, ModuleType, TracebackType
from typing import Any

from jupyter_loops.core.redaction import redact

_TOOL = "Make what needs it a @tool, which runs in the notebook"
_SETUP = "Create it in the set-up of the cell instead"
_EITHER = f"{_TOOL}, or create it in the set-up of the cell"
_DATABASES = frozenset(
    {"sqlite3", "duckdb", "_duckdb", "psycopg", "psycopg2", "pymysql", "mysql", "oracledb", "pyodbc", "sqlalchemy"}
    | {"snowflake", "pymongo", "redis", "clickhouse_driver", "clickhouse_connect", "pyspark"}
)
_LOCKS = frozenset({"lock", "RLock", "Lock", "Condition", "Event", "Semaphore", "BoundedSemaphore", "Barrier"})
_PACKAGES_OF_LOCKS = frozenset({"_thread", "threading", "multiprocessing", "asyncio"})
_WORKERS = frozenset({"Thread", "Timer", "Process", "Popen", "Pool", "ThreadPoolExecutor", "ProcessPoolExecutor"})
_PACKAGES_OF_WORKERS = frozenset({"threading", "multiprocessing", "subprocess", "concurrent", "asyncio"})
_MAY_BE_ON_GPU = frozenset({"torch", "jax", "jaxlib", "tensorflow"})
_ON_GPU = frozenset({"cupy", "cudf", "pycuda", "pyopencl"})
_MOST, _DEEPEST = 10_000, 6  # objects that a search visits, and steps to one


@dataclass(frozen=True, slots=True)
class PicklabilityKind:
    """A kind of object that cannot be sent, and advice on it."""

    what: str
    advice: str


GPU = PicklabilityKind(
    "lives on a GPU, which the sandbox does not have", f"Bring it to the CPU first (x.cpu(), x.get()). {_TOOL}"
)
_DATABASE = PicklabilityKind("is a connection to a database, or needs one", _EITHER)
_SOCKET = PicklabilityKind("is a socket, or holds one", _EITHER)
_FILE = PicklabilityKind("is an open file", "Send what is in it, or its path, or open it in the set-up of the cell")
_LOCK = PicklabilityKind("is a lock", _SETUP)
_WORKER = PicklabilityKind("is a thread, a process, or a pool of them", _EITHER)
_GENERATOR = PicklabilityKind(
    "is a generator, which runs only once", "Make a list of it, or create it in the set-up of the cell"
)
_OF_THE_INTERPRETER = PicklabilityKind("is a part of the running interpreter", _SETUP)


def kind(value: object) -> PicklabilityKind | None:
    """Why a value should not be sent; None if nothing in its class speaks against it."""
    packages, names = _packages(type(value)), {base.__name__ for base in type(value).__mro__}
    matches = {
        _DATABASE: not packages.isdisjoint(_DATABASES),
        _SOCKET: not packages.isdisjoint({"socket", "_socket", "ssl"}),
        _FILE: isinstance(value, io.IOBase) and not isinstance(value, io.BytesIO | io.StringIO),
        _WORKER: not (packages.isdisjoint(_PACKAGES_OF_WORKERS) or names.isdisjoint(_WORKERS)),
        _LOCK: not (packages.isdisjoint(_PACKAGES_OF_LOCKS) or names.isdisjoint(_LOCKS)),
        _GENERATOR: isinstance(value, GeneratorType | CoroutineType | AsyncGeneratorType),
        _OF_THE_INTERPRETER: isinstance(value, FrameType | TracebackType),
    }
    return next((reason for reason, is_so in matches.items() if is_so), None)


def may_be_on_gpu(kind: type) -> bool:
    """Whether values of a class may be on a GPU."""
    return not _packages(kind).isdisjoint(_ON_GPU | _MAY_BE_ON_GPU)


def is_on_gpu(value: object) -> bool:
    """Whether an array or tensor is on a GPU: pickling would work, and unpickling in the sandbox would fail."""
    packages = _packages(type(value))
    if not packages.isdisjoint(_ON_GPU):
        return True
    device = None if packages.isdisjoint(_MAY_BE_ON_GPU) else getattr(value, "device", None)
    place = str(getattr(device, "type", None) or getattr(device, "platform", None) or device or "").lower()
    return any(word in place for word in ("cuda", "gpu", "mps", "xpu", "rocm"))


def explain(name: str, value: object, culprit: object, error: Exception) -> str:
    """One line on a name that cannot be sent. `culprit` is the object inside it at which pickling failed."""
    steps = "" if culprit is value else next((way for way, inner in walk(value) if inner is culprit), None)
    reason = GPU if is_on_gpu(culprit) else kind(value) or kind(culprit)
    start = f"{name!r} ({_class(value)}) cannot be sent to the sandbox: "
    if reason is None:
        return f"{start}{' '.join(redact(str(error)).split())[:200]}. {_SETUP}"
    if culprit is value or (reason is not GPU and kind(value) is not None):
        return f"{start}it {reason.what}. {reason.advice}"
    where = f"something in it ({_class(culprit)})" if steps is None else f"{name}{steps} ({_class(culprit)})"
    return f"{start}{where} {reason.what}. {reason.advice}"


def walk(value: object) -> Iterator[tuple[str, object]]:
    """The objects inside a value, the nearest first, with the path to each."""
    waiting, visited = deque([("", value, 0)]), {id(value)}
    while waiting and len(visited) < _MOST:
        way, current, depth = waiting.popleft()
        yield way, current
        for step, inner in _inside(current) if depth < _DEEPEST else ():
            if id(inner) not in visited and len(visited) < _MOST:
                visited.add(id(inner))
                waiting.append((way + step, inner, depth + 1))


def _inside(value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, ModuleType | type):
        return
    if isinstance(value, dict):
        yield from ((f"[{key!r}]", inner) for key, inner in value.items() if isinstance(key, str | int))
    elif isinstance(value, list | tuple):
        yield from ((f"[{place}]", inner) for place, inner in enumerate(value[:_MOST]))
    elif isinstance(value, FunctionType):
        yield from ((f"'s {key}", inner) for key, inner in getclosurevars(value).globals.items())
        yield from ((f"'s {key}", inner) for key, inner in getclosurevars(value).nonlocals.items())
    fields: Any = getattr(value, "__dict__", None)
    if isinstance(fields, dict):
        yield from ((f".{key}", inner) for key, inner in fields.items())


def _packages(kind: type) -> set[str]:
    return {base.__module__.partition(".")[0] for base in type.mro(kind)}


def _class(value: object) -> str:
    name = f"{type(value).__module__}.{type(value).__qualname__}"
    return name.removeprefix("builtins.").removeprefix("__main__.")
