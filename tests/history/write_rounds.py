"""A process that writes runs into a history until it is done or killed. Not a test: tests start it.

    write_rounds.py PATH RUN ROUNDS [hold]

Prints the number of each event once it is appended; with `hold`, it then waits to be killed.
"""

import sys
import time
from datetime import UTC, datetime

from jupyter_loops.core.events import (
    CallFinished,
    CallStarted,
    CandidateProposed,
    IterationFinished,
    Record,
    RunEnded,
    RunStarted,
    StateChanged,
)
from jupyter_loops.history import History


def events(rounds):
    yield RunStarted(
        loop="kill", goal="g", source="cell", fingerprint="f", model="m", isolation="process", budget={}, price=None,
        options={}, targets=["x"], checks=[],
    )  # fmt: skip
    for n in range(1, rounds + 1):
        yield StateChanged(iteration=n, source="decide", to="plan")
        yield CallStarted(
            call=n, iteration=n, purpose="plan", model="m", messages=[{"role": "user", "content": f"prompt {n} " * 50}],
            parts=[], sampling={}, reserved_usd=0.0, reserved_tokens=9,
        )  # fmt: skip
        yield CallFinished(call=n, iteration=n, text=f"answer {n} " * 50, prompt_tokens=1, completion_tokens=1, usd=0.5)
        yield CandidateProposed(iteration=n, candidate_kind="code", text=f"x = {n}", digest=str(n))
        yield IterationFinished(
            iteration=n, passed=0, total=1, progress=0.5, score=None, best=True, why="no", phases=[["plan", 0.1]],
            usage={"usd": 0.5, "tokens": 2, "seconds": 0.1},
        )  # fmt: skip
    usage = {"usd": rounds / 2, "tokens": 2 * rounds, "seconds": 1.0, "calls": rounds}
    yield RunEnded(reason="iterations", message="enough", usage=usage, iterations=rounds, best=rounds)


def main():
    path, run, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
    history = History(path)
    for seq, event in enumerate(events(rounds), start=1):
        history.append(Record(run, seq, datetime.now(UTC), event))
        sys.stdout.write(f"{seq}\n")
        sys.stdout.flush()
        if seq % 25 == 0:
            history.flush()  # so that kills also meet commits and checkpoints
    if sys.argv[4:] == ["hold"]:
        time.sleep(600)
    history.close()


if __name__ == "__main__":
    main()
