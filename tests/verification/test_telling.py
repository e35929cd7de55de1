from jupyter_loops.core.candidate import Exit, Fault, Frame, Layer, Observation, Verdict
from jupyter_loops.verification.verdict_words import feedback, why

FRAME = Frame(where="candidate", function="f", line=3, text="    return 1 / n", values={"n": "0"})
FAULT = Fault(type="ZeroDivisionError", message="division by zero", frames=(FRAME,))


def check(index, passed, message="", hidden=False, **more):
    layer = Layer.HIDDEN if hidden else Layer.CHECKS
    return Verdict(
        check=f"f({index}) == 2", layer=layer, passed=passed, message=message, index=index, hidden=hidden, **more
    )


def test_a_person_reads_the_first_failure_and_how_many_passed():
    verdicts = [check(1, True), check(2, False, "got 3"), check(3, False, "got 4")]
    assert why(verdicts, None) == "f(2) == 2: got 3 (1 of 3 passed)"


def test_a_person_does_not_read_the_check_twice():
    said = "slug('A b') gave 'a b', expected 'a-b'"
    verdict = Verdict(check='slug("A b") == "a-b"', layer=Layer.CHECKS, passed=False, message=said, index=1)
    assert why([verdict], None) == said


def test_a_person_reads_where_the_candidate_raised():
    assert why([], Observation(exit=Exit.RAISED, fault=FAULT)) == (
        "ZeroDivisionError: division by zero (line 3: return 1 / n)"
    )


def test_a_person_reads_which_limit_ended_it():
    assert why([], Observation(exit=Exit.WALL, seconds=10.02)) == "it ran longer than the time limit (after 10.0 s)"
    assert why([], Observation(exit=Exit.MEMORY)) == "it used more memory than allowed"


def test_a_person_reads_what_was_achieved():
    assert why([check(1, True), check(2, True)], Observation(exit=Exit.OK)) == "all 2 checks passed"
    assert why([check(1, True)], None) == "1 check passed"
    assert why([], None) == "no check has run"


def test_the_one_line_is_one_line_and_short():
    line = why([check(1, False, "got\n" + "x" * 5000), check(2, True)], None)
    assert "\n" not in line
    assert len(line) <= 200
    assert line.endswith("… (1 of 2 passed)")


def test_the_model_is_told_values_and_its_own_frames():
    (item,) = feedback([check(1, False, "got 3", values={"f(1)": "3"}, fault=FAULT)], None)
    assert item.splitlines() == ["f(1) == 2: got 3", "  f(1) = 3", "  line 3, in f: return 1 / n   with n=0"]


def test_the_model_is_told_what_it_raised_and_printed():
    items = feedback([], Observation(exit=Exit.RAISED, fault=FAULT, stdout="trying 0\n"))
    assert items[0].startswith("ZeroDivisionError")
    assert items[-1] == "it printed: trying 0"


def test_of_hidden_checks_only_their_number_leaves():
    secret = {
        "values": {"f('SECRET')": "'SECRET'"},
        "fault": Fault(type="ValueError", message="SECRET", frames=(FRAME,)),
    }
    verdicts = [check(1, True), check(2, False, "SECRET", hidden=True, **secret), check(3, True, hidden=True)]
    observation = Observation(exit=Exit.RAISED, fault=secret["fault"], stdout="SECRET", stderr="SECRET")
    told = "\n".join(feedback(verdicts, observation)) + why(verdicts, observation)
    assert "SECRET" not in told
    assert "f(2)" not in told
    assert "1 of 2 hidden checks failed" in told


def test_a_limit_met_in_a_hidden_check_is_told_without_its_output():
    verdicts = [check(1, True), check(2, True, hidden=True)]
    items = feedback(verdicts, Observation(exit=Exit.WALL, stdout="SECRET"))
    assert items == ("in a hidden check it ran longer than the time limit",)


def test_many_failures_are_counted_not_listed():
    items = feedback([check(n, False, "no") for n in range(1, 31)], None)
    assert len(items) == 9
    assert items[-1] == "and 22 more checks failed"
