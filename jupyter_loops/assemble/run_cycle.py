"""All parts of a run, put together."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from jupyter_loops.core.ports import Toolbox, World
from jupyter_loops.engine import breaker
from jupyter_loops.engine.asking import Asking
from jupyter_loops.engine.bandit import Bandit
from jupyter_loops.engine.cycle import Cycle
from jupyter_loops.engine.decision import Decision
from jupyter_loops.engine.ladder import Ladder
from jupyter_loops.engine.landing import Landing
from jupyter_loops.engine.lineage import Lineage
from jupyter_loops.engine.logbook import Logbook
from jupyter_loops.engine.pace import Pace
from jupyter_loops.engine.past import Past
from jupyter_loops.engine.preparation import Opening, Preparation
from jupyter_loops.engine.tools import Tools
from jupyter_loops.engine.trial import Trial
from jupyter_loops.engine.tuning import Tuning

from .adapters import Adapters, other_model
from .options import Options
from .parts import Person, make_planner, make_questions
from .world import kept_back, spoken_of


def make_cycle(
    world: World,
    options: Options,
    adapters: Adapters,
    *,
    pace: Pace,
    opening: Opening,
    toolbox: Toolbox,
    person: Person,
    lineage: Lineage,
    past: Past | None,
) -> Cycle:
    """A cycle that is ready to run."""
    from jupyter_loops.planning.names import summarise
    from jupyter_loops.verification.verifier import Verifier

    world = replace(world, aside=pace.behind_others)
    recipe, ledger, recorder = world.recipe, pace.ledger, pace.recorder
    for name, why in kept_back(world).items():
        recorder.note(f"{name}: {why}")
    verifier = Verifier(imports=world.imports)
    questions = make_questions(world, options, adapters, pace, person)
    asking = Asking(
        adapters.model, ledger, recorder, pace.back_off, breakers=breaker.SHARED, fallbacks=adapters.fallbacks
    )
    questions.judging.attach(asking)
    ladder, landing = Ladder(verifier.detector(options.patience), recorder), Landing(ledger, options.landing)
    tuning = Tuning(
        asking=asking,
        ledger=ledger,
        recorder=recorder,
        find=partial(other_model, options),
        adaptive=options.adaptive,
        fixed=frozenset(name for name in ("temperature", "max_tokens") if getattr(options, name) is not None),
        ladder=ladder,
        models=(adapters.model, *adapters.escalation),
        bandit=Bandit(options.seed),
    )
    tools = Tools(box=toolbox, asking=asking, pace=pace, landing=landing, lineage=lineage, most=options.tool_calls)
    logbook = Logbook(recipe=recipe, verifier=verifier, pace=pace, tuning=tuning, landing=landing)
    return Cycle(
        world=world,
        model=adapters.model,
        sandbox=adapters.sandbox,
        planner=make_planner(options, world, [offer.name for offer in toolbox.offers]),
        verifier=verifier,
        pace=pace,
        preparation=Preparation(
            world=world,
            sandbox=adapters.sandbox,
            opening=opening,
            model=adapters.model,
            others=(*adapters.fallbacks, *adapters.escalation),
            questions=questions,
            tools=tools,
            logbook=logbook,
        ),
        questions=questions,
        asking=asking,
        tuning=tuning,
        tools=tools,
        landing=landing,
        trial=Trial(recipe, adapters.sandbox, verifier, pace, questions, options.repeat),
        logbook=logbook,
        decision=Decision(
            recipe=recipe,
            ledger=ledger,
            logbook=logbook,
            ladder=ladder,
            landing=landing,
            until=options.condition,
            stop_if=options.rule,
        ),
        names=summarise(spoken_of(world)),
        watchdog=options.watchdog,
        lineage=lineage,
        past=past,
    )
