import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_loops.core.ports import Round
from jupyter_loops.core.termination import StopReason
from jupyter_loops.verification.stuck import stuck


def rounds(letters, progress=None, scores=None):
    values = progress or [0.0] * len(letters)
    return [
        Round(
            iteration=n + 1,
            digest=letter if letter != "-" else "",
            outcome=f"outcome of {letter}",
            progress=values[n],
            score=scores[n] if scores else None,
        )
        for n, letter in enumerate(letters)
    ]


@pytest.mark.parametrize(
    ("letters", "reason"),
    [
        ("aaaaa", None),
        ("aaaaaa", StopReason.REPETITION),
        ("baaaaaa", StopReason.REPETITION),
        ("aaba", None),
        ("abab", StopReason.OSCILLATION),
        ("xabab", StopReason.OSCILLATION),
        ("abcabc", StopReason.OSCILLATION),
        ("abcdabcd", StopReason.OSCILLATION),
        ("abcdeabcde", None),
        ("abba", None),
        ("------", StopReason.REPETITION),
        ("", None),
    ],
)
def test_a_run_that_goes_in_circles_is_found(letters, reason):
    end = stuck(rounds(letters), patience=None)
    assert (end.reason if end else None) is reason


def test_the_same_proposal_with_another_result_is_no_repetition():
    turns = [Round(iteration=n, digest="a", outcome=str(n), progress=0.0) for n in range(6)]
    assert stuck(turns, None) is None


def test_answers_without_a_candidate_are_called_that():
    assert stuck(rounds("------"), None).message.startswith("the last 6 answers held no candidate")


def test_a_plateau_needs_patience_rounds_without_a_better_one():
    turns = rounds("abcdefg", progress=[0.1, 0.5, 0.5, 0.4, 0.5, 0.2, 0.1])
    assert stuck(turns[:4], patience=3) is None
    end = stuck(turns[:5], patience=3)
    assert end.reason is StopReason.PLATEAU
    assert end.message == "no better in 3 rounds: round 2 had progress 50%"
    assert stuck(turns, patience=None) is None


def test_a_better_score_at_the_same_progress_is_no_plateau():
    turns = rounds("abcd", progress=[1.0] * 4, scores=[1.0, 2.0, 3.0, 4.0])
    assert stuck(turns, patience=2) is None
    flat = rounds("abcd", progress=[1.0] * 4, scores=[-1.0, -2.0, -3.0, -4.0])
    assert "score 1" in stuck(flat, patience=2).message


@given(st.lists(st.floats(0, 1), max_size=30, unique=True), st.integers(1, 10))
def test_ever_rising_progress_is_never_stuck(values, patience):
    values = sorted(values)
    turns = [Round(iteration=n, digest=str(n), outcome=str(n), progress=value) for n, value in enumerate(values)]
    assert stuck(turns, patience) is None
