"""The text of --until is parsed, never run."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_loops.core.stop_conditions import Calls, Iterations, Plateau, Score, Time, Tokens, Usd, Verified
from jupyter_loops.language import read_until


def test_reads_conditions_with_the_precedence_of_python():
    assert read_until("Verified() | Iterations(20) | Usd(0.5) & Plateau(3)") == (
        Verified() | Iterations(20) | Usd(0.5) & Plateau(3)
    )
    assert read_until("(Verified() | Usd(1)) & Plateau(3)") == (Verified() | Usd(1)) & Plateau(3)
    assert read_until('Time("5m") | Time(90) | Calls(7) | Tokens(50_000) | Score(-0.5)') == (
        Time(300.0) | Time(90) | Calls(7) | Tokens(50_000) | Score(-0.5)
    )


whole = st.integers(1, 10**9)
number = st.floats(1e-9, 1e9)
atoms = st.one_of(
    st.just(Verified()),
    st.builds(Iterations, whole),
    st.builds(Plateau, whole),
    st.builds(Calls, whole),
    st.builds(Tokens, whole),
    st.builds(Usd, number),
    st.builds(Time, number),
    st.builds(Score, st.floats(-1e9, 1e9)),
)


@given(atoms, st.lists(st.tuples(st.booleans(), atoms), max_size=6))
def test_what_is_written_reads_back_as_the_same_condition(first, rest):
    until = first
    for is_or, atom in rest:
        until = until | atom if is_or else until & atom

    assert str(read_until(str(until))) == str(until)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "conditions such as"),
        ("Verified", "write Verified()"),
        ("verified()", "there is no verified, did you mean Verified?"),
        ("Iteration(3)", "did you mean Iterations?"),
        ("Nonsense(3)", "there is no Nonsense"),
        ("Verified() or Usd(1)", "| instead of `or`"),
        ("Verified() and Usd(1)", "& instead of `and`"),
        ("Verified(3)", "Verified() without a value"),
        ("Usd()", "one number above 0 in Usd"),
        ("Usd(0)", "one number above 0 in Usd"),
        ("Usd(-1)", "one number above 0 in Usd"),
        ("Usd(1, 2)", "one number above 0 in Usd"),
        ("Usd(True)", "one number above 0 in Usd"),
        ("Usd('1')", "one number above 0 in Usd"),
        ("Iterations(2.5)", "one number above 0 in Iterations"),
        (f"Iterations({'9' * 300})", "one number above 0 in Iterations"),
        ("Time('soon')", 'such as Time(300 or "5m")'),
        ("Usd(most=1)", "conditions such as"),
        ("Usd(open('/etc/passwd'))", "one number above 0 in Usd"),
        ("__import__('os').system('true')", "conditions such as"),
        ("[Usd(1) for _ in range(3)]", "conditions such as"),
        ("Usd(1) + Usd(2)", "conditions such as"),
        ("Usd(1) |", "conditions such as"),
        ("(" * 200 + "Usd(1)" + ")" * 200, "conditions such as"),
        ("Usd(1) | " * 80 + "Usd(1)", "in 500 characters at most"),
        ("Usd(1)\x00", "conditions such as"),
    ],
)
def test_anything_else_is_refused_in_one_line(text, said):
    with pytest.raises(ValueError, match=r".") as caught:
        read_until(text)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
