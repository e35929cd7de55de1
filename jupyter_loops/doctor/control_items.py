"""Items of the checklist that are about control: money, faults, running away."""

from __future__ import annotations

import itertools

from jupyter_loops.errors import ErrorClass, ModelError
from jupyter_loops.planning.models.replay import ReplayModel

from .practice import PRICE, RIGHT, Practice, require, wrong

_LIMIT = 0.01  # US dollars: room for about two calls at the doctor's price
_WAITS = "SELECT started_at, ended_at FROM calls WHERE run_id = $run ORDER BY call"


def budget(practice: Practice) -> str:
    """A model that is always wrong meets a limit in dollars."""
    run = practice.run(*map(wrong, range(9)), usd=_LIMIT, max_tokens=100)
    spent, reason = run.usage.usd, run.termination and run.termination.reason
    observed = f"ended with {reason} at ${spent:.4f} of ${_LIMIT:.4f} after {run.usage.calls} calls"
    return require(reason == "budget_usd" and 0 < spent <= _LIMIT, observed)


def breaker(practice: Practice) -> str:
    """A key that is refused three times is not tried a fourth time."""
    refused = ReplayModel([ModelError("the key is refused", ErrorClass.AUTH)] * 9, price=PRICE, name="refused")
    runs = [practice.run(model=refused) for _ in range(4)]
    reasons = [str(run.termination and run.termination.reason) for run in runs]
    observed = f"four runs ended with {', '.join(reasons)}; the model was asked {len(refused.asked)} times"
    return require(reasons == ["error"] * 3 + ["breaker_open"] and len(refused.asked) == 3, observed)  # noqa: PLR2004  # its threshold


def limit_of_each_loop(practice: Practice) -> str:
    """Two loops with different limits stop each at its own, and the history agrees with the ledgers."""
    limits = (_LIMIT, 2 * _LIMIT)
    runs = [practice.run(*map(wrong, range(20)), usd=limit, max_tokens=100, iterations=20) for limit in limits]
    spent = [practice.rows("SELECT usd FROM runs WHERE run_id = $run", run)[0][0] for run in runs]
    observed = "; ".join(f"${usd:.4f} of ${limit:.4f}" for usd, limit in zip(spent, limits, strict=True))
    same = all(abs(usd - run.usage.usd) < 1e-9 for usd, run in zip(spent, runs, strict=True))  # noqa: PLR2004  # dollars
    within = all(0 < usd <= limit for usd, limit in zip(spent, limits, strict=True))
    return require(same and within and spent[0] < spent[1], observed)


def recovery(practice: Practice) -> str:
    """What may pass is tried again; what cannot pass is not."""
    busy = practice.run(ModelError("busy", ErrorClass.TRANSIENT), RIGHT)
    refused = practice.run(ModelError("no", ErrorClass.BAD_REQUEST), RIGHT)
    first, second = (str(run.termination and run.termination.reason) for run in (busy, refused))
    observed = (
        f"transient: {first} after {busy.usage.calls} calls; bad_request: {second} after {refused.usage.calls} call"
    )
    return require((first, second) == ("verified", "error") and refused.usage.calls == 1, observed)


def backoff(practice: Practice) -> str:
    """Waits between tries are bounded, and at least what the provider asks for."""
    asked = 0.3  # seconds of Retry-After
    busy, slow = ErrorClass.TRANSIENT, ErrorClass.RATE_LIMITED
    run = practice.run(ModelError("busy", busy), ModelError("slow down", slow, retry_after=asked), RIGHT)
    times = practice.rows(_WAITS, run)
    waits = [(after[0] - before[1]).total_seconds() for before, after in itertools.pairwise(times)]
    observed = f"waited {', '.join(f'{wait:.2f} s' for wait in waits)}; Retry-After asked for {asked} s before the last"
    verified = run.termination is not None and run.termination.verified
    bounded = len(waits) == 2 and waits[0] <= 2 and asked <= waits[1] <= asked + 2.5  # noqa: PLR2004  # base and slack
    return require(verified and bounded, observed)


def degradation(practice: Practice) -> str:
    """A model that is away is replaced; a run that is out of rounds still has its best candidate."""
    spare = ReplayModel([RIGHT], price=PRICE, name="spare")
    run = practice.run(ModelError("the key is refused", ErrorClass.AUTH), fallbacks=[spare])
    half = practice.run("```python\ndef double(n: int) -> int:\n    return n + 2\n```", iterations=1)
    answered = practice.rows("SELECT model FROM calls WHERE run_id = $run AND error IS NULL", run)
    reason = run.termination and run.termination.reason
    kept = half.best is not None and bool(half.source)
    names = ", ".join(name for (name,) in answered)
    observed = (
        f"{reason}, answered by {names} in call {run.usage.calls}; best candidate kept: {'yes' if kept else 'no'}"
    )
    return require(reason == "verified" and answered == [("spare",)] and kept, observed)


def runaway(practice: Practice) -> str:
    """A model that says the same for ever is ended long before its rounds are."""
    run = practice.run(*[wrong(1)] * 30, iterations=30)
    reason, rounds = str(run.termination and run.termination.reason), run.usage.iterations
    observed = f"the same answer thirty times: ended with {reason} after {rounds} of 30 rounds"
    return require(reason in {"repetition", "oscillation", "plateau"} and rounds < 30, observed)  # noqa: PLR2004  # of this run
