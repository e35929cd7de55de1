"""A price reaches every model of a run."""

import pytest

from jupyter_loops.assemble import Adapters, Options, launch
from jupyter_loops.core.budget import Price
from jupyter_loops.errors import PreflightError
from jupyter_loops.history import open_history
from jupyter_loops.language import parse
from tests.endpoint import Manners

CELL = '''def double(n: int) -> int:
    """Twice n."""

assert double(2) == 4
assert judge(double(3), "Is it six?") >= 0.5
'''
CODE = ("```python\n", "def double(n):\n    return 2 * n\n", "```")
GRADE = ('{"reason": "it is", ', '"score": 1}')


def models(endpoint, **options):
    base = f"{endpoint.base}/main"
    chosen = Options(
        model="mine", api_base=base, judge_model="grader", judge_api_base=f"{endpoint.base}/judge", **options
    )
    adapters = Adapters.of(chosen)
    return chosen, {
        model.name: model for model in (adapters.model, *adapters.fallbacks, *adapters.escalation, adapters.judge)
    }


def test_one_price_is_for_all_and_a_named_one_for_its_model(endpoint):
    options = {"fallback": ("spare",), "escalate": ("dear",)}
    _, alone = models(endpoint, price="3,15", **options)
    _, named = models(endpoint, price="3,15;dear=6,30;grader=1,2", **options)

    assert {name: model.price().completion * 1e6 for name, model in alone.items()} == dict.fromkeys(alone, 15)
    assert {name: round(model.price().completion * 1e6, 6) for name, model in named.items()} == {
        "mine": 15,
        "spare": 15,
        "dear": 30,
        "grader": 2,
    }


def test_a_listed_model_keeps_its_list_price_unless_it_is_named(endpoint, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "k" * 20)
    spare = {"fallback": ("gpt-4o-mini",)}
    for price, listed in (("30,150", True), ("30,150;gpt-4o-mini=7,8", False)):
        chosen = Options(model="hosted_vllm/mine", api_base=None, price=price, **spare)
        [other] = Adapters.of(chosen).fallbacks
        other._resolve()
        assert (other.price().source == "litellm") is listed


def test_a_judge_on_a_server_of_its_own_runs_on_dollars_alone(endpoint, tmp_path):
    endpoint.scripts["main"].append(Manners(words=CODE))
    endpoint.scripts["judge"].append(Manners(words=GRADE))
    chosen, _ = models(endpoint, price="mine=3,15;grader=1,2", history=str(tmp_path / "h.duckdb"), sandbox="process")
    run = launch(parse(CELL, "task"), chosen, {})

    assert run.wait(30).reason == "verified", run.termination.message
    spent = {call["model"]: call["price"] for call in run.history.records(run.id) if call["kind"] == "call_started"}
    assert {name: round(price["completion"] * 1e6, 6) for name, price in spent.items()} == {"mine": 15, "grader": 2}


def test_a_correction_of_the_history_is_what_the_next_run_is_charged(endpoint, tmp_path):
    history = open_history(str(tmp_path / "h.duckdb"))
    history.correct_price("mine", Price.per_million("5,25"))
    endpoint.scripts["main"].extend([Manners(words=CODE)] * 2)
    options = Options(
        model="mine",
        api_base=f"{endpoint.base}/main",
        history=str(tmp_path / "h.duckdb"),
        sandbox="process",
        fresh=True,
    )
    cell = CELL.partition("assert judge")[0]
    run = launch(parse(cell, "task"), options, {})
    assert run.wait(30).reason == "verified", run.termination.message
    told = [note["message"] for note in run.history.records(run.id) if note["kind"] == "note_added"]

    assert told == ["mine is charged at $5 in and $25 out for a million tokens (correction)"]
    history.correct_price("mine", None)
    unknown = launch(parse(cell, "task"), options, {})
    with pytest.raises(PreflightError, match="the price of mine is not known"):
        unknown.wait(30)
