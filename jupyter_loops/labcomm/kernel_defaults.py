"""The defaults of new runs as JupyterLab's settings have them: they reach this kernel, and yield to its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from traitlets import HasTraits, TraitError

from jupyter_loops.view.clip import line

NAMES = ("model", "usd", "tokens", "time", "iterations", "daily_usd", "sandbox", "history")


class KernelDefaults:
    """The traits behind `%config LoopMagics`. What a person has set there wins over JupyterLab's settings."""

    def __init__(self, magics: HasTraits) -> None:
        self._magics = magics
        self._applied: dict[str, Any] = {}  # by JupyterLab, as it stands

    def apply(self, settings: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """Take over what JupyterLab's settings say; None, or a name that is left out, takes it back.

        The answer has for each name the value that new runs get, who has the word (`lab`, `config`, `default`), and
        an error where a value cannot be.
        """
        return {name: self._one(name, settings.get(name)) for name in NAMES}

    def _one(self, name: str, wanted: Any) -> dict[str, Any]:
        current, default = getattr(self._magics, name), self._magics.trait_defaults(name)
        by_hand = current != self._applied.get(name, default)
        error = ""
        if not by_hand:
            try:
                setattr(self._magics, name, default if wanted is None else wanted)
                self._applied[name] = getattr(self._magics, name)
            except TraitError as problem:
                error = line(problem)
        value = getattr(self._magics, name)
        source = "config" if by_hand else "default" if wanted is None or error else "lab"
        return {"value": value, "source": source, "error": error}
