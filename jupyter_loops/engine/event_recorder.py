"""Records events: first in the journal, then to the listeners."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

from jupyter_loops.core.budget import Usage
from jupyter_loops.core.events import KINDS, CallStarted, Event, NoteAdded, Record, ToolCallFinished
from jupyter_loops.core.plain import plain
from jupyter_loops.core.ports import Journal, Listener, Observer
from jupyter_loops.core.redaction import clean

from .prompt_retention import PromptRetention

WRITTEN = frozenset(  # by a model or a person; what the sandbox says is redacted at its border
    {
        "run_started",
        "run_resumed",
        "call_started",
        "call_finished",
        "tool_call_started",
        "tool_call_finished",
        "candidate_proposed",
        "approval_requested",
        "question_answered",
        "iteration_finished",
        "run_steered",
        "request_adapted",
        "note_added",
        "run_ended",
    }
)
_REPEATABLE = frozenset(  # what a resumed run does once more from the answer, at no cost
    {"state_changed", "candidate_proposed", "candidate_executed", "checks_evaluated", "iteration_finished"}
)
_WORDLESS = frozenset(  # types of fields that hold no text of a model or a person
    {
        *("int", "float", "bool", "int | None", "float | None", "LoopJson", "list[LoopJson]"),
        *("dict[str, float]", "dict[str, float | None]", "list[tuple[str, float]]"),
    }
)
_WORDS = {  # the fields of an event that may hold what somebody wrote
    kind: tuple(field.name for field in fields(KINDS[kind]) if field.type not in _WORDLESS) for kind in WRITTEN
}
log = logging.getLogger(__name__)


class EventRecorder:
    """Records all events of a run. An event is durable before a listener gets it."""

    def __init__(
        self,
        run: str,
        journal: Journal,
        listeners: Sequence[Listener] = (),
        seq: int = 0,
        prompts: PromptRetention = PromptRetention.FULL,
        *,
        deferring: bool = False,
        observers: Sequence[Observer] = (),
    ) -> None:
        """`seq` is the number of the run's last event, where the run goes on. `observers` get events, and no pieces.

        `deferring`: steps that can be repeated at no cost are written with the next event that cannot.
        """
        self._prompts, self._deferring = prompts, deferring
        self.run = run
        self.listeners, self._observers = list(listeners), observers
        self._journal = journal
        self._seq = seq
        self._started = self._over = False
        self._iteration = 0
        self._early_notes: list[str] = []  # notes from before the first event
        self._next: list[Record] = []  # events that are written with the next one

    def say(self, event: Event) -> None:
        """Append the event. Raises HistoryError when it cannot be made durable."""
        if self._deferring and event.kind in _REPEATABLE:
            self.with_next(event)
            return
        records = [*self._next, self._record(event)]
        self._next.clear()
        self._journal.append(*records)
        for record in records:
            self._tell(record)
        if not self._started:
            self._started, early_notes = True, self._early_notes
            for text in early_notes:
                self.note(text)

    def with_next(self, event: Event) -> None:
        """Append the event together with the one that follows, where nothing acts on it before."""
        self._next.append(self._record(event))

    def _record(self, event: Event) -> Record:
        """The event with its number, and without secrets and prompts that must not be stored."""
        cleaned = dict[str, Any]()
        for name in _WORDS.get(event.kind, ()):
            value = getattr(event, name)
            if (new := clean(value)) is not value:
                cleaned[name] = new
        event = replace(event, **cleaned) if cleaned else event
        if isinstance(event, CallStarted):
            event = self._prompts.of(event)
        if isinstance(event, ToolCallFinished):
            event = self._prompts.result(event)
        self._seq += 1
        self._iteration = getattr(event, "iteration", self._iteration)
        self._over = event.kind == "run_ended"
        return Record(self.run, self._seq, datetime.now(UTC), event)

    def _tell(self, record: Record) -> None:
        for listener in (*self.listeners, *self._observers):
            try:
                listener.heard(record)
            except Exception:  # a broken view must not end a run that costs money
                log.exception("a listener failed on %s", record.event.kind)

    def note(self, text: str) -> None:
        """Add a note for a person: once the run is on record, and not after its end."""
        if not self._started:
            self._early_notes.append(text)
        elif not self._over:
            self.say(NoteAdded(iteration=self._iteration, message=text))

    def text(self, piece: str) -> None:
        """Pass a piece of an answer on."""
        for listener in self.listeners:
            listener.text(self.run, piece)

    def preparing(self, step: str) -> None:
        """Pass on what the run waits for before its first round."""
        for listener in self.listeners:
            listener.preparing(self.run, step)

    def spent(self, usage: Usage, reserved: Usage) -> None:
        """Pass the ledger's state on."""
        if self.listeners:
            used, set_apart = plain(usage), plain(reserved)
            for listener in self.listeners:
                listener.spent(self.run, used, set_apart)
