"""llama.cpp's HTTP server inside this process, for the embedded model."""

from __future__ import annotations

import atexit
import os
import secrets
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_loops.errors import ErrorClass, ModelError

from .fetch import intact

NAME = "SmolLM2-135M-Instruct"
SLOTS = 1  # answers at the same time; two share a batch, which needs all cores and stalls when one is busy
WINDOW = 4096  # tokens of each slot: llama.cpp divides its context among them

_CACHED_PROMPTS_MIB = 128
_MOST_THREADS = 4  # beyond this a model of this size gains nothing


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the server listens, and the key that opens it."""

    base: str
    key: str


_starting = threading.Lock()
_running: dict[Path, tuple[Endpoint, Any]] = {}


def start(file: Path) -> Endpoint:
    """The server for a model file, started on the first call. Blocks for about a second; raises ModelError."""
    with _starting:
        if file not in _running:
            _running[file] = _start(file)
        return _running[file][0]


def _start(file: Path) -> tuple[Endpoint, Any]:
    try:
        import xllamacpp
    except ImportError:
        raise ModelError(
            'the model local needs xllamacpp: pip install "jupyter-loops[local]", or choose another with --model',
            ErrorClass.BAD_REQUEST,
        ) from None
    if not intact(file):
        what = "is damaged" if file.exists() else "is not here yet"
        raise ModelError(f"the file of the model local {what}: %loops model fetch", ErrorClass.BAD_REQUEST)
    key = secrets.token_urlsafe(24)
    try:
        server = xllamacpp.Server(_parameters(xllamacpp, file, key))
    except RuntimeError as error:
        raise ModelError(f"the model local does not start: {error}", ErrorClass.BAD_REQUEST) from error
    return Endpoint(f"{server.listening_address}/v1", key), server


def _parameters(xllamacpp: Any, file: Path, key: str) -> Any:
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(file)
    parameters.model_alias = {NAME}
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0  # any free one
    parameters.api_keys = [key]
    parameters.n_parallel = SLOTS
    parameters.n_ctx = SLOTS * WINDOW
    # Threads that wait for each other spin: with as many as cores, one busy neighbour makes answers four times
    # slower, so writing leaves a core to the notebook. Reading a prompt has more work between the waits.
    parameters.cpuparams_batch.n_threads = min(_cores(), _MOST_THREADS)
    parameters.cpuparams.n_threads = min(max(_cores() - 1, 1), _MOST_THREADS)
    parameters.cache_ram_mib = _CACHED_PROMPTS_MIB
    parameters.endpoint_slots = False  # it would show other runs' prompts
    parameters.verbosity = -1
    return parameters


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


atexit.register(_running.clear)  # stops the server's threads before the interpreter is taken down
