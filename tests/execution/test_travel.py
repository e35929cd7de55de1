"""What cannot travel is named, with where it is and what to do; the rest goes."""

from __future__ import annotations

import queue
import socket
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import duckdb
import pytest

from jupyter_loops.errors import PreflightError
from jupyter_loops.execution.namespace_payload import pack

DATABASE, GATE = duckdb.connect(), threading.Lock()


class Model:
    """Keeps something deep inside."""

    def __init__(self, thing: object) -> None:
        self.cache = {"first": [1, thing]}


class Tensor:
    """As torch has them, on a machine with a GPU: it can be pickled, and not be rebuilt without."""

    def __init__(self, place: str) -> None:
        self.device = type("device", (), {"type": place})()

    def __reduce__(self) -> tuple[object, ...]:
        return str, ("a tensor",)


Tensor.__module__ = "torch"


TOOL, SETUP = "@tool", "create it in the set-up"
STAYS = {
    "duckdb": (lambda: DATABASE, "it is a connection to a database", TOOL),
    "a relation": (lambda: DATABASE.sql("select 1"), "it is a connection to a database, or needs one", TOOL),
    "sqlite": (lambda: sqlite3.connect(":memory:"), "it is a connection to a database", SETUP),
    "a cursor": (lambda: sqlite3.connect(":memory:").cursor(), "it is a connection to a database", SETUP),
    "a socket": (socket.socket, "it is a socket", TOOL),
    "a file": (Path(sys.executable).open, "it is an open file", "its path"),
    "a lock": (threading.Lock, "it is a lock", "Create it in the set-up"),
    "an event": (threading.Event, "it is a lock", "Create it in the set-up"),
    "a queue": (queue.Queue, "thing.mutex (_thread.lock) is a lock", "Create it in the set-up"),
    "a generator": (lambda: (n for n in "abc"), "it is a generator, which runs only once", "Make a list of it"),
    "a thread": (threading.Thread, "it is a thread, a process, or a pool", TOOL),
    "a pool": (ThreadPoolExecutor, "it is a thread, a process, or a pool", SETUP),
    "a process": (lambda: subprocess.Popen([sys.executable, "-c", ""]), "it is a thread, a process", TOOL),
    "a tensor on a GPU": (lambda: Tensor("cuda"), "it lives on a GPU", "x.cpu()"),
    "a model on a GPU": (lambda: Model(Tensor("mps")), "thing.cache['first'][1] (torch.Tensor) lives on a GPU", TOOL),
    "a model with a lock": (lambda: Model(GATE), "thing.cache['first'][1] (_thread.lock) is a lock", "in the set-up"),
    "a list of connections": (lambda: [0, DATABASE], "thing[1] (_duckdb.DuckDBPyConnection) is a connection", TOOL),
    "what nobody knows": (threading.local, "cannot pickle '_thread._local' object", "in the set-up"),
}


@pytest.mark.parametrize("what", STAYS)
def test_what_cannot_travel_is_named_with_what_to_do(what):
    make, why, advice = STAYS[what]
    thing = make()
    with pytest.raises(PreflightError) as caught:
        pack({"fine": 1, "thing": thing})

    words = str(caught.value)
    assert words.startswith("'thing' (")
    assert f"cannot be sent to the sandbox: {why}" in words
    assert advice in words
    assert "\n" not in words
    for end in ("close", "wait"):
        if what in {"a socket", "a file", "a process", "sqlite"} and hasattr(thing, end):
            getattr(thing, end)()


def test_a_function_of_the_notebook_is_told_what_it_uses():
    notebook = ModuleType("__main__")
    notebook.DATABASE = DATABASE
    exec("def count(): return DATABASE.sql('select 1')", vars(notebook))
    with pytest.raises(PreflightError, match=r"'count' \(function\).*: count's DATABASE \(_duckdb.*is a connection"):
        pack({"count": notebook.count})


@pytest.mark.parametrize(
    "value",
    [Tensor("cpu"), Model(Tensor("cpu")), Model([1]), {"a": open}, None],
    ids=lambda value: type(value).__name__,
)
def test_the_rest_goes(value):
    cargo = pack({"value": value})

    assert cargo.pickled > 0
    cargo.close()


def test_a_large_or_circular_value_is_searched_in_no_time():
    values: list[object] = [*range(200_000), GATE]
    values.append(values)
    with pytest.raises(PreflightError, match=r"'values' \(list\).*something in it \(_thread.lock\) is a lock"):
        pack({"values": values})
