"""Spans and metrics of a run, by OpenTelemetry's API alone: whoever configures an SDK gets them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING

from jupyter_loops.core.ports import Listener

if TYPE_CHECKING:
    from jupyter_loops.core.events import Record

    from .run_metrics import RunMetrics
    from .run_spans import RunSpans


class RunTelemetry:
    """A listener that passes events on to spans and metrics."""

    def __init__(self, *parts: RunSpans | RunMetrics) -> None:
        self._parts = parts

    def heard(self, record: Record) -> None:
        """Pass an event on."""
        for part in self._parts:
            part.take(record)

    def text(self, run: str, piece: str) -> None:
        """Pieces of answers are no spans."""

    def spent(self, run: str, usage: Mapping[str, float], reserved: Mapping[str, float]) -> None:
        """Costs are counted when a call is finished."""

    def preparing(self, run: str, step: str) -> None:
        """Nothing is counted before a run begins."""


def run_telemetry() -> list[Listener]:
    """The listener of a new run, or none where no SDK is configured."""
    if find_spec("opentelemetry") is None or find_spec("opentelemetry.trace") is None:
        return []
    from opentelemetry import metrics, trace

    parts: list[RunSpans | RunMetrics] = []
    if not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider | trace.NoOpTracerProvider):
        from .run_spans import RunSpans

        parts.append(RunSpans())
    if type(metrics.get_meter_provider()).__name__ not in {"_ProxyMeterProvider", "NoOpMeterProvider"}:
        from .run_metrics import RunMetrics

        parts.append(RunMetrics())
    return [RunTelemetry(*parts)] if parts else []
