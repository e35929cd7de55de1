"""The named parts of a round's prompt.

Parts that stay the same from round to round come first, so that a provider can reuse them from its cache.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import replace
from difflib import unified_diff
from functools import lru_cache

from jupyter_loops.core.candidate import Candidate, CandidateKind
from jupyter_loops.core.fence import fence, item
from jupyter_loops.core.memory import Memory
from jupyter_loops.core.recipe import Check, CheckKind, Recipe, Target, TargetKind
from jupyter_loops.core.recollection import Recollection
from jupyter_loops.core.redaction import redact
from jupyter_loops.core.syntax_tree import parse_module

from . import templates
from .answer.edits import editable
from .edge_cases import edge_cases
from .window import GAP, Section

Sections = tuple[Section, ...]
PART_NAMES = (  # in the order of a prompt
    *("instructions", "imports", "goal", "setup", "names", "checks", "scores", "row", "guidance", "lessons"),
    *("episodes", "functions", "earlier", "reached", "best", "last", "edits", "misfits", "change", "failures"),
    *("general", "rejected", "notes", "left", "hints", "targets", "transcript"),
)
_SCORES = 12  # the newest, in the prompt
_EDITABLE = 3000  # tokens of an attempt that is shown whole, so that an answer may edit it


def sections(recipe: Recipe, memory: Memory, sketch: str) -> tuple[Sections, Sections, Sections]:
    """The parts of this round's prompt, in the order in which the model reads them; empty ones left out.

    What no round changes, what comes from earlier rounds and the person, and what no round changes again.
    `sketch` is the JSON that fits, in few words; empty where no JSON is asked for.
    """
    first, last = _same(recipe, tuple(memory.names.items()), sketch)
    row = tuple(_clean(section) for section in _item(memory) if section.text.strip())
    carried = tuple(_clean(section) for section in _carried(recipe, memory) if section.text.strip())
    recalled = tuple(_clean(section) for section in _recalled(memory.recollection) if section.text.strip())
    return (*first, *row, *recalled), carried, last


def _recalled(recollection: Recollection) -> Iterator[Section]:
    """What earlier runs of the loop left; the same in every round."""
    guidance, lessons, episodes = (
        [*map(item, texts)] for texts in (recollection.guidance, recollection.lessons, recollection.episodes)
    )
    yield from _list("guidance", templates.GUIDANCE, guidance, rank=4, allowance=600, newest_last=True)
    yield from _list("lessons", templates.LESSONS, lessons, rank=7, allowance=400, newest_last=True)
    yield from _list("episodes", templates.EPISODES, episodes, rank=9, allowance=200)
    for text in recollection.functions[:1]:
        yield _code("functions", templates.FUNCTIONS, text.strip(), rank=9, allowance=800)


def _item(memory: Memory) -> Iterator[Section]:
    """The row of a map, after all that is the same for every row."""
    if memory.item:
        yield _code("row", templates.ROW, memory.item, language="", rank=0)


@lru_cache(maxsize=32)
def _same(recipe: Recipe, names: tuple[tuple[str, str], ...], sketch: str) -> tuple[Sections, Sections]:
    """What no round changes, before and after what it carried over: the goal, what there is to work with, the question.

    Whatever a small model reads last it takes for the question: the signature of code, the goal of anything else.
    """
    goal, steady = _goal(recipe), [*_setup(recipe), *_names(recipe, names), *_checks(recipe)]
    targets = _targets(recipe, sketch)
    both = ([*goal, *steady], targets) if recipe.asks_for_code else (steady, [*targets, *goal])
    first, last = (tuple(_clean(section) for section in part if section.text.strip()) for part in both)
    return first, last


def _goal(recipe: Recipe) -> Iterator[Section]:
    documented = {_flat(target.doc) for target in recipe.targets}
    if _flat(recipe.goal) not in documented:  # a stub shows its own docstring
        yield Section(name="goal", text=recipe.goal.strip(), rank=0)


def _setup(recipe: Recipe) -> Iterator[Section]:
    setup = recipe.setup.strip("\n")
    setup = (textwrap.dedent(setup) if setup[:1].isspace() else setup).strip()  # which takes long, and is rare
    if not recipe.asks_for_code:
        setup = _without_types(setup)
    yield _code("setup", templates.SETUP, setup, rank=5, allowance=1500)


def _without_types(setup: str) -> str:
    """Set-up without imports and classes: for an answer in JSON the schema says what they say."""
    try:
        body = parse_module(setup).body
    except SyntaxError:
        return setup
    statements = [node for node in body if not isinstance(node, ast.Import | ast.ImportFrom | ast.ClassDef)]
    return "\n".join(ast.get_source_segment(setup, node) or "" for node in statements)


def _names(recipe: Recipe, names: Sequence[tuple[str, str]]) -> Iterator[Section]:
    """Only names that the visible part of the cell speaks of: a value may be an answer to a hidden check."""
    visible = [recipe.goal, recipe.setup, *(target.source for target in recipe.targets), *map(_source, recipe.visible)]
    text = "\n".join(visible)
    mentioned = [(name, summary) for name, summary in names if name in text and re.search(rf"\b{name}\b", text)]
    items = [item(f"{name}: {summary}") for name, summary in mentioned]
    yield from _list("names", templates.NAMES, items, rank=6, allowance=800)


def _targets(recipe: Recipe, sketch: str) -> Iterator[Section]:
    """What to write. In words, with the signature: shown the stub itself, a small model fills in one line of it."""
    if recipe.asks_for_code:
        yield Section(name="targets", text=GAP.join(map(_request, recipe.targets)), rank=1)
    elif sketch:
        yield Section(name="targets", before=f"{templates.JSON}\n", text=_flat(sketch), rank=1)


def _request(target: Target) -> str:
    if target.kind is TargetKind.CLASS:
        fence = _fence(target.source)
        return f"Write this Python class whole, every method with its body:\n\n{fence}python\n{target.source}\n{fence}"
    if target.kind is TargetKind.FRAME:
        return f"Write Python code that builds `{target.source.strip()}` and assigns it to that name."
    if target.kind is not TargetKind.FUNCTION:
        return f"Write Python code that assigns `{target.source.strip()}`. {target.doc}".strip()
    heading, decorated = _signature(target)
    return f"Write a Python function `{heading}`{decorated}. {target.doc}".strip()


def _signature(target: Target) -> tuple[str, str]:
    """A stub's signature without `def`, and words for its decorators."""
    stub = parse_module(textwrap.dedent(target.source)).body[0]
    assert isinstance(stub, ast.FunctionDef | ast.AsyncFunctionDef)
    prefix = "async " if isinstance(stub, ast.AsyncFunctionDef) else ""
    returns = f" -> {ast.unparse(stub.returns)}" if stub.returns else ""
    decorators = ", ".join(f"`@{ast.unparse(decorator)}`" for decorator in stub.decorator_list)
    return (
        f"{prefix}{stub.name}({ast.unparse(stub.args)}){returns}",
        f" decorated with {decorators}" if decorators else "",
    )


def _checks(recipe: Recipe) -> Iterator[Section]:
    asserts = [check for check in recipe.visible if check.kind is CheckKind.ASSERT]
    yield Section(name="checks", text="\n".join(map(_source, asserts)), rank=2, allowance=2000)
    scores = [item(f"{check.kind}: {check.name}") for check in recipe.visible if check.kind is not CheckKind.ASSERT]
    yield from _list("scores", templates.SCORES, scores, rank=2, allowance=300)


def _carried(recipe: Recipe, memory: Memory) -> Iterator[Section]:
    """The parts that come from earlier rounds and from the person."""
    yield from _scores_so_far(memory)
    if memory.best is not None and memory.best != memory.last:
        yield _candidate("best", f"The best attempt so far{_with(memory.best_score)}:", memory.best, rank=8)
    if memory.last is not None:
        yield _candidate("last", f"Your last attempt{_compared_with_best(memory)}:", memory.last, rank=7)
    if recipe.asks_for_code and any(map(editable, memory.attempts)):
        yield Section(name="edits", text=templates.EDITS, rank=6)
    if memory.misfits:
        refused = templates.MISFIT if memory.attempts else templates.WHOLE
        yield from _list("misfits", refused, [*map(item, memory.misfits[-1:])], rank=3, allowance=200)
    yield from _change(memory)
    wrong = templates.FAILED if memory.last is not None else templates.UNUSABLE
    yield from _list("failures", wrong, [*map(item, memory.failures)], rank=3, allowance=1000)
    yield from _general(recipe, memory)
    rejected = [*map(item, memory.rejected)]
    others = templates.REJECTED_TOO if memory.failures else templates.REJECTED
    yield from _list("rejected", others, rejected, rank=9, allowance=300, newest_last=True)
    yield from _list("notes", templates.NOTES, [*map(item, memory.notes)], rank=10, allowance=200)
    if memory.remaining_budget:
        yield Section(name="left", text=memory.remaining_budget, rank=4, allowance=120)
    hints = [*map(item, memory.hints)]
    yield from _list("hints", templates.HINTS, hints, rank=4, allowance=600, newest_last=True)


def _general(recipe: Recipe, memory: Memory) -> Iterator[Section]:
    """What to think of where only hidden checks fail: cases of the task's own words, and nothing of the checks."""
    if memory.only_hidden and (cases := edge_cases(recipe)):
        yield from _list("general", templates.GENERAL, [*map(item, cases)], rank=3, allowance=400)


def _scores_so_far(memory: Memory) -> Iterator[Section]:
    """All scores in one line, and the one to beat."""
    if memory.scores:
        line = ", ".join("none" if score is None else f"{score:.6g}" for score in memory.scores[-_SCORES:])
        earlier = "…, " if len(memory.scores) > _SCORES else ""
        best = "none yet" if memory.best_score is None else f"{memory.best_score:.6g}"
        text = f"{earlier}{line}. The best is {best}."
        yield Section(name="reached", before=templates.REACHED, text=text, rank=2, allowance=120)


def _compared_with_best(memory: Memory) -> str:
    """The last attempt's score compared with the best, as words behind its name."""
    if not memory.scores:
        return ""
    if (score := memory.scores[-1]) is None:
        return ", which has no score"
    if memory.best == memory.last:
        return f", the best so far{_with(score)}"
    return f"{_with(score)}, {'no better' if score == memory.best_score else 'worse'} than the best"


def _with(score: float | None) -> str:
    return "" if score is None else f" with score {score:.6g}"


def _change(memory: Memory) -> Iterator[Section]:
    """What the last attempt has otherwise than the best, or than the one that was the best before it."""
    last = memory.last
    if last is None or not memory.scores or memory.scores[-1] is None:
        return
    better = memory.beaten is not None and memory.best == last
    other = memory.beaten if better else memory.best
    if other is not None and other != last:
        heading = templates.BETTER if better else templates.WORSE
        lines = [*unified_diff(other.text.splitlines(), last.text.splitlines(), lineterm="", n=0)][2:]
        text = "\n".join(line for line in lines if not line.startswith("@@"))
        yield _code("change", heading, text, language="diff", rank=9, allowance=200)


def _candidate(name: str, heading: str, candidate: Candidate, rank: int) -> Section:
    language = "python" if candidate.kind is CandidateKind.CODE else "json"
    allowance = _EDITABLE if editable(candidate.text) else 1500
    return _code(name, heading, candidate.text.strip(), language=language, rank=rank, allowance=allowance)


def _source(check: Check) -> str:
    return "\n".join(part.strip("\n") for part in (check.prelude, check.source) if part.strip())


def _code(
    name: str, heading: str, text: str, *, rank: int, allowance: int | None = None, language: str = "python"
) -> Section:
    marks = fence(text)
    before, after = f"{heading}\n\n{marks}{language}\n", f"\n{marks}"
    return Section(name=name, before=before, text=text, after=after, rank=rank, allowance=allowance)


def _fence(text: str) -> str:
    """Backticks that close no fence inside the text."""
    return "`" * max(3, *(len(run) + 1 for run in re.findall(r"`{3,}", text)), 3)


def _list(
    name: str, heading: str, items: Sequence[str], *, rank: int, allowance: int, newest_last: bool = False
) -> Iterator[Section]:
    if items:
        before, text = f"{heading}\n", "\n".join(items)
        yield Section(name=name, before=before, text=text, rank=rank, allowance=allowance, newest_last=newest_last)


def _clean(section: Section) -> Section:
    """The section without secrets. A cut could make a secret unrecognisable, so this comes first.

    Only what could never fit is cut before it, at the end of a word.
    """
    section = section.bounded()
    return section if (text := redact(section.text)) is section.text else replace(section, text=text)


def _flat(text: str) -> str:
    return " ".join(text.split())
