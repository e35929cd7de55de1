"""Spans and metrics of a run, by OpenTelemetry's API alone: whoever configures an SDK gets them."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from jupyter_loops.core.ports import Observer

if TYPE_CHECKING:
    from jupyter_loops.core.events import Record

    from .run_metrics import RunMetrics
    from .run_spans import RunSpans


class RunTelemetry:
    """An observer that passes events on to spans and metrics."""

    def __init__(self, *parts: RunSpans | RunMetrics) -> None:
        self._parts = parts

    def heard(self, record: Record) -> None:
        """Pass an event on."""
        for part in self._parts:
            part.take(record)


def run_telemetry() -> list[Observer]:
    """The observer of a new run, or none where no SDK is configured."""
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
