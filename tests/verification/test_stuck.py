from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded import counted, judged, runs
from traces import PATIENCE, Trace, a_round, ended, traces

from jupyter_loops.core.candidate import Candidate, CandidateKind
from jupyter_loops.core.ports import IterationSummary
from jupyter_loops.core.termination import StopReason
from jupyter_loops.verification.stuck import LAST, LONGEST_PERIOD, REPEATS, Detectors
from jupyter_loops.verification.verifier import LayeredVerifier


def findings(letters, patience=None, progress=None):
    detectors, values = Detectors(patience), progress or [0.0] * len(letters)
    return [
        detectors.take(a_round(n, "" if letter == "-" else letter, f"of {letter}", values[n]))
        for n, letter in enumerate(letters)
    ]


@pytest.mark.parametrize(
    ("letters", "reason", "rung"),
    [
        ("aa", None, 0),
        ("aaa", StopReason.REPETITION, 1),
        ("aaaa", StopReason.REPETITION, 2),
        ("baaaaaa", StopReason.REPETITION, 4),
        ("aaba", None, 0),
        ("abab", StopReason.OSCILLATION, 1),
        ("ababa", StopReason.OSCILLATION, 2),
        ("xabababa", StopReason.OSCILLATION, 4),
        ("abcabc", StopReason.OSCILLATION, 1),
        ("abcdabcd", StopReason.OSCILLATION, 1),
        ("abcdeabcde", None, 0),
        ("abba", None, 0),
        ("aabb", None, 0),
        ("---", StopReason.REPETITION, 1),
        ("", None, 0),
    ],
)
def test_a_run_that_goes_in_circles_is_found(letters, reason, rung):
    last = findings(letters)[-1] if letters else None
    assert (last.reason if last else None, last.rung if last else 0) == (reason, rung)


def test_what_is_noticed_first_is_mild_and_grows_by_a_rung_a_round():
    assert [each.rung for each in findings("a" * 8) if each] == [1, 2, 3, 4, 4, 4]


def test_the_same_proposal_with_another_result_is_progress():
    detectors = Detectors()
    assert not any(detectors.take(a_round(n, "a", str(n))) for n in range(20))
    assert not any(detectors.take(a_round(n, "a", "same", score=float(n))) for n in range(20))


def test_answers_without_a_candidate_are_called_that():
    assert findings("------")[-1].message == "the last 6 answers held no candidate"


def test_a_plateau_needs_patience_rounds_without_a_better_one():
    values = [0.1, 0.5, 0.5, 0.4, 0.5, 0.2, 0.1]
    found = findings("abcdefg", patience=3, progress=values)
    assert [each.rung if each else 0 for each in found[:5]] == [0, 0, 1, 2, 4]
    assert found[4].reason is StopReason.PLATEAU
    assert found[4].message.startswith("no better in 3 rounds: round 1 had progress 50%")
    assert not any(findings("abcdefg", patience=None, progress=values))


def test_luck_within_the_noise_is_no_new_best_and_a_jump_is():
    noise = [0.5, 0.52, 0.49, 0.51, 0.5, 0.525, 0.49, 0.51] * 3
    detectors = Detectors(4)
    found = [detectors.take(a_round(n, str(n), score=value)) for n, value in enumerate(noise)]
    assert found[-1].rung == LAST
    assert "noise" in found[-1].message
    assert detectors.take(a_round(99, "x", score=0.9)) is None


@given(st.lists(st.floats(0, 1), max_size=40, unique=True), st.integers(1, 10))
def test_ever_rising_progress_is_never_stuck(values, patience):
    detectors = Detectors(patience)
    found = [detectors.take(a_round(n, str(n), str(n), value)) for n, value in enumerate(sorted(values))]
    assert not any(each and each.rung == LAST for each in found)


@given(st.lists(st.sampled_from("abc-"), max_size=30), st.integers(1, 12))
def test_only_what_is_there_is_found(letters, patience):
    for n, found in enumerate(findings(letters, patience)):
        tail = letters[: n + 1]
        if found is None:
            continue
        if found.reason is StopReason.REPETITION:
            assert len(set(tail[-REPEATS:])) == 1
        elif found.reason is StopReason.OSCILLATION:
            periods = range(2, LONGEST_PERIOD + 1)
            assert any(tail[-2 * p : -p] == tail[-p:] and len(set(tail[-p:])) > 1 for p in periods)
        else:
            assert len(tail) > 1


@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=6), st.integers(2, 4))
def test_every_short_cycle_is_ended(prefix, period):
    cycle = [f"c{n}" for n in range(period)] * 6
    found = findings([*prefix, *cycle])
    assert any(each and each.rung == LAST and each.reason is StopReason.OSCILLATION for each in found)


TRACES = list(traces(20))


def test_on_generated_runs_the_detectors_hit_and_hold_still(capsys):
    counts: Counter[str] = Counter()
    for trace in TRACES:
        found = ended(trace)
        counts[verdict(trace, found.reason if found else None)] += 1
    with capsys.disabled():
        print(f"\n{len(TRACES)} generated runs: {dict(counts)}")  # noqa: T201 - the numbers are the point

    assert len(TRACES) >= 200
    stuck = sum(trace.reason is not None for trace in TRACES)
    assert counts["missed"] == 0
    assert counts["hit"] >= 0.95 * stuck
    assert counts["false alarm"] <= 0.02 * (len(TRACES) - stuck)


def verdict(trace: Trace, reason: StopReason | None) -> str:
    if trace.reason is None:
        return "silent" if reason is None else "false alarm"
    return "missed" if reason is None else "hit" if reason is trace.reason else "other reason"


def test_on_recorded_runs_no_detector_misses_and_only_patience_costs_a_late_success():
    """Runs of the embedded model that nobody ended; three had luck after more than `PATIENCE` dull rounds."""
    told = [judged(trace) for trace in runs()]
    wrong = [finding.reason for what, finding, _ in told if what == "false alarm"]

    assert len(told) >= 20
    assert not [what for what, *_ in told if what == "missed"]
    assert len([what for what, *_ in told if what == "hit"]) >= 12
    assert set(wrong) <= {StopReason.PLATEAU}
    assert len(wrong) <= 3
    assert sum(counted(16).values(), Counter())["false alarm"] <= 1


def test_without_noise_no_progress_is_taken_for_a_plateau():
    quiet = [trace for trace in TRACES if trace.reason is None and "noise" not in trace.kind]
    assert [trace.kind for trace in quiet if ended(trace)] == []


def test_a_detector_keeps_no_more_of_a_long_run_than_of_a_short_one():
    import pickle

    def size(rounds: int) -> int:
        detectors = Detectors(PATIENCE)
        for n in range(rounds):
            detectors.take(
                IterationSummary(iteration=n, digest=f"{n:06}", outcome="x", progress=0.5, score=float(n % 7))
            )
        return len(pickle.dumps(detectors))

    assert size(2000) <= size(100) + 16


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("def f(a):\n return a", "def f(b):\n return b", True),
        ("def f(a):\n t = a + 1\n return t", "def f(a):\n 'Doc.'\n result: int = a + 1\n return result", False),
        ("def f(a):\n t = a + 1\n return t", "def f(n: int) -> int:\n total = n + 1\n return total", True),
        ("def f(x):\n return [y for y in x]", "def f(rows):\n return [row for row in rows]", True),
        ("def g(): return 1\ndef f(): return g()", "def helper(): return 1\ndef f(): return helper()", True),
        ("def f(a, b):\n return a - b", "def f(a, b):\n return b - a", False),
        ("def f(a):\n return a.real", "def f(a):\n return a.imag", False),
        ("def f(a):\n return len(a)", "def f(a):\n return sum(a)", False),
        ("def f(a):\n return a + 1", "def f(a):\n return a + 2", False),
        ("import math\ndef f(a):\n return math.e", "import math\ndef f(b):\n return math.e", True),
    ],
)
def test_near_duplicates_are_the_same_proposal(one, other, same):
    digests = {LayeredVerifier().digest(Candidate(kind=CandidateKind.CODE, text=text)) for text in (one, other)}
    assert (len(digests) == 1) is same
