"""Kills after each step of what makes the history's file anew: compaction, pruning, an upgrade with its backup, repair.

The kills are those of the tests (`tests/history/kill_at_each_step.py`).
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

HISTORY = Path(__file__).parents[1] / "history"
ROUNDS = "2"


def kill_at_each_step(what: str) -> tuple[int, Counter[str]]:
    """How many kills there were, and what the next one found: runs, events, rows of a foreign log, tables added."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "history.duckdb"
        written = [sys.executable, HISTORY / "write_rounds.py", path, "20261122T000000-aaaa", ROUNDS]
        subprocess.run(written, stdout=subprocess.DEVNULL, check=True)
        command = [sys.executable, HISTORY / "kill_at_each_step.py", path, what]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"  {what}: {done.stderr.strip()}")
        lines = done.stdout.splitlines()
        return len(lines) - 1, Counter(lines)


def main() -> int:
    odd = 0
    print(f"  {'step killed at':<16}{'kills':>7}  found by the next kernel (runs, events, rows of a log, tables added)")
    for what in ("create", "compact", "prune", "upgrade", "repair"):
        kills, found = kill_at_each_step(what)
        odd += len(found) > 2  # what was before, or what comes after; nothing between
        print(
            f"  {what:<16}{kills:>7}  {'; '.join(f'{rows}: {times} times' for rows, times in found.items())}",
            flush=True,
        )
    return int(bool(odd))


if __name__ == "__main__":
    sys.exit(main())
