"""A round is not spent on a candidate that was tried before: the model is asked again at once, differently."""

from __future__ import annotations

import itertools

from jupyter_loops.planning.models.replay import ReplayModel

CELL = '''
def double(n: int) -> int:
    """Twice n."""

assert double(2) == 4
assert double(5) == 10
'''
WRONG = "```python\ndef double(n):\n    return n + 2\n```"
SAME = "```python\ndef double(number):\n    # in other words\n    return number + 2\n```"
RIGHT = "```python\ndef double(n):\n    return 2 * n\n```"


class Varying(ReplayModel):
    """A script of a model that could answer otherwise."""

    def varies(self):
        return True


def run(start, answers, **options):
    model = Varying(answers)
    handle = start(CELL, model=model, **options)
    handle.wait(60)
    return handle, model


def test_an_equal_answer_costs_its_tokens_and_no_round(start):
    handle, model = run(start, [WRONG, SAME, RIGHT])

    assert handle.termination.reason == "verified"
    assert handle.usage.iterations == 2
    assert handle.usage.calls == 3
    assert handle.history.sql("SELECT count(*) FROM iterations").fetchall() == [(2,)]
    told = model.asked[2].messages[-1].content
    assert "the same as an earlier one that failed" in told
    assert "n + 2" not in told  # shown its attempt, it would repeat it


def test_it_is_asked_warmer_and_with_another_seed(start, ear):
    run(start, [WRONG, SAME, SAME, RIGHT], seed=5)

    asked = [(call.sampling["temperature"], call.sampling["seed"]) for call in ear.of("call_started")]
    (_, second, third, fourth) = asked
    assert second[0] < third[0] < fourth[0]
    assert len({seed for _, seed in asked}) == 4
    assert [each.before for each in ear.of("request_adapted") if each.what == "answer"] == [
        "the candidate of round 1"
    ] * 2


def test_who_always_repeats_itself_is_tried_as_it_is(start):
    handle, _ = run(start, itertools.repeat(WRONG), iterations=3, patience=None)

    assert handle.termination.reason in {"iterations", "stuck", "plateau"}
    assert handle.usage.calls == 1 + 3 * (handle.usage.iterations - 1)


def test_an_unreadable_second_answer_leaves_the_first(start):
    handle, _ = run(start, [WRONG, SAME, "I do not know.", RIGHT], iterations=3)

    assert handle.termination.reason == "verified"
    assert handle.usage.iterations == 3


def test_a_model_that_cannot_vary_is_not_asked_again(start):
    model = ReplayModel([WRONG, SAME, RIGHT])
    handle = start(CELL, model=model)
    handle.wait(60)

    assert handle.usage.iterations == 3


def test_no_more_is_asked_than_the_budget_has(start):
    handle, _ = run(start, [WRONG, SAME, RIGHT], calls=2)

    assert handle.usage.calls == 2
    assert handle.termination.reason == "budget_calls"
    assert handle.usage.iterations == 2
