"""Builds the cycle of a run from its parts."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from jupyter_loops.core.memory import Memory
from jupyter_loops.core.ports import PromptLayout, Readiness, Toolbox, World
from jupyter_loops.engine import breaker
from jupyter_loops.engine.approval_gate import Attendance
from jupyter_loops.engine.bandit import Bandit
from jupyter_loops.engine.candidate_trial import CandidateTrial
from jupyter_loops.engine.cycle import Cycle
from jupyter_loops.engine.decision import Decision
from jupyter_loops.engine.final_answer_reserve import FinalAnswerReserve
from jupyter_loops.engine.iteration_log import IterationLog
from jupyter_loops.engine.limit_question import LimitQuestion
from jupyter_loops.engine.model_caller import ModelCaller
from jupyter_loops.engine.nudge_ladder import NudgeLadder
from jupyter_loops.engine.request_tuning import RequestTuning
from jupyter_loops.engine.restored_state import RestoredState
from jupyter_loops.engine.run_context import RunContext
from jupyter_loops.engine.run_nesting import RunNesting
from jupyter_loops.engine.run_preparation import RunInputs, RunPreparation
from jupyter_loops.engine.tools import Tools
from jupyter_loops.errors import PreflightError
from jupyter_loops.options import Options

from .adapters import Adapters, other_model
from .collaborators import Person, make_planner, make_questions
from .run_world import names_for_model, withheld_names


def make_cycle(
    world: World,
    options: Options,
    adapters: Adapters,
    *,
    context: RunContext,
    inputs: RunInputs,
    toolbox: Toolbox,
    person: Person,
    lineage: RunNesting,
    restored: RestoredState | None,
    layout: PromptLayout | None = None,
) -> Cycle:
    """A cycle that is ready to run."""
    from jupyter_loops.planning.name_summaries import summarise
    from jupyter_loops.verification.verifier import LayeredVerifier

    world = replace(world, aside=context.behind_others)
    recipe, ledger, recorder = world.recipe, context.ledger, context.recorder
    for name, why in withheld_names(world).items():
        recorder.note(f"{name}: {why}")
    verifier = LayeredVerifier(imports=world.imports)
    questions = make_questions(world, options, adapters, context, person)
    caller = ModelCaller(
        adapters.model, ledger, recorder, context.back_off, breakers=breaker.SHARED, fallbacks=adapters.fallbacks
    )
    questions.judging.attach(caller)
    ladder, final_answer = (
        NudgeLadder(verifier.detector(options.patience), recorder),
        FinalAnswerReserve(ledger, options.reserve_final),
    )
    tuning = RequestTuning(
        caller=caller,
        ledger=ledger,
        recorder=recorder,
        find=partial(other_model, options),
        adaptive=options.adaptive,
        fixed=frozenset(name for name in ("temperature", "max_tokens") if getattr(options, name) is not None),
        ladder=ladder,
        models=(adapters.model, *adapters.escalation),
        bandit=Bandit(options.seed),
    )
    tools = Tools(
        box=toolbox, caller=caller, context=context, final_answer=final_answer, lineage=lineage, most=options.tool_calls
    )
    planner = make_planner(options, world, [offer.name for offer in toolbox.offers], layout)
    names, model = summarise(names_for_model(world)), adapters.model

    async def preflight(readiness: Readiness) -> None:
        first = Memory(item=world.item, names=names, schemas=readiness.schemas)
        await planner.preflight(recipe, first, model.window(), model.carried())

    log = IterationLog(recipe=recipe, verifier=verifier, context=context, tuning=tuning, final_answer=final_answer)
    return Cycle(
        world=world,
        model=adapters.model,
        sandbox=adapters.sandbox,
        planner=planner,
        verifier=verifier,
        context=context,
        preparation=RunPreparation(
            world=world,
            sandbox=adapters.sandbox,
            inputs=inputs,
            model=model,
            preflight=preflight,
            others=(*adapters.fallbacks, *adapters.escalation),
            questions=questions,
            tools=tools,
            log=log,
        ),
        questions=questions,
        caller=caller,
        tuning=tuning,
        tools=tools,
        final_answer=final_answer,
        trial=CandidateTrial(recipe, adapters.sandbox, verifier, context, questions, options.repeat),
        log=log,
        decision=Decision(
            recipe=recipe,
            ledger=ledger,
            log=log,
            ladder=ladder,
            final_answer=final_answer,
            until=options.condition,
            stop_if=options.rule,
        ),
        limit_question=LimitQuestion(context, _asked_share(options, person)),
        names=names,
        watchdog=options.watchdog,
        lineage=lineage,
        restored=restored,
    )


def _asked_share(options: Options, person: Person) -> float | None:
    """The share of a limit from which on a person is asked. Raises PreflightError where nobody could answer."""
    attendance = person.attendance(options)
    if options.ask_at is not None and attendance is Attendance.ABSENT:
        raise PreflightError(
            "--ask-at waits for a person near a limit, and nobody can answer here: leave it away, or run the cell in a "
            "notebook with a front end"
        )
    return options.ask_at if attendance is Attendance.PERSON else None
