"""The parts of a run that depend on its options: planner, questions, ledger."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jupyter_loops.core.ports import PromptLayout, World
from jupyter_loops.core.recipe import Recipe, Word
from jupyter_loops.engine.approval_gate import ApprovalGate, Attendance, Callback
from jupyter_loops.engine.control import Control
from jupyter_loops.engine.event_recorder import EventRecorder
from jupyter_loops.engine.judge_caller import JudgeCaller
from jupyter_loops.engine.ledger import Ledger
from jupyter_loops.engine.questions import Questions
from jupyter_loops.engine.run_context import RunContext
from jupyter_loops.engine.run_nesting import RunNesting
from jupyter_loops.errors import OptionError
from jupyter_loops.options import Options

from .adapters import Adapters
from .notebook_budget import within_notebook

if TYPE_CHECKING:
    from jupyter_loops.history import History
    from jupyter_loops.planning.planner import PromptPlanner


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who answers `approve(...)`."""

    there: bool = False  # somebody can: in the view, by `%loops approve`, or by `run.approve()`
    callback: Callback | None = None  # answers instead
    namespace: Mapping[str, object] = field(default_factory=dict)  # what the notebook has now, for a diff

    def attendance(self, options: Options) -> Attendance:
        """Whom to ask."""
        if options.auto_approve:
            return Attendance.AUTO
        if self.callback is not None:
            return Attendance.CALLBACK
        return Attendance.PERSON if self.there else Attendance.ABSENT


def make_layout(recipe: Recipe, options: Options, names: Mapping[str, object]) -> PromptLayout | None:
    """The user's own layout of a prompt: the cell's `@prompt`, or a file. Raises PreflightError and OptionError."""
    from jupyter_loops.planning.prompt_template import PromptTemplate
    from jupyter_loops.tools.prompt_function import PromptFunction

    if options.prompt_file is None:
        return PromptFunction.of(recipe, names)
    if recipe.prompt is not None:
        raise OptionError(f"the cell has an @prompt, {recipe.prompt.name}: take it out, or leave --prompt-file away")
    return PromptTemplate.read(options.prompt_file)


def make_planner(
    options: Options, world: World, tools: Collection[str] = (), layout: PromptLayout | None = None
) -> PromptPlanner:
    """The planner: turns the state of a run into prompts, and answers into candidates."""
    from jupyter_loops.planning.planner import PromptPlanner

    return PromptPlanner(
        temperature=options.temperature,
        max_tokens=options.max_tokens,
        seed=options.seed,
        timeout=options.call_timeout,
        imports=world.imports.rule,
        tools=tools,
        rolling=options.context == "rolling",
        layout=layout,
    )


def make_questions(
    world: World, options: Options, adapters: Adapters, context: RunContext, person: Person
) -> Questions:
    """Who is asked what no code can tell: a judge, and a person."""
    from jupyter_loops.execution.child.portray import portray
    from jupyter_loops.verification.judge import RubricJudge
    from jupyter_loops.verification.rubric import rubrics

    recipe, model = world.recipe, adapters.judge or adapters.model
    approved = {ask.value for check in recipe.checks for ask in check.asks if ask.word is Word.APPROVE}
    return Questions(
        recipe=recipe,
        sandbox=adapters.sandbox,
        recorder=context.recorder,
        judging=JudgeCaller(
            judge=RubricJudge(),
            model=model,
            ledger=context.ledger,
            votes=options.judge_votes,
            seed=options.seed,
        ),
        approvals=ApprovalGate(
            recipe=recipe,
            context=context,
            attendance=person.attendance(options),
            callback=person.callback,
            current={name: portray(person.namespace[name])[1] for name in approved & person.namespace.keys()},
        ),
        rubrics=rubrics(recipe, world.names),
    )


def make_family(
    run: str,
    name: str,
    options: Options,
    recorder: EventRecorder,
    parent: RunNesting | None,
    *,
    history: History,
    priced: bool = False,
) -> RunNesting:
    """The new run's nesting: with a new ledger, or with a part of its parent's.

    `priced`: a price has to be known, whatever other limits there are.
    """
    if parent is None:
        allowance = within_notebook(history.day(options.daily_usd))
        ledger = Ledger.within(allowance, options.budget, recorder.spent, priced=priced)
        return RunNesting(run=run, name=name, ledger=ledger, control=Control())
    depth = parent.deeper(name)
    ledger = parent.ledger.child(options.budget, recorder.spent, scope=f"the loop {parent.name} around it")
    lineage = RunNesting(run=run, name=name, ledger=ledger, control=Control(), depth=depth)
    parent.take_in(lineage)
    return lineage
