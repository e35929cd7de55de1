"""Schema v4: kinds of events under the names of today, and states and ends as plain text.

A body stays as it was hashed: it keeps the kind that it was written with, and every reader maps it.
`events.kind` has the name of today. A state or a reason that an older jupyter-loops does not know is a text like any
other, where an ENUM would refuse it.
"""

from __future__ import annotations

from jupyter_loops.core.events import RENAMED

_CASES = " ".join(f"WHEN '{old}' THEN '{new}'" for old, new in RENAMED.items())
CURRENT = f"CASE {{kind}} {_CASES} ELSE {{kind}} END"  # SQL of a kind's name today

KINDS = f"""
UPDATE events SET kind = {CURRENT.format(kind="kind")} WHERE kind IN {tuple(RENAMED)};
ALTER TABLE runs ALTER COLUMN state TYPE VARCHAR;
ALTER TABLE runs ALTER COLUMN stop_reason TYPE VARCHAR;
DROP TYPE IF EXISTS run_state;
DROP TYPE IF EXISTS stop_reason;
"""  # noqa: S608 - constants
