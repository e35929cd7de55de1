"""What a next version of jupyter-loops does with a history of today: run with a copy of the package on PYTHONPATH.

    python the_next_version.py ADDRESS PORT

The copy's schema has another table and two more columns, and its run ends for a reason that today has no word for.
Prints what it finds, as JSON. With a port, the file is served there, and is asked as a client asks.
"""

import contextlib
import json
import sys
from datetime import UTC, datetime

from jupyter_loops.core.events import NoteAdded, Record, RunEnded, RunStarted
from jupyter_loops.history import History, steps
from jupyter_loops.history.diagram import mermaid
from jupyter_loops.history.serving import serving

RUN = "20991231T000000-next"
EVENTS = [
    RunStarted(
        loop="next", goal="g", source="s", fingerprint="f", model="m", isolation="process", budget={}, price=None,
        options={}, targets=["x"], checks=[],
    ),
    NoteAdded(iteration=1, message="m"),
    RunEnded(reason="bored", message="it was enough", usage={}, iterations=0, best=None),
]  # fmt: skip


def main(address: str, port: str = "") -> None:
    with contextlib.ExitStack() as stack:
        if port:
            address = stack.enter_context(serving(address, port=int(port)))
        history = History(address)
        before = history.verify()
        for seq, event in enumerate(EVENTS, start=1):
            history.append(Record(RUN, seq, datetime.now(UTC), event))
        found = {
            "before": [str(finding) for finding in before],
            "after": [str(finding) for finding in history.verify()],
            "version": history.sql("SELECT max(version) FROM schema_versions").fetchall()[0][0] - len(steps.STEPS),
            "ends": history.sql("SELECT loop, stop_reason FROM runs ORDER BY run_id").fetchall(),
            "described": {row["name"]: row["description"] for row in history.schema("notes").dicts()}["mood"],
            "tables": [row["name"] for row in history.schema().dicts()],
            "drawn": "runs ||--o{ labels" in mermaid(),
        }
        history.close()
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
