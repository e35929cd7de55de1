"""`--ask-at`: near a limit the run waits, and a person decides whether it goes on."""

from __future__ import annotations

from dataclasses import dataclass, field

from jupyter_loops.core.amount import amount
from jupyter_loops.core.forecast import Forecast

from .run_context import RunContext

_LIMITS = ("usd", "tokens", "seconds", "iterations", "calls")
_ANSWERS = "Resume goes on, Budget raises the limit, Finish ends it with the best candidate so far"


@dataclass(slots=True)
class LimitQuestion:
    """Holds the run after the first round that ends beyond `share` of a limit; once for each limit as it stands."""

    context: RunContext
    share: float | None = None  # None: never
    _asked: set[tuple[str, float]] = field(init=False, default_factory=set)

    def after_round(self, forecast: Forecast | None) -> None:
        """Hold the run where a limit is near that a person was not asked about."""
        usage, budget = self.context.ledger.usage, self.context.ledger.budget
        near = []
        for name in _LIMITS:
            limit, used = getattr(budget, name), getattr(usage, name)
            if self.share is not None and limit and used >= self.share * limit and (name, limit) not in self._asked:
                self._asked.add((name, limit))
                near.append(f"{amount(name, used)} of {amount(name, limit)}")
        if near:
            ahead = f"; {forecast}" if forecast is not None else ""
            self.context.control.ask_at_limit()
            self.context.recorder.note(f"near a limit, {', '.join(near)} used{ahead}. {_ANSWERS}")
