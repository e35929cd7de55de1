"""What a run may spend, and what it has spent."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from math import isfinite

from .plain import plain

_PRICE = "US dollars for a million tokens, in,out[,cached[,reasoning]], such as 3,15"
_MANY = 2**31  # tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What something has cost. Usages add up."""

    usd: float = 0.0
    tokens: int = 0  # prompt and completion together
    seconds: float = 0.0  # wall clock; waiting for a person is not counted
    iterations: int = 0
    calls: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            usd=self.usd + other.usd,
            tokens=self.tokens + other.tokens,
            seconds=self.seconds + other.seconds,
            iterations=self.iterations + other.iterations,
            calls=self.calls + other.calls,
        )

    def __sub__(self, other: Usage) -> Usage:
        return Usage(
            usd=self.usd - other.usd,
            tokens=self.tokens - other.tokens,
            seconds=self.seconds - other.seconds,
            iterations=self.iterations - other.iterations,
            calls=self.calls - other.calls,
        )


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What a run may spend. None means no limit; zero means zero."""

    usd: float | None = 1.0  # US dollars
    tokens: int | None = None
    seconds: float | None = 600.0
    iterations: int | None = 10
    calls: int | None = None  # to models, whatever they are for; a retry is a call

    def remaining(self, usage: Usage) -> dict[str, float]:
        """How much of each limit remains, limits that are None left out."""
        return {name: allowed - getattr(usage, name) for name, allowed in self._limits}

    def exhausted(self, usage: Usage) -> str | None:
        """Name the first limit that `usage` has reached, or None while the run may go on."""
        return next((name for name, allowed in self._limits if getattr(usage, name) >= allowed), None)

    def share(self, usage: Usage) -> tuple[float, str]:
        """How much of the limit that is nearest its end is used, 1 being all of it, and that limit's name."""
        used = [(getattr(usage, name) / allowed if allowed else 1.0, name) for name, allowed in self._limits]
        return max(used, default=(0.0, ""))

    @cached_property
    def _limits(self) -> list[tuple[str, float]]:
        """Those that are set; every call and every round asks for them."""
        return [(name, allowed) for name, allowed in plain(self).items() if allowed is not None]


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceTier:
    """US dollars per token of calls whose prompt is longer than `above` tokens; None: as in shorter ones."""

    above: int
    prompt: float | None = None
    completion: float | None = None
    cached: float | None = None

    def applied(self, price: Price) -> Price:
        """The price with this tier's amounts."""
        return replace(
            price,
            prompt=price.prompt if self.prompt is None else self.prompt,
            completion=price.completion if self.completion is None else self.completion,
            cached=price.cached if self.cached is None else self.cached,
            reasoning=None if price.reasoning is None else max(price.reasoning, self.completion or 0.0),
        )

    def __str__(self) -> str:
        amounts = (("in", self.prompt), ("out", self.completion))
        return (
            " and ".join(f"${amount * 1e6:.4g} {way}" for way, amount in amounts if amount is not None)
            + f" above {self.above:,} tokens"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """US dollars per token, as the provider lists them."""

    prompt: float
    completion: float
    cached: float | None = None  # a cached prompt token; None: as any prompt token
    reasoning: float | None = None  # a token of hidden thought; None: as any completion token
    source: str = "litellm"  # where the numbers come from: litellm, option, local, correction, a price list of a day
    tiers: tuple[PriceTier, ...] = ()  # of long prompts, for all tokens of such a call; the shortest first

    def __str__(self) -> str:
        amounts = f"${self.prompt * 1e6:.4g} in and ${self.completion * 1e6:.4g} out"
        tiers = "".join(f"; {tier}" for tier in self.tiers)
        return f"{amounts} for a million tokens{tiers} ({self.source})"

    def of_prompt(self, prompt_tokens: int) -> Price:
        """The price of a call with a prompt of so many tokens; what a tier does not list is as in the one below."""
        if not self.tiers:
            return self
        price = replace(self, tiers=())
        for tier in self.tiers:
            if prompt_tokens > tier.above:
                price = tier.applied(price)
        return price

    def cost(
        self, prompt_tokens: int, completion_tokens: int, cached_tokens: int = 0, reasoning_tokens: int = 0
    ) -> float:
        """US dollars for one call; cached tokens are among the prompt's, reasoning tokens among the completion's."""
        if self.tiers:
            of_prompt = self.of_prompt(prompt_tokens)
            return of_prompt.cost(prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens)
        cached = min(max(cached_tokens, 0), prompt_tokens)
        reasoning = min(max(reasoning_tokens, 0), completion_tokens)
        return (
            (prompt_tokens - cached) * self.prompt
            + cached * (self.prompt if self.cached is None else self.cached)
            + (completion_tokens - reasoning) * self.completion
            + reasoning * self.per_thought
        )

    def worst(self, prompt_tokens: int, completion_tokens: int) -> float:
        """The most that a call of this size can cost, whatever part of it is cached or thought."""
        if self.tiers:
            return self.of_prompt(prompt_tokens).worst(prompt_tokens, completion_tokens)
        return prompt_tokens * max(self.prompt, self.cached or 0.0) + completion_tokens * self.per_answer

    def answer(self, usd: float, prompt_tokens: int) -> int:
        """Answer tokens that so many US dollars buy after the prompt, at worst; negative where none."""
        if self.tiers:
            return self.of_prompt(prompt_tokens).answer(usd, prompt_tokens)
        after_prompt = usd - self.worst(prompt_tokens, 0)
        if after_prompt < 0:
            return -1
        return int(min(after_prompt / self.per_answer, _MANY)) if self.per_answer > 0 else _MANY

    @classmethod
    def per_million(cls, text: str, source: str = "option") -> Price:
        """Read `in,out`, `in,out,cached` or `in,out,cached,reasoning` in US dollars for a million tokens.

        Raises ValueError with what was expected.
        """
        try:
            numbers = [float(number.strip().removeprefix("$")) for number in text.split(",")]
        except ValueError:
            raise ValueError(_PRICE) from None
        if not 2 <= len(numbers) <= 4 or not all(isfinite(number) and number >= 0 for number in numbers):  # noqa: PLR2004  # as written
            raise ValueError(_PRICE)
        prompt, completion, *optional = (number / 1e6 for number in numbers)
        cached, reasoning = [*optional, None, None][:2]
        return cls(prompt=prompt, completion=completion, cached=cached, reasoning=reasoning, source=source)

    @property
    def per_thought(self) -> float:
        """US dollars for a token of hidden thought."""
        return self.completion if self.reasoning is None else self.reasoning

    @property
    def per_answer(self) -> float:
        """US dollars for an answer's token, whichever kind costs more."""
        return max(self.completion, self.per_thought)
