"""A long attempt may be edited instead of written anew."""

from __future__ import annotations

LINES = 200
HELPERS = "".join(f"def step_{n}(value):\n    return value + {n}\n\n\n" for n in range(LINES // 4))
CELL = f'''
def total(value: int) -> int:
    """All {LINES // 4} steps, applied to value one after the other."""

assert total(0) == {sum(range(LINES // 4))}
'''
BODY = "def total(value):\n    for step in [{}]:\n        value = step(value)\n    return value\n"
STEPS = ", ".join(f"step_{n}" for n in range(LINES // 4))
WHOLE = f"```python\n{HELPERS}{BODY.format(STEPS)}```"
WRONG = WHOLE.replace("value = step(value)\n", "value = step(0)\n")


def edit(old, new):
    return f"<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE"


FITS = edit("        value = step(0)", "        value = step(value)")
MISFITS = edit("    value = steps(0)", "    value = steps(value)")
ALSO_MISFITS = edit("value = step(0)", "value = step(value)")


def test_an_edit_of_a_long_attempt_is_the_whole_code_and_saves_its_tokens(start):
    run = start(CELL, WRONG, FITS)
    assert run.wait(60).verified, run.termination

    assert "<<<<<<< SEARCH" in run.cycle.model.asked[1].messages[-1].content
    assert "<<<<<<< SEARCH" not in run.cycle.model.asked[0].messages[-1].content
    candidates = [row["candidate"] for row in run.history.rounds(run.id)]
    assert candidates[1] == candidates[0].replace("step(0)\n", "step(value)\n")
    written = [row[0] for row in run.history.sql("SELECT completion_tokens FROM calls ORDER BY call").fetchall()]
    assert 20 * written[1] < written[0]


def test_edits_that_do_not_fit_are_asked_for_again_and_then_as_a_whole(start, ear):
    run = start(CELL, WRONG, MISFITS, ALSO_MISFITS, WHOLE)
    assert run.wait(60).verified, run.termination

    assert (run.usage.iterations, run.usage.calls) == (2, 4)
    third, fourth = (prompt.messages[-1].content for prompt in run.cycle.model.asked[2:])
    assert "copy the old lines exactly:\n- the SEARCH text of edit 1 does not stand there: value = steps(0)" in third
    assert "<<<<<<< SEARCH" in third
    assert "answer with the whole code:\n- the SEARCH text" in fourth
    assert "<<<<<<< SEARCH" not in fourth
    became = [(each.before, each.after) for each in ear.of("request_adapted") if each.what == "answer"]
    assert became == [("edits", "asked again"), ("edits", "asked for whole")]
    parts = [row[0] for row in run.history.sql("SELECT name FROM call_parts WHERE call = 3").fetchall()]
    assert {"edits", "misfits"} <= set(parts)


def test_edits_after_two_that_did_not_fit_take_the_round(start):
    run = start(CELL, WRONG, MISFITS, MISFITS, MISFITS, WHOLE)
    assert run.wait(60).verified, run.termination
    assert (run.usage.iterations, run.usage.calls) == (3, 5)


def test_an_attempt_that_is_not_shown_whole_is_not_offered_for_edits(start):
    longer = WRONG.replace(
        "def step_0", "".join(f"def other_{n}(x):\n    return x\n\n\n" for n in range(400)) + "def step_0"
    )
    run = start(CELL, longer, WHOLE)
    assert run.wait(60).verified, run.termination
    assert "SEARCH" not in run.cycle.model.asked[1].messages[-1].content


def test_a_short_attempt_is_written_anew(start):
    cell = "def double(n: int) -> int:\n    'Twice n, please.'\n\nassert double(2) == 4\n"
    run = start(
        cell, "```python\ndef double(n):\n    return n + 1\n```", "```python\ndef double(n):\n    return 2 * n\n```"
    )
    assert run.wait(60).verified
    assert "SEARCH" not in run.cycle.model.asked[1].messages[-1].content
