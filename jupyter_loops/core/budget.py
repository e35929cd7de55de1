"""What a run may spend, and what it has spent."""

from __future__ import annotations

from dataclasses import dataclass

from .plain import plain


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What a run may spend. None means no limit; zero means zero."""

    usd: float | None = 1.0  # US dollars
    tokens: int | None = None
    seconds: float | None = 600.0
    iterations: int | None = 10

    def left(self, usage: Usage) -> dict[str, float]:
        """How much of each limit remains, limits that are None left out."""
        return {name: allowed - getattr(usage, name) for name, allowed in plain(self).items() if allowed is not None}

    def exhausted(self, usage: Usage) -> str | None:
        """Name the first limit that `usage` has reached, or None while the run may go on."""
        return next((name for name, left in self.left(usage).items() if left <= 0), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """US dollars per token, as the provider lists them."""

    prompt: float
    completion: float
    cached: float | None = None  # a cached prompt token; None: as any prompt token
    source: str = "litellm"  # where the numbers come from: litellm, option, local

    def cost(self, prompt_tokens: int, completion_tokens: int, cached_tokens: int = 0) -> float:
        """US dollars for one call; reasoning tokens are completion tokens."""
        cached = self.prompt if self.cached is None else self.cached
        return (
            (prompt_tokens - cached_tokens) * self.prompt + cached_tokens * cached + completion_tokens * self.completion
        )
