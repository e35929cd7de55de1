import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jupyter_loops.core.candidate import Exit, Fault, Layer, Metric, Observation, Verdict
from jupyter_loops.core.events import (
    CallFinished,
    CallStarted,
    CandidateExecuted,
    CandidateProposed,
    ChecksEvaluated,
    IterationFinished,
    NoteAdded,
    Record,
    RunEnded,
    RunStarted,
    RunSteered,
    StateChanged,
)
from jupyter_loops.history import History


@pytest.fixture
def path(tmp_path):
    return tmp_path / "history.duckdb"


@pytest.fixture
def history(path):
    opened = History(path)
    yield opened
    opened.close()


@pytest.fixture
def started():
    """RunStarted with everything said, and what the test wants otherwise."""

    def make(**changes):
        fields = {
            "loop": "slug", "goal": "Make slugs.", "source": "assert slug('a') == 'a'", "fingerprint": "f1",
            "model": "local", "isolation": "process",
            "budget": {"usd": 0.5, "tokens": None, "seconds": 60.0, "iterations": 8, "calls": None},
            "price": {"prompt": 1e-6, "completion": 2e-6, "cached": None, "source": "option"}, "options": {"seed": 1},
            "targets": ["slug"], "checks": [{"name": "slug('a') == 'a'", "hidden": False, "kind": "assert"}],
            "kernel": "1@here", "version": "0.1",
        }  # fmt: skip
        return RunStarted(**(fields | changes))

    return make


@pytest.fixture
def a_round():
    """The events of one round."""

    def make(n, *, passed=False, text="def slug(t): ...", answer="the answer", score=None):
        verdict = Verdict(
            check="slug('a') == 'a'", layer=Layer.CHECKS, passed=passed, message="" if passed else "'b' != 'a'",
            values={"slug('a')": "'b'"}, metric=Metric(value=0.5, target=1.0), index=1, seconds=0.01,
        )  # fmt: skip
        fault = None if passed else Fault(type="ValueError", message="no")
        exit_ = Exit.OK if passed else Exit.RAISED
        return [
            StateChanged(iteration=n, source="decide", to="plan"),
            CallStarted(
                call=n, iteration=n, purpose="plan", model="local",
                messages=[{"role": "user", "content": "Make slugs."}],
                parts=[{"name": "goal", "tokens": 4, "dropped": 1}], sampling={"temperature": 0.2},
                reserved_usd=0.01, reserved_tokens=100,
            ),
            CallFinished(
                call=n, iteration=n, text=answer, prompt_tokens=10, completion_tokens=5, usd=0.001, seconds=0.4,
                first_token_seconds=0.1, finish_reason="stop", answered_by="local-135m",
            ),
            CandidateProposed(iteration=n, candidate_kind="code", text=text, digest=f"digest {n}"),
            StateChanged(iteration=n, source="plan", to="execute"),
            CandidateExecuted(
                iteration=n,
                observation=Observation(exit=exit_, fault=fault, stdout="out", seconds=0.02),
            ),
            StateChanged(iteration=n, source="execute", to="verify"),
            ChecksEvaluated(iteration=n, verdicts=[verdict], seconds=0.01),
            StateChanged(iteration=n, source="verify", to="decide"),
            IterationFinished(
                iteration=n, passed=int(passed), total=1, progress=float(passed), score=score, best=True,
                why="all passed" if passed else "'b' != 'a'", phases=[["plan", 0.4], ["verify", 0.01]],
                usage={"usd": 0.001, "tokens": 15, "seconds": 0.43},
            ),
        ]  # fmt: skip

    return make


@pytest.fixture
def a_run(started, a_round):
    """The records of a whole run that is verified in its last round."""

    def make(run="20261122T000000-aaaa", rounds=2, at=None, **changes):
        events = [started(**changes)]
        for n in range(1, rounds + 1):
            events += a_round(n, passed=n == rounds, text=f"def slug(t): return {n}", answer=f"answer {n}")
        events += [
            RunSteered(iteration=1, action="hint", value="try lower()"),
            NoteAdded(iteration=1, message="half is left"),
        ]
        usage = {"usd": 0.001 * rounds, "tokens": 15 * rounds, "seconds": 0.43 * rounds, "calls": rounds}
        events.append(
            RunEnded(reason="verified", message="all checks passed", usage=usage, iterations=rounds, best=rounds)
        )
        return [Record(run, seq, at or datetime.now(UTC), event) for seq, event in enumerate(events, start=1)]

    return make


@pytest.fixture
def start():
    """Starts processes, and ends those that are still there."""
    processes = []

    def begin(*arguments, env=None):
        process = subprocess.Popen(
            [sys.executable, *map(str, arguments)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
            env=env,
        )
        processes.append(process)
        return process

    yield begin
    for process in processes:
        process.kill()
        process.wait()


@pytest.fixture
def writer(start, path):
    """Starts a process that writes a run of so many rounds."""
    return lambda run, rounds, *more: start(Path(__file__).with_name("write_rounds.py"), path, run, rounds, *more)


@pytest.fixture
def holder(start, path):
    """Starts a process that opens the file as DuckDB users do, and holds it."""

    def begin(seconds, mode="False"):
        code = (
            "import duckdb, sys, time; c = duckdb.connect(sys.argv[1], read_only=sys.argv[3] == 'True');"
            "print('held', flush=True); time.sleep(float(sys.argv[2]))"
        )
        process = start("-c", code, path, seconds, mode)
        assert process.stdout.readline() == "held\n"
        return process

    return begin
