"""Answers that edit an earlier attempt."""

import pytest

from jupyter_loops.errors import EditError
from jupyter_loops.planning.answer.edits import edited

LAST = "import re\n\n\ndef f(x):\n    y = x\n    return y\n\n\ndef g(x):\n    return x\n"


def edit(searched, replacement):
    return f"<<<<<<< SEARCH\n{searched}=======\n{replacement}>>>>>>> REPLACE\n"


def test_an_answer_without_edits_is_none():
    assert edited("```python\nx = 1 << 3\n```", [LAST]) is None


def test_edits_change_what_they_name_and_nothing_else():
    answer = (
        "Two changes:\n```\n"
        + edit("    y = x\n", "    y = x + 1\n    y *= 2\n")
        + "```\nand\n"
        + edit("def g(x):\n    return x\n", "")
    )
    assert edited(answer, [LAST]) == "import re\n\n\ndef f(x):\n    y = x + 1\n    y *= 2\n    return y\n\n\n"


def test_the_first_and_the_last_line_can_be_edited():
    answer = edit("import re\n", "import os\n") + edit("    return x\n", "    return -x\n")
    text = edited(answer, [LAST])
    assert text.startswith("import os\n")
    assert text.endswith("    return -x\n")


def test_the_best_attempt_is_edited_where_the_edits_do_not_fit_the_last():
    assert edited(edit("a = 1\n", "a = 2\n"), [LAST, "a = 1\n"]) == "a = 2\n"


def test_windows_line_ends_fit():
    assert edited(edit("    y = x\n", "    y = 2\n").replace("\n", "\r\n"), [LAST]).count("y = 2\n") == 1


@pytest.mark.parametrize(
    ("answer", "attempts", "message"),
    [
        (edit("    z = x\n", ""), [LAST], "the SEARCH text of edit 1 does not stand there: z = x"),
        (edit("    return", "    pass"), [LAST], "not whole"),
        (edit("x\n", "y\n"), [LAST], "the SEARCH text of edit 1 does not stand there"),
        (edit("", "y = 1\n"), [LAST], "it is empty"),
        (edit("a\n", "b\n"), ["a\na\n"], "stands there 2 times"),
        (edit("a\n", "b\n"), [], "there is no attempt to edit yet"),
        ("<<<<<<< SEARCH\na\n", ["a\n"], "not whole"),
    ],
    ids=["unknown", "no_line_end", "part_of_a_line", "empty", "twice", "nothing_to_edit", "unfinished"],
)
def test_edits_that_do_not_fit_are_refused(answer, attempts, message):
    with pytest.raises(EditError, match=message):
        edited(answer, attempts)


def test_thoughts_are_no_edits():
    assert (
        edited(f"<think>\n{edit('a', 'b')}</think>\n" + edit("    y = x\n", "    y = 3\n"), [LAST]).count("y = 3") == 1
    )


def test_many_markers_take_no_time():
    with pytest.raises(EditError, match="not whole"):
        edited("<<<<<<< SEARCH\n" * 200_000, [LAST])
    with pytest.raises(EditError, match="at most 200"):
        edited(edit("a\n", "b\n") * 20_000, [LAST])
