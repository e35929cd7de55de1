"""The models: the embedded one, any that LiteLLM knows, and replayed scripts."""

from __future__ import annotations

from pathlib import Path

from jupyter_loops.core.budget import Price
from jupyter_loops.core.ports import Model

from .embedded import records

_SCRIPT = "script:"


def open_model(
    name: str,
    *,
    api_base: str | None = None,
    price: Price | None = None,
    unlisted: Price | None = None,
    answered: int = 0,
) -> Model:
    """The model behind a name: `local…`, `gguf:PATH`, `script:FILE` (a JSON list of answers), or a LiteLLM name.

    Nothing is imported or started before the model's own `open`. A script goes on after the `answered`
    calls that a resumed run has made. `unlisted` is the price of a model that has none of its own.
    """
    if records.is_embedded(name):
        from .embedded.model import EmbeddedModel

        return EmbeddedModel(records.find(name), price=price)
    if name.startswith(_SCRIPT):
        from .replay import ReplayModel

        return ReplayModel.from_file(Path(name.removeprefix(_SCRIPT)), price=price, answered=answered)
    from .openai_server import OpenAIServerModel, speaks_openai

    if api_base is not None and speaks_openai(name):
        return OpenAIServerModel(name, api_base=api_base, price=price, unlisted=unlisted)
    from .provider import LiteLLMModel

    return LiteLLMModel(name, api_base=api_base, price=price, unlisted=unlisted)


__all__ = ["open_model"]
