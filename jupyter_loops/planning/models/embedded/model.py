"""An embedded model: no account, no network, no cost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

from jupyter_loops.core.budget import Price
from jupyter_loops.core.message import Completion, Message, Prompt, Sampling
from jupyter_loops.core.tool import Calling, Offer
from jupyter_loops.planning.models import prompted_tools
from jupyter_loops.planning.models.openai_server import OpenAIServerModel
from jupyter_loops.planning.tokens import estimate

from . import server
from .records import DEFAULT, EmbeddedRecord
from .tokenizer import ServerTokenizer

_FREE = Price(prompt=0.0, completion=0.0, source="local")
_PER_MESSAGE = 6  # <|im_start|>, the role, line ends, <|im_end|>


class EmbeddedModel:
    """A model behind a llama.cpp server in this process, which all runs share."""

    endpoint = "this process"

    def __init__(self, record: EmbeddedRecord = DEFAULT, *, price: Price | None = None) -> None:
        self.name, self._record = record.name, record
        self._price = price or _FREE
        self._remote: OpenAIServerModel | None = None
        self._tokenizer: ServerTokenizer | None = None

    @property
    def opening(self) -> str:
        """What `open` does, for a person."""
        return f"loading {self.name}"

    async def open(self) -> None:
        """Start the server. Raises ModelError where it cannot run."""
        await self._open()

    async def complete(
        self, prompt: Prompt, sampling: Sampling, on_text: Callable[[str], None] | None = None
    ) -> Completion:
        """Answer once, through the same HTTP path as any other model."""
        sampling = replace(sampling, max_tokens=min(sampling.max_tokens, self._record.longest_answer))
        if self._record.system and all(message.role != "system" for message in prompt.messages):
            prompt = replace(prompt, messages=(Message("system", self._record.system), *prompt.messages))
        return await (await self._open()).complete(prompt, sampling, on_text)

    def count(self, messages: Sequence[Message], tools: Sequence[Offer] = ()) -> int:  # noqa: ARG002  # it takes none
        """Prompt tokens, rather too many than too few."""
        messages = prompted_tools.plain_messages(messages, ())
        return sum(estimate(message.content) + _PER_MESSAGE for message in messages)

    async def tokenized(self, texts: Sequence[str]) -> list[int] | None:
        """By its server, once it runs."""
        return None if self._tokenizer is None else await self._tokenizer.count(texts)

    def price(self) -> Price | None:
        """Nothing, unless a price was given to try budgets out."""
        return self._price

    def calling(self) -> Calling:
        """As its record says: a very small model never calls a tool that is described in words."""
        return self._record.calling

    def window(self) -> int | None:
        """Tokens of context for one call."""
        return self._record.window

    def varies(self) -> bool:
        """Yes."""
        return True

    def carried(self) -> frozenset[str] | None:
        """Parts of a prompt from earlier rounds that it can use; None for all."""
        return self._record.carried

    async def _open(self) -> OpenAIServerModel:
        if self._remote is None:
            endpoint = await asyncio.to_thread(server.start, self._record)
            self._tokenizer = ServerTokenizer(endpoint)
            self._remote = OpenAIServerModel(
                self._record.title,
                api_base=endpoint.base,
                api_key=endpoint.key,
                price=self._price,
                window=self._record.window,
                title=self.name,
                calling=self._record.calling,
                stop=self._record.stop,
            )
        return self._remote
