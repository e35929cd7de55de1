"""Writes the history that a released version leaves behind, for every later version to read.

    python tests/history/released/make.py

Run it once at a release, commit VERSION.duckdb.gz, and never write it again: test_released.py finds it by itself.
"""

from __future__ import annotations

import gzip
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from jupyter_loops import __version__
from jupyter_loops.core.candidate import Exit, Fault, Layer, Metric, Observation, Verdict
from jupyter_loops.core.events import (
    CallFinished,
    CallStarted,
    CandidateExecuted,
    CandidateProposed,
    ChecksEvaluated,
    Event,
    IterationFinished,
    NoteAdded,
    Record,
    RunEnded,
    RunStarted,
    RunSteered,
    StateChanged,
    ToolCallFinished,
    ToolCallStarted,
)
from jupyter_loops.history import History
from jupyter_loops.history.lease import FORMAT

START = datetime(2026, 11, 24, tzinfo=UTC)


def a_round(n: int, *, passed: bool) -> list[Event]:
    metric = Metric(value=float(n), target=2.0)
    verdict = Verdict(check="f() == 2", layer=Layer.CHECKS, passed=passed, values={"f()": str(n)}, metric=metric)
    fault = None if passed else Fault(type="ValueError", message="no")
    return [
        StateChanged(iteration=n, source="decide", to="plan"),
        CallStarted(
            call=n, iteration=n, purpose="plan", model="local", messages=[{"role": "user", "content": "Make f."}],
            parts=[{"name": "goal", "tokens": 4, "dropped": 1}], sampling={"temperature": 0.2}, reserved_usd=0.01,
            reserved_tokens=100,
        ),
        CallFinished(
            call=n, iteration=n, text=f"answer {n}", prompt_tokens=10, completion_tokens=5, usd=0.001, seconds=0.4,
            first_token_seconds=0.1, finish_reason="stop",
        ),
        ToolCallStarted(iteration=n, number=n, tool="look", arguments='{"n": 1}'),
        ToolCallFinished(iteration=n, number=n, tool="look", result=f"result {n}", seconds=0.1),
        CandidateProposed(iteration=n, candidate_kind="code", text=f"def f(): return {n}", digest=f"digest {n}"),
        CandidateExecuted(
            iteration=n, observation=Observation(exit=Exit.OK if passed else Exit.RAISED, fault=fault, stdout="o"),
        ),
        ChecksEvaluated(iteration=n, verdicts=[verdict], seconds=0.01),
        IterationFinished(
            iteration=n, passed=int(passed), total=1, progress=float(passed), score=None, best=True, why=f"round {n}",
            phases=[["plan", 0.4]], usage={"usd": 0.001, "tokens": 15, "seconds": 0.5},
        ),
    ]  # fmt: skip


def events() -> list[Event]:
    budget = {"usd": 0.5, "tokens": None, "seconds": 60.0, "iterations": 8, "calls": None}
    price = {"prompt": 1e-6, "completion": 2e-6, "cached": None, "source": "option"}
    began = RunStarted(
        loop="released", goal="Make f.", source="assert f() == 2", fingerprint="same question", model="local",
        isolation="process", budget=budget, price=price, options={"seed": 1}, targets=["f"],
        checks=[{"name": "f() == 2", "hidden": False, "kind": "assert"}], version=__version__,
    )  # fmt: skip
    usage = {"usd": 0.002, "tokens": 30, "seconds": 1.0, "calls": 2}
    said = [RunSteered(iteration=1, action="hint", value="two"), NoteAdded(iteration=1, message="half is left")]
    ended = RunEnded(reason="verified", message="all checks passed", usage=usage, iterations=2, best=2)
    return [began, *a_round(1, passed=False), *said, *a_round(2, passed=True), ended]


def main() -> None:
    target = Path(__file__).with_name(f"{__version__}.duckdb.gz")
    if target.exists():
        raise SystemExit(f"{target.name} is there, and what was released does not change")
    with tempfile.TemporaryDirectory() as folder:
        history = History(Path(folder) / "history.duckdb")
        for seq, event in enumerate(events(), start=1):
            history.append(Record("20261124T000000-released", seq, START + timedelta(seconds=seq), event))
        history.close()
        small = Path(folder) / "small.duckdb"
        with duckdb.connect() as memory:  # without the free space of the file that was written to
            memory.execute(f"ATTACH '{folder}/history.duckdb' AS whole (READ_ONLY)")
            memory.execute(f"ATTACH '{small}' AS small ({FORMAT})")
            memory.execute("COPY FROM DATABASE whole TO small")
            memory.execute("DETACH small")
        target.write_bytes(gzip.compress(small.read_bytes(), mtime=0))


if __name__ == "__main__":
    main()
