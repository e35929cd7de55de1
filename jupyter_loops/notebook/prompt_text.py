"""The prompts of a round as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_loops.errors import OptionError

if TYPE_CHECKING:
    from jupyter_loops.history import History


def of_round(history: History, run_id: str, iteration: int) -> str:
    """All calls of one round of a run, each with its tokens by part. Raises OptionError where there was none."""
    prompts = history.prompts(run_id, iteration)
    if not prompts:
        asked = sorted({prompt.iteration for prompt in history.prompts(run_id)})
        which = f"in round{'s' * (len(asked) > 1)} {', '.join(map(str, asked))}" if asked else "in no round"
        raise OptionError(f"nothing was asked in round {iteration} of run {run_id}: its model was asked {which}")
    return "\n\n".join(map(str, prompts))
