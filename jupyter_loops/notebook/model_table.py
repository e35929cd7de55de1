"""`%loops model`: the embedded models, and what servers on this machine offer."""

from __future__ import annotations

from jupyter_loops.errors import OptionError
from jupyter_loops.nearest import nearest
from jupyter_loops.view.table import Table

ACTIONS = ("fetch", "rm")
_HEADER = ("model", "what it is", "MB", "where it is", "options of %%loop")


def embedded() -> list[str]:
    """The names of the embedded models."""
    from jupyter_loops.planning.models.embedded.records import RECORDS

    return [*RECORDS]


def model(words: list[str]) -> Table | str:
    """Do what the words say. Raises OptionError, PreflightError."""
    from jupyter_loops.planning.models.embedded import fetch, records

    if not words:
        return table()
    action, *names = words
    if action not in ACTIONS:
        raise OptionError(f"%loops model {action} is not possible{nearest(action, ACTIONS)}: fetch or rm")
    if action == "rm" and not names:
        raise OptionError(f"%loops model rm wants a name: {', '.join(records.RECORDS)}")
    chosen = [records.find(name) for name in names or [records.DEFAULT.name]]
    if action == "fetch":
        return "\n".join(f"{record.name} is at {fetch.fetch(record, print)}" for record in chosen)
    return "\n".join(f"{record.name}: {'removed' if fetch.remove(record) else 'was not there'}" for record in chosen)


def table() -> Table:
    """Every embedded model, then what answers on the usual ports of this machine."""
    from jupyter_loops.planning.models.embedded import records
    from jupyter_loops.planning.models.nearby import served

    rows = []
    for record in records.RECORDS.values():
        there, default = record.path().is_file(), record is records.DEFAULT
        where = str(record.path()) if there else f"not here: %loops model fetch {record.name}"
        options = f"--model {record.name}" + (" (the default)" if default else "")
        rows.append((record.name, f"{record.title}, {record.licence}", f"{record.size / 1e6:,.0f}", where, options))
    rows += [(offer.model, offer.server, "", "a server on this machine", offer.options) for offer in served()]
    return Table(_HEADER, rows, "any GGUF file of your own: --model gguf:PATH")
