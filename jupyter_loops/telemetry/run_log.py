"""A run in Python's `logging`: each record has `run_id`, `loop` and `round`. Nothing is printed."""

from __future__ import annotations

import logging

from jupyter_loops.core.events import (
    BreakerChanged,
    CallFinished,
    IterationFinished,
    NoteAdded,
    Record,
    RequestAdapted,
    RunEnded,
    RunResumed,
    RunStarted,
    RunSteered,
)

log = logging.getLogger("jupyter_loops.run")
log.addHandler(logging.NullHandler())  # without a handler of the user's, warnings would be printed


class RunLog:
    """An observer that logs: ends, rounds and starts as INFO, faults as WARNING, everything else as DEBUG."""

    def __init__(self) -> None:
        self._loop = ""
        self._round = 0

    def heard(self, record: Record) -> None:
        """Log an event, without texts of models, checks or tools."""
        event = record.event
        if isinstance(event, RunStarted):
            self._loop = event.loop
        self._round = getattr(event, "iteration", self._round)
        level, words = _line(record)
        if log.isEnabledFor(level):
            named = {"run_id": record.run, "loop": self._loop, "round": self._round, "event": event.kind}
            log.log(level, "%s %s: %s", self._loop, record.run, words, extra=named)


def _line(record: Record) -> tuple[int, str]:  # noqa: PLR0911  # one line a kind
    event = record.event
    match event:
        case RunStarted() | RunResumed():
            return logging.INFO, f"{event.kind} on {event.model} at level {event.isolation}"
        case CallFinished(error=""):
            tokens = f"{event.prompt_tokens} + {event.completion_tokens} tokens"
            return logging.DEBUG, f"call {event.call} answered in {event.seconds:.2f} s, {tokens}"
        case CallFinished():
            return logging.WARNING, f"call {event.call} failed: {event.error}"
        case IterationFinished():
            return logging.INFO, f"round {event.iteration}: {event.passed} of {event.total} checks"
        case BreakerChanged():
            return logging.WARNING, f"breaker of {event.model} ({event.fault}): {event.source} to {event.to}"
        case RequestAdapted():
            return logging.DEBUG, f"{event.what}: {event.before} to {event.after}"
        case RunSteered():
            return logging.INFO, f"a person: {event.action}"
        case NoteAdded():
            return logging.INFO, event.message
        case RunEnded():
            return (
                logging.INFO,
                f"ended with {event.reason} after {event.iterations} rounds, ${event.usage.get('usd', 0):.4f}",
            )
    return logging.DEBUG, event.kind
