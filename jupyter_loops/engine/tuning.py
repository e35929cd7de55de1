"""How the model is asked in a round: as planned, unless a person set something else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from jupyter_loops.core.events import Adapted, Noted
from jupyter_loops.core.message import Sampling
from jupyter_loops.core.ports import Model
from jupyter_loops.errors import LoopError

from .asking import Asking
from .ledger import Ledger
from .recorder import Recorder

Find = Callable[[str], Model]  # a model by the name that a person chose it by


class Tuning:
    """What a person set while the run goes on; it holds from the next round on."""

    def __init__(self, asking: Asking, ledger: Ledger, recorder: Recorder, find: Find | None = None) -> None:
        self._asking, self._ledger, self._recorder, self._find = asking, ledger, recorder, find

    def sampling(self, planned: Sampling, wishes: dict[str, Any]) -> Sampling:
        """The planned sampling with what a person set."""
        known = {name: wishes[name] for name in ("temperature", "max_tokens") if wishes.get(name) is not None}
        return replace(planned, **known)

    async def turn_to(self, name: str, model: Model, iteration: int) -> Model:
        """The model that is asked from now on: the one of that name, or the same as before where it cannot be."""
        if name == model.name or self._find is None:
            return model
        try:
            found = self._find(name)
            await found.open()
            self._ledger.quote(found.price(), found.name)
        except LoopError as error:
            self._recorder.say(Noted(iteration=iteration, message=f"still on {model.name}: {error}"))
            return model
        self._asking.turn_to(found)
        self._recorder.say(
            Adapted(iteration=iteration, what="model", before=model.name, after=found.name, reason="a person chose it")
        )
        return found
