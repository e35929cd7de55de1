"""One page of a browser: its comm, and what it may ask over it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from jupyter_loops import run_groups, runs
from jupyter_loops.errors import HistoryError, LoopError
from jupyter_loops.view.clip import line
from jupyter_loops.view.page_requests import PageRequests
from jupyter_loops.view.unparented import unparented

from . import VERSION
from .kernel_defaults import KernelDefaults
from .publisher import Publisher
from .run_rows import here
from .stored_requests import StoredRequests

_NUMBERS = itertools.count(1)
_EXPECTED = (LoopError, TypeError, ValueError, KeyError, AttributeError, OSError)
Request = Callable[[Mapping[str, Any]], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelSide:
    """What all pages of a kernel share."""

    publisher: Publisher
    defaults: KernelDefaults
    stored: StoredRequests
    workers: ThreadPoolExecutor  # for what reads the history


class PageComm:
    """Answers `{id, do, run, value}` with `{id, ok, result}` or `{id, error}`; what reads the history, on a worker.

    Comm messages come on any thread, the one of a cell that blocks among them, so here they only start something.
    """

    def __init__(self, comm: Any, side: KernelSide) -> None:
        self._comm, self._side = comm, side
        self._number = next(_NUMBERS)
        stored = side.stored
        self._quick: dict[str, Request] = {
            "settings": lambda ask: side.defaults.apply(_mapping(ask.get("value"))),
            "stop_all": lambda _: _stop_all(),
            "unwatch": lambda ask: side.publisher.unwatch(self._number, str(ask["run"])),
        }
        self._slow: dict[str, Request] = {
            "recent": stored.recent,
            "code": stored.code,
            "fork": stored.fork,
            "sql": stored.sql,
            "complete": stored.complete,
            "chart": stored.chart,
            "watch": self._watch,
        }
        comm.on_msg(self._on_message)
        comm.on_close(lambda _: side.publisher.leave(self._number))

    def open(self) -> None:
        """Greet the page; its rows follow."""
        self.send({"kind": "hello", "version": VERSION, "kernel": here(), "rows": self._side.publisher.rows()})
        self._side.publisher.join(self._number, self.send)

    def send(self, message: Mapping[str, Any]) -> None:
        """Send from any thread."""
        unparented(lambda: self._comm.send(dict(message)))

    def _on_message(self, message: Mapping[str, Any]) -> None:
        ask = message["content"].get("data")
        if not isinstance(ask, dict):
            return
        word = str(ask.get("do"))
        if word in self._slow:
            self._side.workers.submit(self._answer, ask, self._slow[word])
        else:
            self._answer(ask, self._quick.get(word, _steer))

    def _answer(self, ask: Mapping[str, Any], act: Request) -> None:
        try:
            result = act(ask)
        except _EXPECTED as error:
            words = error.shown if isinstance(error, LoopError) else str(error)
            self.send({"id": ask.get("id"), "error": line(words) or type(error).__name__})
        else:
            self.send({"id": ask.get("id"), "ok": True, "result": result})

    def _watch(self, ask: Mapping[str, Any]) -> None:
        watched = self._side.stored.watched(str(ask["run"]), lambda: self._side.publisher.changed(str(ask["run"])))
        self._side.publisher.watch(self._number, watched)
        run = runs.find(watched.run_id)
        if run is not None and not run.future.done():
            watched.expect(run.facts)
        try:
            watched.load(self._side.stored.history())
        except HistoryError:
            if run is None or run.future.done():  # otherwise its first event is still to come
                self._side.publisher.unwatch(self._number, watched.run_id)
                raise
        self._side.publisher.changed(watched.run_id)


def _steer(ask: Mapping[str, Any]) -> str:
    """Pass a person's word on to a run or a group of this kernel; what it will do."""
    answer = PageRequests(_live(str(ask.get("run"))), lambda: None).answer(dict(ask))
    if "error" in answer:
        raise LoopError(answer["error"])
    return str(answer.get("note", ""))


def _live(run_id: str) -> Any:
    """What goes on in this kernel with this id. A group lacks some controls, and says so."""
    run = runs.find(run_id) or run_groups.find(run_id)
    if run is None or run.future.done():
        raise LoopError("this run has ended already" if run else "this run is not of this kernel")
    return run


def _stop_all() -> int:
    groups = [group for group in run_groups.registered() if not group.future.done()]
    single = [run for run in runs.live() if run.relation != "nested"]
    for group in groups:
        group.stop()
    for run in single:
        run.stop()
    return len(groups) + len(single)


def _mapping(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("settings have to be an object")
    return value
