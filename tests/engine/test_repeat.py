"""A result that counts has passed more than once, each time in a fresh child."""

from __future__ import annotations

import pytest

from jupyter_loops.errors import OptionError

CELL = '''
def double(n: int) -> int:
    """Twice n."""

assert double(2) == 4
'''
# counts the children that asked it, in a file: the third one gets a wrong answer
FLAKY = """```python
import os
def double(n):
    with open({path!r}, "a") as file:
        file.write("x")
    return 0 if os.path.getsize({path!r}) >= 3 else n + n
```"""


def test_once_more_is_the_default_and_more_can_be_asked_for(start, ear, tmp_path):
    passing = start(CELL, FLAKY.format(path=str(tmp_path / "a")), iterations=1)
    assert passing.wait(30).reason == "verified"

    failing = start(CELL + "# again", FLAKY.format(path=str(tmp_path / "b")), iterations=1, repeat=3, fresh=True)
    assert failing.wait(30).reason == "iterations"
    assert not failing.accepted
    assert (
        "flaky: double(2) == 4 passed, then failed in a fresh child (re-run 2 of 3)"
        in ear.of("iteration_finished")[-1].why
    )


def test_a_flaky_check_is_called_so_in_sql(start, tmp_path):
    run = start(CELL, FLAKY.format(path=str(tmp_path / "c")), iterations=1, repeat=2)
    run.wait(30)

    [(message,)] = run.history.sql(
        "SELECT message FROM verdicts WHERE run_id = $run AND layer = 'checks'", {"run": run.id}
    )
    assert message.startswith("flaky: it passed before; double(2) gave 0, expected 4")


TELLING = """```python
import os
def double(n):
    seen = open({path!r}).read() if os.path.exists({path!r}) else ""
    if "321" in seen and n == 2:
        raise RuntimeError("SAW " + seen)
    open({path!r}, "a").write(f"{{n}},")
    return n + n
```"""


def test_a_second_pass_does_not_tell_what_the_first_has_heard(start, tmp_path):
    hidden = "with hidden:\n    assert double(321) == 642\n"
    run = start(CELL + hidden, TELLING.format(path=str(tmp_path / "d")), iterations=1)
    run.wait(30)

    [(why, feedback)] = run.history.sql("SELECT why, feedback FROM iterations WHERE run_id = $run", {"run": run.id})
    [(message,)] = run.history.sql(
        "SELECT message FROM verdicts WHERE run_id = $run AND layer = 'checks'", {"run": run.id}
    )
    assert message == "flaky: it passed before"
    assert "double(2) == 4 passed, then failed in a fresh child" in why
    assert "double(2) == 4" in str(feedback)
    assert "321" not in why + str(feedback)
    assert "SAW" not in why + str(feedback)


def test_a_good_candidate_passes_as_often_as_asked(start, ear):
    run = start(CELL, "```python\ndef double(n):\n    return n + n\n```", repeat=4)

    assert run.wait(30).reason == "verified"


def test_zero_is_no_number_of_passes(start):
    with pytest.raises(OptionError, match="--repeat must be more than 0"):
        start(CELL, repeat=0)


def test_what_the_model_is_told_and_what_a_person_reads_are_both_in_sql(start):
    hidden = "with hidden:\n    assert double(77) == 154\n"
    run = start(CELL + hidden, "```python\ndef double(n):\n    return 4\n```", iterations=1)
    run.wait(30)

    [(why, feedback)] = run.history.sql("SELECT why, feedback FROM iterations WHERE run_id = $run", {"run": run.id})
    assert why == "1 of 1 hidden checks failed"
    assert feedback == ["1 of 1 hidden checks failed; what you see passes, so solve the general case"]
    [(message,)] = run.history.sql("SELECT message FROM verdicts WHERE run_id = $run AND hidden", {"run": run.id})
    assert "double(77) gave 4" in message
