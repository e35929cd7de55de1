"""llama.cpp's HTTP server inside this process, one for each embedded model in use."""

from __future__ import annotations

import atexit
import os
import secrets
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_loops.errors import ErrorClass, ModelError

from .records import EmbeddedRecord, intact

SLOTS = 1  # answers at the same time; two share a batch, which needs all cores and stalls when one is busy

_CACHED_PROMPTS_MIB = 128


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the server listens, and the key that opens it."""

    base: str
    key: str


_starting = threading.Lock()
_running: dict[Path, tuple[Endpoint, Any]] = {}


def start(record: EmbeddedRecord) -> Endpoint:
    """The server of a model, started on the first call. Blocks for about a second; raises ModelError."""
    with _starting:
        if record.path() not in _running:
            _running[record.path()] = _start(record)
        return _running[record.path()][0]


def _start(record: EmbeddedRecord) -> tuple[Endpoint, Any]:
    name = record.name
    try:
        import xllamacpp
    except ImportError:
        raise ModelError(
            f'the model {name} needs xllamacpp: pip install "jupyter-loops[local]", or choose another with --model',
            ErrorClass.BAD_REQUEST,
        ) from None
    if not intact(record):
        file = f", {record.path()},"
        what = f"{file} is damaged" if record.path().exists() else f" is not here yet ({record.size / 1e6:,.0f} MB)"
        word = "" if name == "local" else f" {name}"
        raise ModelError(f"the file of the model {name}{what}: %loops model fetch{word}", ErrorClass.BAD_REQUEST)
    key = secrets.token_urlsafe(24)
    try:
        server = xllamacpp.Server(_parameters(xllamacpp, record, key))
    except RuntimeError as error:
        raise ModelError(f"the model {name} does not start: {error}", ErrorClass.BAD_REQUEST) from error
    return Endpoint(f"{server.listening_address}/v1", key), server


def _parameters(xllamacpp: Any, record: EmbeddedRecord, key: str) -> Any:
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(record.path())
    parameters.model_alias = {record.title}
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0  # any free one
    parameters.api_keys = [key]
    parameters.n_parallel = SLOTS
    parameters.n_ctx = SLOTS * record.window  # llama.cpp divides its context among the slots
    # Threads that wait for each other spin: with as many as cores, one busy neighbour makes answers four times
    # slower, so writing leaves a core to the notebook. Reading a prompt has more work between the waits.
    parameters.cpuparams_batch.n_threads = min(_cores(), record.reading_threads)
    parameters.cpuparams.n_threads = min(max(_cores() - 1, 1), record.writing_threads)
    parameters.cache_ram_mib = _CACHED_PROMPTS_MIB
    parameters.endpoint_slots = False  # it would show other runs' prompts
    parameters.verbosity = -1
    return parameters


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


atexit.register(_running.clear)  # stops the server's threads before the interpreter is taken down
