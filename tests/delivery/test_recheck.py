"""The checks of a cell, run again on what the notebook has."""

from jupyter_loops.core.candidate import Candidate, CandidateKind, Delivery
from jupyter_loops.delivery import RecheckOutcome, deliver, recheck
from jupyter_loops.language import parse

CELL = '''
from dataclasses import dataclass
@dataclass
class P:
    x: int
cases = {1: P(1), 2: P(4)}
def f(n: int) -> P:
    """The square."""

assert all(f(n) == point for n, point in cases.items())
limit = f(3).x
assert limit == 9
maximize(limit)
assert judge(f(1), "Is it nice?") > 0.5
with hidden:
    assert f(5).x == 25
'''


def test_every_check_is_run_on_the_delivered_value_and_on_what_took_its_place():
    recipe, namespace = parse(CELL, "squares"), {}
    code = Candidate(kind=CandidateKind.CODE, text="def f(n): return P(n * n)")
    module = deliver(recipe, code, Delivery(), namespace).module
    found = recheck(recipe, namespace, module)

    assert [one.passed for one in found] == [True, True, None, None, True]
    assert [one.message for one in found[2:4]] == ["a score, which passes or fails nothing", "asks judge"]
    assert sorted(namespace) == ["P", "dataclass", "f"], "the notebook is as it was"

    point = namespace["P"]
    namespace["f"] = lambda n: point(min(n * n, 9))
    assert [one.passed for one in recheck(recipe, namespace, module)] == [True, True, None, None, False]
    del namespace["f"]
    assert recheck(recipe, namespace, module)[4] == RecheckOutcome(
        "f(5).x == 25", False, "NameError: name 'f' is not defined"
    )
