"""The dry run: the first prompt of a run and what it may cost, after a preflight."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

from jupyter_loops.core.amount import counted
from jupyter_loops.core.budget import Usage
from jupyter_loops.core.caveats import with_caveat
from jupyter_loops.core.forecast import Forecast, RunOutcome
from jupyter_loops.core.memory import Memory
from jupyter_loops.core.message import Part, Prompt
from jupyter_loops.core.policy import HubPolicy
from jupyter_loops.core.ports import Model, Readiness, World
from jupyter_loops.core.recipe import Recipe
from jupyter_loops.core.tool import Calling, Offer
from jupyter_loops.engine import background
from jupyter_loops.engine.forecaster import MOST_ROUNDS, Forecaster
from jupyter_loops.engine.ledger import LEAST_ANSWER, Ledger
from jupyter_loops.options import Options

from .adapters import Adapters
from .collaborators import make_layout, make_planner
from .governed import governed
from .run_world import make_world, names_for_model


@dataclass(frozen=True, slots=True, repr=False)
class DryRun:
    """The first prompt of a run, and what the run may cost. Nothing was spent."""

    prompt: Prompt
    options: Options
    readiness: Readiness
    tokens: int  # of the first prompt
    usd: float | None  # the most that the first call may cost; None: the price is not known
    forecast: Forecast
    projected: tuple[float, float] | None  # US dollars of the whole run; None: the price is not known
    tools: tuple[Offer, ...] = ()
    calling: Calling = Calling.NATIVE

    def __repr__(self) -> str:
        budget = self.options.budget
        limits = ", ".join(f"{name} {value:g}" for name, value in asdict(budget).items() if value is not None)
        parts = ", ".join(f"{part.name} {part.tokens}" for part in self.prompt.parts)
        cost = "unknown price" if self.usd is None else f"at most ${self.usd:.6f}"
        basis = f"{self.forecast.runs} runs like this" if self.forecast.runs else "no run like this is known yet"
        span = "unknown price" if self.projected is None else "${:.6f} to ${:.6f}".format(*self.projected)
        rounds = counted(budget.iterations, "round") if budget.iterations else "unlimited rounds"
        lines = [
            f"model     {self.options.chosen_model}",
            f"limits    {limits}",
            f"sandbox   {with_caveat(self.readiness.isolation)}",
            f"prompt    {self.tokens} tokens: {parts}",
            *(f"tool      {offer}" for offer in self.tools),
            *([f"          {_CALLING[self.calling]}"] if self.tools else []),
            f"one call  {cost}; a run of {rounds} up to that many times as much",
            f"projected {span}; {self.forecast.p:.0%} to verify by round {self.forecast.by_round} ({basis})",
            "",
            *(f"[{message.role}]\n{message.content}\n" for message in self.prompt.messages),
        ]
        return "\n".join(lines)


_CALLING = {
    Calling.NATIVE: "called in the notebook, on live objects, as the model asks for it",
    Calling.PROMPTED: "this model has no tool calls: they are described in the prompt, and read from its answers",
    Calling.NEVER: "this model cannot call tools, and is asked without",
}


def dry_run(recipe: Recipe, options: Options | None = None, names: Mapping[str, object] | None = None) -> DryRun:
    """Run the preflight only: execute the set-up, build the prompt and count it, look up the price."""
    options = governed(options or Options(), recipe, HubPolicy.here())
    from jupyter_loops.tools.toolbox import FunctionToolbox

    offers = FunctionToolbox.of(recipe, options.tools, names or {}).offers
    return background.submit(_dry_run(recipe, options, make_world(recipe, options, names or {}), offers)).result()


async def _dry_run(recipe: Recipe, options: Options, world: World, offers: tuple[Offer, ...]) -> DryRun:
    from jupyter_loops.planning.name_summaries import summarise

    adapters = Adapters.of(options)
    try:
        readiness = await adapters.sandbox.open(world)
        for model in adapters.models:
            await model.open()
    finally:
        await adapters.sandbox.close()
    planner = make_planner(options, world, layout=make_layout(recipe, options, world.reach))
    memory = Memory(names=summarise(names_for_model(world)), schemas=readiness.schemas)
    window, carried = adapters.model.window(), adapters.model.carried()
    await planner.preflight(recipe, memory, window, carried)
    prompt = await planner.arranged(planner.prompt(recipe, memory, window, carried), window)
    calling = adapters.model.calling()
    offered = () if calling is Calling.NEVER else offers
    bare, tokens = (adapters.model.count(prompt.messages, tools) for tools in ((), offered))
    if offered:
        prompt = replace(prompt, parts=(*prompt.parts, Part(name="tools", tokens=tokens - bare)))
    price = adapters.model.price()
    Ledger(options.budget).quote(price, adapters.model.name)
    usd = None if price is None else price.cost(tokens, planner.sampling(memory).max_tokens)
    forecast = await _expected(recipe, options, adapters.model)
    least = None if price is None else price.cost(tokens, LEAST_ANSWER)
    most = None if usd is None else min(usd * (options.iterations or MOST_ROUNDS), options.usd or math.inf)
    span = None if least is None or most is None else forecast.usd_range if forecast.runs else (least, most)
    return DryRun(prompt, options, readiness, tokens, usd, forecast, span, offers, calling)


async def _expected(recipe: Recipe, options: Options, model: Model) -> Forecast:
    """The forecast for a new run from the outcomes of earlier ones."""
    from jupyter_loops.history import open_history

    rows = await asyncio.to_thread(open_history(options.history).outcomes, recipe.name, model.name)
    forecaster = Forecaster(RunOutcome(**row) for row in rows)
    return forecaster.after(Usage(), options.budget, priced=model.price() is not None)
