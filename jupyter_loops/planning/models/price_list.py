"""A second source of prices beside LiteLLM's map, with the day of each row; read from public sources, not from bills.

Where the two disagree the dearer counts, until `history.correct_price` says what is right.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from jupyter_loops.core.budget import Price, PriceTier

# US dollars for a million tokens: prompt, answer, cached ("-": not read). The day is the source's own: when it
# was written, or from when on a price that it announces holds.
_PAGES = {
    "anthropic": """
        claude-opus-5-5         2026-10-10   4    20    0.20
        claude-opus-5           2026-10-10   5    25    0.50
        claude-opus-4-8         2026-10-10   5    25    0.50
        claude-opus-4-7         2026-10-10   5    25    0.50
        claude-opus-4-6         2026-10-10   5    25    0.50
        claude-opus-4-5         2026-10-10   5    25    0.50
        claude-opus-4-1         2026-10-10  15    75    1.50
        claude-sonnet-5-5       2026-10-10   2    10    0.10
        claude-sonnet-5         2026-10-10   2    10    0.20
        claude-sonnet-4-6       2026-10-10   3    15    0.30
        claude-sonnet-4-5       2026-10-10   3    15    0.30
        claude-haiku-4-5        2026-10-10   1     5    0.10
    """,
    "openai": """
        gpt-5                   2026-06-30   1.25 10    -
        gpt-4.1                 2026-06-21   2     8    -
        gpt-4.1-mini            2026-06-21   0.40  1.60 -
        gpt-4o                  2026-05-27   2.50 10    1.25
        gpt-4o-mini             2026-05-27   0.15  0.60 0.075
    """,
    "gemini": """
        gemini-3.8-flash        2026-10-07   0.75  3.75 -
        gemini-3.8-flash        2027-01-01   1.50  7.50 -
        gemini-3.5-flash        2026-10-07   1.50  9    -
        gemini-3.5-flash-lite   2026-10-07   0.30  2.50 -
        gemini-3.1-pro-preview  2026-10-07   2    12    -
        gemini-2.5-pro          2026-03-31   1.25 10    -
        gemini-2.5-flash        2026-03-31   0.30  2.50 -
        gemini-2.5-flash-lite   2026-03-31   0.10  0.40 -
    """,
}
_SNAPSHOT = re.compile(r"-(\d{8}|\d{4}-\d{2}-\d{2}|latest)$")  # what a model's name may end with
_KINDS = {
    "input_cost_per_token": "prompt",
    "output_cost_per_token": "completion",
    "cache_read_input_token_cost": "cached",
}
_TIER = re.compile(rf"({'|'.join(_KINDS)})_above_(\d{{1,6}})k_tokens")
_corrected: dict[str, Price] = {}  # by the model's name as in the history


def correct(rows: Iterable[Mapping[str, Any]]) -> None:
    """Load the corrected prices that the history stores."""
    _corrected.clear()
    _corrected.update({row["model"]: _price(row, "correction") for row in rows})


def corrected(model: str) -> Price | None:
    """The corrected price of a model, where somebody gave one."""
    return _corrected.get(model)


def find(provider: str, model: str, day: date | None = None) -> Price | None:
    """The row of a provider's model that holds on that day (UTC); today's by default."""
    day, name = day or datetime.now(UTC).date(), _SNAPSHOT.sub("", model.rpartition("/")[2])
    rows = [row.split() for row in _PAGES.get(provider, "").strip().splitlines()]
    valid_rows = [row for row in rows if row[0] == name and date.fromisoformat(row[1]) <= day]
    if not valid_rows:
        return None
    _, since, *numbers = max(valid_rows, key=lambda row: row[1])
    prompt, completion, cached = (None if number == "-" else float(number) / 1e6 for number in numbers)
    return _price({"prompt": prompt, "completion": completion, "cached": cached}, f"price list of {since}")


def dearer(listed: Price | None, published: Price | None) -> Price | None:
    """The higher amount of each kind. The source is the price list where it raised one of them."""
    if listed is None or published is None:
        return listed or published
    cached = (
        listed.cached if published.cached is None or listed.cached is None else max(listed.cached, published.cached)
    )
    higher = replace(
        listed,
        prompt=max(listed.prompt, published.prompt),
        completion=max(listed.completion, published.completion),
        cached=cached,
    )
    return higher if higher == listed else replace(higher, source=f"{published.source}, dearer than LiteLLM's")


def tiers(entry: Mapping[str, Any]) -> tuple[PriceTier, ...]:
    """The prices of long prompts in an entry of LiteLLM's map, as `input_cost_per_token_above_200k_tokens`."""
    amounts = dict[int, dict[str, float]]()
    for key, amount in entry.items():
        match = _TIER.fullmatch(key)
        if match and isinstance(amount, int | float):
            amounts.setdefault(int(match[2]) * 1000, {})[_KINDS[match[1]]] = amount
    return tuple(PriceTier(above=above, **amounts[above]) for above in sorted(amounts))


def _price(row: Mapping[str, Any], source: str) -> Price:
    kinds = ("prompt", "completion", "cached", "reasoning")
    amounts: dict[str, Any] = {kind: row.get(kind) for kind in kinds}
    return Price(**amounts, source=source)
