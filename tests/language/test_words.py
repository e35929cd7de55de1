import pytest

from jupyter_loops.errors import LoopError
from jupyter_loops.language import words


@pytest.mark.parametrize(
    "use",
    [
        words.hidden.__enter__,
        lambda: words.judge("a", "b"),
        lambda: words.approve("a"),
        lambda: words.maximize(1),
        lambda: words.minimize(1),
    ],
)
def test_a_word_outside_a_loop_cell_says_where_it_belongs(use):
    with pytest.raises(LoopError, match="only in a %%loop cell"):
        use()


def test_tool_marks_a_function_and_leaves_it_usable():
    @words.tool
    def look(key):
        return key * 2

    assert look("a") == "aa"
    assert look.__jupyter_loops_tool__


def test_every_word_is_importable():
    assert all(hasattr(words, word) for word in words.WORDS)
