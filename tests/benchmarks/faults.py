"""The fault table with its outcomes: every fault played by a real HTTP server against a real run.

python tests/benchmarks/faults.py [FAULT]
"""

from __future__ import annotations

import importlib
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
providers = importlib.import_module("tests.faults.providers")
endpoint_module = importlib.import_module("tests.endpoint")

HEADER = ("fault", "", "class", "first action", "charged", "calls", "rounds", "end", "seconds")
WIDTHS = (30, 6, 17, 12, 19, 6, 7, 12, 8)


def line(cells: tuple[object, ...]) -> str:
    return "  ".join(f"{cell!s:<{width}}" for cell, width in zip(cells, WIDTHS, strict=True)).rstrip()


def main(wanted: str) -> int:
    different = 0
    print(line(HEADER))
    with tempfile.TemporaryDirectory() as folder, endpoint_module.serving() as endpoint:
        for row in providers.TABLE:
            for streaming in row.modes if wanted.lower() in row.name.lower() else ():
                played = providers.play(endpoint, row, Path(folder) / "history.duckdb", streaming=streaming)
                calls, end = played.of("call_finished"), played.run.termination.reason
                kind, charge = calls[0]["error"], providers.charged(calls[0])
                as_expected = (kind, charge, end, len(calls)) == (row.kind or "", row.charge, row.end, row.calls)
                different += not as_expected
                facts = (kind or "answered", row.action, charge, len(calls), played.run.usage.iterations)
                mode = "stream" if streaming else "whole"
                print(line((row.name, mode, *facts, end, f"{played.seconds:.1f}")), "" if as_expected else "UNEXPECTED")
        importlib.import_module("jupyter_loops.history").open_history(str(Path(folder) / "history.duckdb")).close()
    print(f"{different} not as expected")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else ""))
