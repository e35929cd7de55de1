"""Which model and which sandbox the options name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from jupyter_loops.core.candidate import Candidate
from jupyter_loops.core.policy import HubPolicy
from jupyter_loops.core.ports import Model, Sandbox, World
from jupyter_loops.options import Options

if TYPE_CHECKING:
    from jupyter_loops.execution.sandbox import ZygoteSandbox
    from jupyter_loops.execution.sandbox_service import SandboxService


REPLAY = "replay:"  # of a model's name: the answers of a stored run


@dataclass(frozen=True, slots=True)
class Adapters:
    """The models and the sandbox of a run. A benchmark or a test may pass its own."""

    model: Model
    sandbox: Sandbox
    fallbacks: tuple[Model, ...] = ()
    judge: Model | None = None  # None: the same model
    escalation: tuple[Model, ...] = ()

    @property
    def models(self) -> tuple[Model, ...]:
        """All models that the run may call."""
        return self.model, *self.fallbacks, *self.escalation, *([self.judge] if self.judge else [])

    @classmethod
    def of(cls, options: Options, answered: int = 0) -> Adapters:
        """The adapters that the options name. A resumed run has `answered` calls already. Raises PreflightError."""
        from jupyter_loops.planning.models import open_model

        prices, name = options.prices, options.chosen_model
        price = prices.named.get(name, prices.alone)
        if name.startswith(REPLAY):
            model: Model = _stored_answers(name, options, answered)
        else:
            model = open_model(name, api_base=options.api_base, price=price, answered=answered)
        fallbacks = tuple(other_model(options, name) for name in options.fallback)
        escalation = tuple(other_model(options, name) for name in options.escalate)
        judge = _priced(options, options.judge_model, options.judge_api_base) if options.judge_model else None
        return cls(model, new_sandbox(options), fallbacks, judge, escalation)


def replaying(answers: Sequence[str], options: Options, changes: Mapping[str, Any]) -> tuple[Adapters, Options]:
    """The real sandbox, and a model that replays the stored answers: to the last one, but for what `changes` say."""
    from jupyter_loops.planning.models.replay import ReplayModel

    most = HubPolicy.here().usd_per_run
    free = {"usd": most, "tokens": None, "iterations": len(answers), "patience": None, "until": None, "stop_if": None}
    options = replace(options, **{**free, **changes, "fresh": True})
    return Adapters(ReplayModel(answers, name="replay"), new_sandbox(options)), options


def _stored_answers(name: str, options: Options, answered: int) -> Model:
    """The model `replay:RUN`: the answers of a stored run, in order. Raises PreflightError."""
    from jupyter_loops.planning.models.replay import ReplayModel

    from .stored import stored

    run = stored(name.removeprefix(REPLAY), options.history)
    return ReplayModel(run.answers()[answered:], name=f"{REPLAY}{run.run_id}")


def new_sandbox(options: Options) -> ZygoteSandbox:
    """The sandbox that the options name."""
    from jupyter_loops.execution.sandbox import ZygoteSandbox

    return ZygoteSandbox(isolation=options.sandbox, image=options.image)


def serving(options: Options, world: World) -> Callable[[Candidate], SandboxService] | None:
    """How the functions of a verified candidate are served in a sandbox; None where they are bound as they are."""
    if options.deliver != "sandboxed":
        return None
    from jupyter_loops.execution.sandbox_service import SandboxService

    return lambda candidate: SandboxService(world, candidate, new_sandbox(options))


def other_model(options: Options, name: str) -> Model:
    """Another model than the chosen one. Raises OptionError, PreflightError."""
    HubPolicy.here().check_model("--model", name)
    return _priced(options, name, options.api_base)


def _priced(options: Options, name: str, api_base: str | None) -> Model:
    """The model with the price that names it, or else its list price, or else the price without a name."""
    from jupyter_loops.planning.models import open_model

    prices = options.prices
    return open_model(name, api_base=api_base, price=prices.named.get(name), unlisted=prices.alone)
