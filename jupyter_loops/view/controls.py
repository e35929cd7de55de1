"""The controls of a run in its view."""

from __future__ import annotations

from typing import Any, Protocol


class Controls(Protocol):
    """Each call sets a flag and returns at once; it may come from any thread. An error says why not."""

    def stop(self) -> None:
        """End the run at once and keep the best candidate."""
        ...

    def finish(self) -> None:
        """End after the present phase and keep the best candidate: what is running is not thrown away."""
        ...

    def pause(self) -> None:
        """Hold before the next phase."""
        ...

    def resume(self) -> None:
        """Go on."""
        ...

    def step(self) -> None:
        """One round, then hold again."""
        ...

    def hint(self, text: str) -> None:
        """Tell the model something from the next round on."""
        ...

    def set(self, **changes: Any) -> None:
        """Change how the model is asked: model, temperature, max_tokens."""
        ...

    def approve(self, comment: str, number: int) -> None:
        """Accept the value that waits under this number."""
        ...

    def reject(self, comment: str, number: int) -> None:
        """Refuse it; the model gets the comment."""
        ...

    def raise_budget(self, **limits: float) -> None:
        """Set new limits by their names in core.Budget: usd, tokens, seconds, iterations."""
        ...
