"""A model whose calls in flight are limited, for maps: a refusal for the rate is waited for, and called again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from jupyter_loops.core.budget import Price
from jupyter_loops.core.message import Completion, Message, Prompt, Sampling
from jupyter_loops.core.ports import Model
from jupyter_loops.core.tool import Calling, Offer
from jupyter_loops.errors import ErrorClass, ModelError

from .concurrency_limit import ConcurrencyLimit
from .recovery import POLICIES

_PATIENCE = 20  # refusals for the rate that one call waits for; each of them costs nothing


@dataclass(frozen=True, slots=True, eq=False)
class LimitedModel:
    """Satisfies `core.ports.Model`; what is not about calls in flight is the model's own."""

    model: Model
    limit: ConcurrencyLimit
    most: int  # calls in flight of this owner
    owner: object = field(default_factory=object)

    @property
    def name(self) -> str:
        """The model's."""
        return self.model.name

    @property
    def endpoint(self) -> str:
        """The model's."""
        return self.model.endpoint

    async def open(self) -> None:
        """Be ready to answer."""
        await self.model.open()

    async def complete(
        self, prompt: Prompt, sampling: Sampling, on_text: Callable[[str], None] | None = None
    ) -> Completion:
        """Answer once there is room. Raises ModelError as the model does, after patience with its rate."""
        del on_text  # many answers at once are not streamed: that would cost five times the CPU
        for refusals in range(_PATIENCE + 1):
            await self.limit.acquire(self.owner, self.most)
            try:
                completion = await self.model.complete(prompt, sampling)
            except ModelError as fault:
                if fault.kind is not ErrorClass.RATE_LIMITED:
                    raise
                self.limit.refused(POLICIES[fault.kind].wait(min(refusals, 3), fault.retry_after))
                if refusals == _PATIENCE or fault.taken_up:
                    raise
            else:
                self.limit.answered(completion.seconds)
                if completion.pause:
                    self.limit.pause(completion.pause)
                return completion
            finally:
                self.limit.release(self.owner)
        raise AssertionError

    def count(self, messages: Sequence[Message], tools: Sequence[Offer] = ()) -> int:
        """Prompt tokens that these take."""
        return self.model.count(messages, tools)

    async def tokenized(self, texts: Sequence[str]) -> list[int] | None:
        """As the model itself."""
        return await self.model.tokenized(texts)

    def calling(self) -> Calling:
        """How it calls tools."""
        return self.model.calling()

    def price(self) -> Price | None:
        """List price, or None."""
        return self.model.price()

    def window(self) -> int | None:
        """Tokens of context, or None."""
        return self.model.window()

    def varies(self) -> bool:
        """Whether it may answer the same question in another way."""
        return self.model.varies()

    def carried(self) -> frozenset[str] | None:
        """The parts of a prompt from earlier rounds that it can use."""
        return self.model.carried()


_LIMITS: dict[tuple[str, str], ConcurrencyLimit] = {}  # by model and endpoint: all maps of the kernel share them


def limited(model: Model, most: int, owner: object) -> LimitedModel:
    """The model, with the limit that all maps of this kernel share. Call it on the engine's event loop."""
    limit = _LIMITS.setdefault((model.name, model.endpoint), ConcurrencyLimit())
    return LimitedModel(model, limit, most, owner)
