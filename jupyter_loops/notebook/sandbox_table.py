"""`%loops sandbox`: what candidates can do on this machine, by a probe in each sandbox."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from jupyter_loops.view.table import Table

if TYPE_CHECKING:
    from jupyter_loops.execution.probe import Probe


def table(levels: list[str]) -> Table:
    """One column for each level; without any, for the one that a run would get. Raises PreflightError."""
    from jupyter_loops.core.caveats import with_caveat
    from jupyter_loops.execution.isolation import stronger
    from jupyter_loops.execution.probe import TRIED

    probes = _probed(levels or ["auto"])
    rows = [(words, *(_cell(probe, name) for probe in probes)) for name, words in TRIED.items()]
    last = probes[-1]
    notes = [with_caveat(probe.level) for probe in probes]
    notes += [f"stronger than {last.level} would be {way}" for way in stronger(last.level)]
    return Table(("a candidate can", *(probe.level for probe in probes)), rows, "; ".join(notes))


def _cell(probe: Probe, name: str) -> str:
    worked, how = probe.can.get(name, (False, "not tried"))
    return "yes" if worked else f"no ({how})" if how else "no"


def _probed(levels: list[str]) -> list[Probe]:
    """Run the probes on their own thread: the children end with it."""
    from jupyter_loops.execution.probe import probe

    async def all_of_them() -> list[Probe]:
        return [await probe(level) for level in levels]

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, all_of_them()).result()
