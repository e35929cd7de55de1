"""`%loops breakers`: the circuit breakers that all loops of this kernel share."""

from __future__ import annotations

from jupyter_loops.view.table import Table

_HEADER = ("model", "fault", "breaker", "in a row", "asked again in", "openings", "endpoint")


def table() -> Table:
    """Every breaker that has met its fault, those that are not closed first."""
    from jupyter_loops.engine.breaker import SHARED, Phase

    rows = [
        (
            breaker.model,
            breaker.fault.value,
            breaker.phase.value.replace("_", "-"),
            str(breaker.failures),
            f"{SHARED.seconds_to_probe(breaker):.0f} s" if breaker.phase is Phase.OPEN else "",
            str(breaker.openings),
            breaker.endpoint,
        )
        for breaker in SHARED.all()
    ]
    return Table(_HEADER, rows, "" if rows else "every breaker is closed, and no call has failed yet")
