"""Where only hidden checks fail, a prompt asks for the general case in the task's own words."""

from jupyter_loops.core.candidate import Candidate, CandidateKind
from jupyter_loops.core.memory import Memory
from jupyter_loops.core.recipe import Recipe, Target, TargetKind
from jupyter_loops.language import parse
from jupyter_loops.planning.edge_cases import MOST, edge_cases
from jupyter_loops.planning.planner import PromptPlanner

SLUG = '''def slugify(text: str) -> str:
    """Lower-case ASCII words joined by single hyphens."""
    ...

assert slugify("Hello World") == "hello-world"

with hidden:
    assert slugify("Zauberwürfel 7") == "zauberwurfel-7"
'''


def prompt(recipe, *, only_hidden):
    candidate = Candidate(kind=CandidateKind.CODE, text="def slugify(text): return text")
    memory = Memory(iteration=2, last=candidate, failures=("1 of 1 hidden checks failed",), only_hidden=only_hidden)
    asked = PromptPlanner().prompt(recipe, memory, None)
    return "\n".join(message.content for message in asked.messages)


def test_cases_come_from_the_parameters_types_and_the_words_of_the_goal():
    cases = edge_cases(parse(SLUG))

    assert cases[0].startswith("`text`: empty")
    assert any("outside ASCII" in case for case in cases)
    assert any("separator" in case for case in cases)
    assert len(cases) <= MOST


def test_a_task_that_names_no_type_and_no_such_word_has_none():
    target = Target(name="f", kind=TargetKind.FUNCTION, source="def f(a, b):\n    ...")

    assert edge_cases(Recipe(name="r", goal="Do it.", targets=(target,))) == []


def test_they_are_asked_for_only_where_all_that_is_seen_passes():
    assert "Other inputs are tried too" in prompt(parse(SLUG), only_hidden=True)
    assert "Other inputs are tried too" not in prompt(parse(SLUG), only_hidden=False)


def test_nothing_of_a_hidden_check_decides_what_is_asked():
    """The same prompt, whatever the hidden checks are."""
    other = SLUG.replace('slugify("Zauberwürfel 7") == "zauberwurfel-7"', "slugify('') == ''")

    assert prompt(parse(SLUG), only_hidden=True) == prompt(parse(other), only_hidden=True)
    assert "Zauber" not in prompt(parse(SLUG), only_hidden=True)
