"""Items of the checklist that are about what is on record: persistence, telemetry, proof, projection."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from typing import Any

from jupyter_loops.assemble import Options, dry_run, resume
from jupyter_loops.history import History
from jupyter_loops.language import parse
from jupyter_loops.planning.models.replay import ReplayModel

from .practice import CELL, RIGHT, Practice, PracticeError, require, wrong

_PATIENCE = 30.0  # seconds for the resumed run
_SLOWEST = 1.0  # seconds of a round that does next to nothing
_CHILD = """
import sys, time
from jupyter_loops import Loop
cell, model, history, sandbox = sys.argv[1:]
run = Loop.from_cell(cell, "survivor").run(model=model, history=history, sandbox=sandbox, fresh=True)
while not run.usage.iterations and not run.future.done():
    time.sleep(0.01)
print(run.usage.iterations, flush=True)
run.wait()
"""
_LIAR = """```python
class Equal(int):
    def __eq__(self, other):
        return True
    __hash__ = int.__hash__
def double(n):
    return Equal(0)
```"""
_MEMORISED = "```python\ndef double(n):\n    return {2: 4, 5: 10}.get(n)\n```"


def persistence(practice: Practice) -> str:
    """A kernel is killed in the middle of a call; another one goes on, and buys no answer twice."""
    script = practice.folder / "script.json"
    script.write_text(json.dumps({"answers": [wrong(1), RIGHT, RIGHT], "delay": 1.0}), encoding="utf-8")
    words = [sys.executable, "-c", _CHILD, CELL, f"script:{script}", str(practice.path), practice.sandbox]
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as child:  # noqa: S603 - this very Python
        assert child.stdout is not None
        rounds = child.stdout.readline().strip()
        child.kill()
    if rounds != "1":
        raise PracticeError(
            f"a run in another process had {rounds or 'no'} rounds when it was killed, and had to have one"
        )
    run = resume("survivor", history=str(practice.path))
    end = run.wait(_PATIENCE)
    bought = practice.rows(
        "SELECT iteration FROM calls WHERE run_id = $run AND error IS NULL AND ended_at IS NOT NULL", run
    )
    first = sum(iteration == 1 for (iteration,) in bought)
    observed = f"killed in its second call; resumed to {end.reason}; the answer of round 1 was bought {first} time"
    return require(end.verified and first == 1, observed)


class _Recorded(logging.Handler):
    """Keeps records."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


def telemetry(practice: Practice) -> str:
    """A run leaves log records that name it, and rows for its calls, rounds and verdicts."""
    logger, heard = logging.getLogger("jupyter_loops"), _Recorded()
    level = logger.level
    logger.addHandler(heard)
    logger.setLevel(logging.INFO)
    try:
        run = practice.run(wrong(1), RIGHT)
    finally:
        logger.removeHandler(heard)
        logger.setLevel(level)
    named = [record for record in heard.records if getattr(record, "run_id", None) == run.id]
    tables = ("calls", "iterations", "actions", "verdicts", "events")
    counts = {name: practice.rows(f"SELECT count(*) FROM {name} WHERE run_id = $run", run)[0][0] for name in tables}  # noqa: S608 - names of ours
    rows = ", ".join(f"{count} {name}" for name, count in counts.items())
    return require(bool(named) and all(counts.values()), f"{len(named)} log records with the run's id; {rows}")


def verification(practice: Practice) -> str:
    """Neither an object that equals everything nor the memorised visible checks are verified."""
    run = practice.run(_LIAR, _MEMORISED, iterations=2)
    seen = practice.rows("SELECT passed, total FROM iterations WHERE run_id = $run ORDER BY iteration", run)
    ends = run.termination and run.termination.reason
    counts = ", ".join(f"{passed} of {total}" for passed, total in seen)
    observed = f"a lying object and a memorised exam passed {counts} checks, and the run ended with {ends}"
    return require(ends == "iterations" and [passed for passed, _ in seen] == [0, 2], observed)


def context(practice: Practice) -> str:
    """A prompt that would not fit is cut, by parts, to the model's window."""
    window = 1500  # tokens
    long = wrong(1).replace(
        "return", "\n".join(f"x{n} = {n}" for n in range(2000)).replace("\n", "\n    ") + "\n    return"
    )
    run = practice.run(model=ReplayModel([long, wrong(2), RIGHT], window=window), max_tokens=200)
    calls = practice.rows("SELECT prompt_tokens, parts FROM calls WHERE run_id = $run ORDER BY call", run)
    sizes = [tokens for tokens, _ in calls]
    dropped = sum(part.get("dropped", 0) for _, parts in calls for part in parts)
    observed = f"prompts of {', '.join(map(str, sizes))} tokens in a window of {window}; {dropped} tokens left out"
    return require(max(sizes) <= window and dropped > 0, observed)


def audit(practice: Practice) -> str:
    """One edited event is found, and named."""
    import duckdb

    run = practice.run(RIGHT)
    whole = practice.history.verify(run.id)
    practice.history.close()
    with duckdb.connect(str(practice.path)) as outside:
        outside.execute(
            "UPDATE events SET body = replace(body, 'double', 'triple') WHERE run_id = ? AND seq = 1", [run.id]
        )
    with_edit = History(practice.path)
    findings = with_edit.verify(run.id)
    with_edit.close()
    named = next((f"event {finding.seq}: {finding.what}" for finding in findings), "nothing")
    return require(not whole and bool(findings), f"before the edit {len(whole)} findings, after it {named}")


def benchmark(practice: Practice) -> str:
    """Rounds of a model that answers at once: what the loop itself takes."""
    run = practice.run(*map(wrong, range(10)), iterations=10, patience=None)
    seconds = practice.rows("SELECT median(seconds) FROM iterations WHERE run_id = $run", run)[0][0]
    return require(
        seconds < _SLOWEST, f"a durable round takes {seconds * 1000:.0f} ms, median of {run.usage.iterations}"
    )


def projection(practice: Practice) -> str:
    """What a dry run says that a run costs at most is not exceeded by the run."""
    script, answers = practice.folder / "projected.json", [wrong(1), wrong(2), RIGHT]
    script.write_text(json.dumps(answers), encoding="utf-8")
    most = 0.5  # US dollars
    words: dict[str, Any] = {"price": "3,15", "usd": most, "iterations": 3, "max_tokens": 500}
    options = Options(model=f"script:{script}", history=str(practice.path), **words)
    preview = dry_run(parse(CELL, "projected"), options)
    run = practice.run(model=ReplayModel(answers, price=options.prices.alone), **words)
    if preview.projected is None:
        raise PracticeError("a model with a price has no projection")
    low, high = preview.projected
    observed = f"projected ${low:.4f} to ${high:.4f} for three rounds; they cost ${run.usage.usd:.4f}"
    return require(0 < low <= run.usage.usd <= high <= most, observed)
