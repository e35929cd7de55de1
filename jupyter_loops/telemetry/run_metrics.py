"""The metrics of a run."""

from __future__ import annotations

from opentelemetry import metrics

from jupyter_loops._version import __version__
from jupyter_loops.core.events import (
    BreakerChanged,
    CallFinished,
    CallStarted,
    ChecksEvaluated,
    IterationFinished,
    Record,
    RunEnded,
    RunStarted,
)

from . import conventions as names

_TOKENS = {
    "prompt_tokens": names.INPUT_TOKEN_COUNTER,
    "completion_tokens": names.OUTPUT_TOKEN_COUNTER,
    "cached_tokens": names.CACHED_TOKEN_COUNTER,
    "reasoning_tokens": names.REASONING_TOKEN_COUNTER,
}


class RunMetrics:
    """Counts what the events of one run say."""

    def __init__(self) -> None:
        meter = metrics.get_meter("jupyter_loops", __version__)
        counters = (
            names.RUN_COUNTER,
            names.ROUND_COUNTER,
            names.CHECK_COUNTER,
            names.COST_COUNTER,
            names.BREAKER_COUNTER,
        )
        self._runs, self._rounds, self._checks, self._cost, self._breakers = (
            meter.create_counter(*counter) for counter in counters
        )
        self._tokens = {field: meter.create_counter(*counter) for field, counter in _TOKENS.items()}
        self._duration = meter.create_histogram(*names.DURATION_HISTOGRAM)
        self._loop = ""
        self._models: dict[int, str] = {}  # of calls that are under way

    def take(self, record: Record) -> None:
        """Count an event."""
        match record.event:
            case RunStarted(loop=loop):
                self._loop = loop
            case CallStarted(call=call, model=model):
                self._models[call] = model
            case CallFinished() as event:
                self._answer(event)
            case ChecksEvaluated(verdicts=verdicts):
                for passed in (True, False):
                    count = sum(verdict.passed is passed for verdict in verdicts)
                    self._checks.add(count, {names.WORKFLOW_NAME: self._loop, "passed": passed})
            case IterationFinished():
                self._rounds.add(1, {names.WORKFLOW_NAME: self._loop})
            case BreakerChanged(model=model, fault=fault, to=after):
                self._breakers.add(1, {names.REQUEST_MODEL: model, names.ERROR_TYPE: fault, names.BREAKER_STATE: after})
            case RunEnded(reason=reason):
                self._runs.add(1, {names.WORKFLOW_NAME: self._loop, names.STOP_REASON: reason})

    def _answer(self, event: CallFinished) -> None:
        model = self._models.pop(event.call, "")
        asked = {
            names.OPERATION_NAME: names.CHAT,
            names.PROVIDER_NAME: names.provider(model),
            names.REQUEST_MODEL: model,
        }
        self._duration.record(event.seconds, asked | ({names.ERROR_TYPE: event.error} if event.error else {}))
        for field, counter in self._tokens.items():
            if count := getattr(event, field):
                counter.add(count, asked | {names.TOKEN_MODALITY: "text"})
        if event.usd:
            self._cost.add(event.usd, {names.WORKFLOW_NAME: self._loop, names.REQUEST_MODEL: model})
