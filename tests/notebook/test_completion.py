import pytest
from IPython.core.completer import provisionalcompleter

from jupyter_loops.notebook.completion import candidates


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("%%loop slug --it", ["--iterations"]),
        ("%%loop slug --t", ["--temperature", "--time", "--timeout", "--tokens"]),
        ("%loops sto", ["stop"]),
        ("%loops chart co", ["cost"]),
        ("%loops model ", ["fetch"]),
        ("%loop_sql --l", ["--limit"]),
        ("%%loop", []),
        ("x = foo(--i", []),
    ],
)
def test_what_fits_at_the_end_of_a_line(text, found):
    assert candidates(text) == found


def test_the_shell_offers_it(shell):
    line = "%%loop slug --iter"
    with provisionalcompleter():
        assert "--iterations" in [found.text for found in shell.Completer.completions(line, len(line))]


def test_run_names_are_offered(shell, cell, right):
    shell.run_cell(cell(right))
    assert "twice" in candidates("%loops show tw")
