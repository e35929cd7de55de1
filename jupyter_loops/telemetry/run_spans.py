"""The spans of a run: the run, its phases, its calls of models and tools."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import datetime

from opentelemetry import context, trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.util.types import AttributeValue

from jupyter_loops._version import __version__
from jupyter_loops.core.events import (
    CallFinished,
    CallStarted,
    CandidateExecuted,
    IterationFinished,
    Record,
    RunEnded,
    RunResumed,
    RunStarted,
    StateChanged,
    ToolCallFinished,
    ToolCallStarted,
)
from jupyter_loops.core.state import State

from . import conventions as names

_PHASES = {State.PLAN: names.PLAN, State.EXECUTE: names.EXECUTE, State.VERIFY: names.VERIFY}
_RUNS: dict[str, Span] = {}  # by run id, while they go on: runs inside runs are below them


class RunSpans:
    """Turns the events of one run into spans, at the times of the events."""

    def __init__(self) -> None:
        self._tracer = trace.get_tracer("jupyter_loops", __version__)
        self._around = context.get_current()
        self._content = os.environ.get(names.CAPTURE_CONTENT, "").lower() in {"1", "true"}
        self._run: Span | None = None
        self._phase: tuple[str, Span] | None = None
        self._calls: dict[int, Span] = {}
        self._tools: dict[int, Span] = {}

    def take(self, record: Record) -> None:
        """Start, end or complete spans as an event says."""
        event, at = record.event, _nanoseconds(record.at)
        match event:
            case RunStarted() | RunResumed():
                self._begin(record.run, event, at)
            case StateChanged():
                self._move(event, at)
            case CallStarted():
                self._calls[event.call] = self._call(event, at)
            case CallFinished() if event.call in self._calls:
                self._answer(self._calls.pop(event.call), event, at)
            case ToolCallStarted():
                tool = {names.OPERATION_NAME: names.TOOL, names.TOOL_NAME: event.tool}
                self._tools[event.number] = self._start(f"{names.TOOL} {event.tool}", tool, at)
            case ToolCallFinished() if event.number in self._tools:
                _end(self._tools.pop(event.number), event.error, at)
            case CandidateExecuted() if self._phase:
                self._phase[1].set_attribute(names.EXIT, event.observation.exit)
            case IterationFinished() if self._run:
                counts = {names.CHECKS_PASSED: event.passed, names.CHECKS_TOTAL: event.total}
                self._run.add_event(names.ROUND, {names.ROUND: event.iteration, **counts}, at)
            case RunEnded():
                self._finish(record.run, event, at)

    def _begin(self, run_id: str, event: RunStarted | RunResumed, at: int) -> None:
        loop = event.loop if isinstance(event, RunStarted) else "resumed"
        parent = _RUNS.get(event.parent or "") if isinstance(event, RunStarted) else None
        around = self._around if parent is None else trace.set_span_in_context(parent)
        attributes = {
            names.OPERATION_NAME: names.RUN,
            names.WORKFLOW_NAME: loop,
            names.RUN_ID: run_id,
            names.REQUEST_MODEL: event.model,
            names.ISOLATION: event.isolation,
        }
        self._run = _RUNS[run_id] = self._tracer.start_span(
            f"{names.RUN} {loop}", around, attributes=attributes, start_time=at
        )

    def _move(self, event: StateChanged, at: int) -> None:
        """A phase lasts until the next one; waits and calls of tools in between are part of it."""
        if event.to == State.WAIT or (self._phase and self._phase[0] == event.to):
            return
        if self._phase:
            self._phase[1].end(at)
            self._phase = None
        if (name := _PHASES.get(State(event.to))) and self._run:
            attributes: dict[str, AttributeValue] = {
                names.ROUND: event.iteration,
                **({names.OPERATION_NAME: name} if name == names.PLAN else {}),
            }
            self._phase = event.to, self._start(name, attributes, at, inside=self._run)

    def _call(self, event: CallStarted, at: int) -> Span:
        attributes = _known(
            {
                **_asked(event),
                names.PURPOSE: event.purpose,
                names.REQUEST_TEMPERATURE: event.sampling.get("temperature"),
                names.REQUEST_MAX_TOKENS: event.sampling.get("max_tokens"),
                names.INPUT_MESSAGES: json.dumps(event.messages) if self._content else None,
            }
        )
        return self._start(f"{names.CHAT} {event.model}", attributes, at, kind=SpanKind.CLIENT)

    def _answer(self, span: Span, event: CallFinished, at: int) -> None:
        span.set_attributes(
            _known(
                {
                    names.INPUT_TOKENS: event.prompt_tokens,
                    names.OUTPUT_TOKENS: event.completion_tokens,
                    names.CACHED_TOKENS: event.cached_tokens or None,
                    names.REASONING_TOKENS: event.reasoning_tokens or None,
                    names.RESPONSE_MODEL: event.answered_by or None,
                    names.FINISH_REASONS: (event.finish_reason,) if event.finish_reason else None,
                    names.COST: event.usd,
                    names.OUTPUT_MESSAGES: event.text if self._content else None,
                }
            )
        )
        _end(span, event.error, at)

    def _start(
        self,
        name: str,
        attributes: Mapping[str, AttributeValue],
        at: int,
        *,
        inside: Span | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
    ) -> Span:
        parent = inside or (self._phase[1] if self._phase else self._run)
        around = self._around if parent is None else trace.set_span_in_context(parent)
        return self._tracer.start_span(name, around, kind, attributes, start_time=at)

    def _finish(self, run_id: str, event: RunEnded, at: int) -> None:
        phase = [self._phase[1]] if self._phase else []
        for span in (*self._calls.values(), *self._tools.values(), *phase):
            _end(span, event.reason, at)
        self._calls.clear()
        self._tools.clear()
        self._phase = None
        _RUNS.pop(run_id, None)
        if self._run:
            self._run.set_attributes(
                {
                    names.STOP_REASON: event.reason,
                    names.ROUNDS: event.iterations,
                    names.COST: event.usage.get("usd", 0.0),
                }
            )
            _end(self._run, event.reason if event.reason == "error" else "", at)
            self._run = None


def _asked(event: CallStarted) -> dict[str, str]:
    return {
        names.OPERATION_NAME: names.CHAT,
        names.PROVIDER_NAME: names.provider(event.model),
        names.REQUEST_MODEL: event.model,
    }


def _known(attributes: dict[str, AttributeValue | None]) -> dict[str, AttributeValue]:
    return {name: value for name, value in attributes.items() if value is not None}


def _end(span: Span, error: str, at: int) -> None:
    if error:
        span.set_attribute(names.ERROR_TYPE, error)
        span.set_status(Status(StatusCode.ERROR))
    span.end(at)


def _nanoseconds(at: datetime) -> int:
    return int(at.timestamp() * 1e9)
