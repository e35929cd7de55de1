"""What operations get of a run: log records, and spans and metrics where OpenTelemetry is configured.

Nothing leaves the machine unasked: without an SDK that the user configures, OpenTelemetry's API does nothing.
"""

from __future__ import annotations

from jupyter_loops.core.ports import Observer

from .run_log import RunLog


def observers() -> list[Observer]:
    """Those of a new run, made where it is started: its spans are below the span that is current there."""
    from .otel import run_telemetry

    return [RunLog(), *run_telemetry()]


__all__ = ["RunLog", "observers"]
