"""What the model is told of scores."""

import pytest

CELL = '''
def f(x: float) -> float:
    """A number below one, as large as possible."""

assert f(1.0) < 1
{}(f(1.0))
'''


def answers(*bodies):
    return [f"```python\ndef f(x):\n    {body}\n```" for body in bodies]


def prompts(run):
    return [prompt.messages[-1].content for prompt in run.cycle.model.asked]


def test_the_prompt_tells_the_scores_and_shows_the_best(start):
    bodies = answers("return 0.25", "return 0.5", "return (x", "return 0.75", "return 0.6", "return 0.7")
    run = start(CELL.format("maximize"), *bodies, iterations=6)
    assert "best is round 4 with score 0.75" in run.wait(30).message

    first, second, third, fourth, fifth, sixth = prompts(run)
    assert "core of" not in first
    assert "Scores of the attempts so far: 0.25. The best is 0.25." in second
    assert "Your last attempt, the best so far with score 0.25:" in second
    assert "What made it better" not in second
    assert "What made it better than the best before:\n\n```diff\n-    return 0.25\n+    return 0.5\n```" in third
    assert "so far: 0.25, 0.5, none. The best is 0.5." in fourth
    assert "The best attempt so far with score 0.5:" in fourth
    assert "Your last attempt, which has no score:" in fourth
    assert "The last attempt failed:\n- the code is valid Python" in fourth
    assert "Your last attempt, the best so far with score 0.75:" in fifth
    assert "These approaches failed:\n- the code is valid Python" in fifth
    assert "so far: 0.25, 0.5, none, 0.75, 0.6. The best is 0.75." in sixth
    assert "The best attempt so far with score 0.75:\n\n```python\ndef f(x):\n    return 0.75" in sixth
    assert "Your last attempt with score 0.6, worse than the best:" in sixth
    assert "What made it no better than the best:\n\n```diff\n-    return 0.75\n+    return 0.6\n```" in sixth
    assert not any("checks passed" in prompt for prompt in prompts(run))


def test_a_score_to_minimize_is_told_as_the_cell_states_it(start):
    run = start(CELL.format("minimize"), *answers("return 0.5", "return 0.25", "return 0.3"), iterations=3)
    assert "best is round 2 with score 0.25" in run.wait(30).message

    assert "so far: 0.5, 0.25. The best is 0.25." in prompts(run)[2]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("while True: pass", "it ran longer than the time limit"),
        ("return float('nan')", "f(1.0) < 1"),
        ("return '1'", "TypeError"),
    ],
    ids=["timed_out", "not_a_number", "text"],
)
def test_an_attempt_without_a_score_is_told_apart_from_a_bad_one(start, body, said):
    run = start(CELL.format("maximize"), *answers(body, "return 0.1", "return 0.2"), iterations=3, timeout=1.0)
    run.wait(30)

    _, second, third = prompts(run)
    assert "so far: none. The best is none yet." in second
    assert "Your last attempt, which has no score:" in second
    assert said in second
    assert "so far: none, 0.1. The best is 0.1." in third


def test_a_round_that_passed_says_its_score_beside_the_best(start):
    bodies = answers("return 0.5", "return (x", "return 0.25", "return 0.3")
    run = start(CELL.format("minimize"), *bodies, iterations=4)
    run.wait(30)

    rows = run.history.sql(
        "SELECT score, best, why FROM iterations WHERE run_id = $run ORDER BY iteration", {"run": run.id}
    )
    (first, second, third, fourth) = rows.fetchall()
    assert first == (0.5, True, "score 0.5")
    assert second[:2] == (None, False)
    assert second[2].startswith("the code is valid Python")
    assert third == (0.25, True, "score 0.5 → 0.25")
    assert fourth == (0.3, False, "score 0.3, best 0.25")
