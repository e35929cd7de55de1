"""Two sources of prices, of which the dearer counts."""

from datetime import date

import pytest

from jupyter_loops.core.budget import Price
from jupyter_loops.planning.models import price_list
from jupyter_loops.planning.models.client import load
from jupyter_loops.planning.models.price_list import dearer, find
from jupyter_loops.planning.models.provider import LiteLLMModel

AUTUMN = date(2026, 11, 29)


def dollars(price):
    return [None if one is None else round(one * 1e6, 6) for one in (price.prompt, price.completion, price.cached)]


@pytest.mark.parametrize(
    ("provider", "model", "expected"),
    [
        ("anthropic", "claude-sonnet-4-5-20250929", [3, 15, 0.3]),
        ("anthropic", "anthropic/claude-haiku-4-5", [1, 5, 0.1]),
        ("openai", "gpt-4o-mini", [0.15, 0.6, 0.075]),
        ("openai", "openai/gpt-4.1-2025-04-14", [2, 8, None]),
        ("gemini", "gemini/gemini-2.5-pro", [1.25, 10, None]),
    ],
)
def test_a_model_is_found_by_its_name_with_and_without_a_date(provider, model, expected):
    assert dollars(find(provider, model, AUTUMN)) == expected


def test_a_price_that_is_announced_holds_from_its_day_on():
    days = date(2026, 10, 6), date(2026, 12, 31), date(2027, 1, 1)
    then = [find("gemini", "gemini/gemini-3.8-flash", day) for day in days]

    assert then[0] is None
    assert [dollars(price) for price in then[1:]] == [[0.75, 3.75, None], [1.5, 7.5, None]]
    assert then[2].source == "price list of 2027-01-01"


def test_what_is_not_listed_has_no_price():
    assert find("openai", "gpt-4o-mini-of-mine", AUTUMN) is None
    assert find("hosted_vllm", "hosted_vllm/gpt-4o", AUTUMN) is None


@pytest.mark.parametrize(
    ("listed", "ours", "expected"),
    [
        ((2, 8, 0.5), (2, 8, 0.5), (2, 8, 0.5)),
        ((2, 8, 0.5), (3, 6, 0.5), (3, 8, 0.5)),
        ((2, 8, 0.5), (2, 8, None), (2, 8, 0.5)),
        ((2, 8, None), (2, 8, 0.5), (2, 8, None)),  # without one, a cached token costs as any
        ((2, 8, 0.5), (2, 8, 1), (2, 8, 1)),
    ],
)
def test_the_dearer_counts_for_each_kind_of_token(listed, ours, expected):
    first, second = (Price(prompt=a, completion=b, cached=c) for a, b, c in (listed, ours))
    found = dearer(first, second)

    assert (found.prompt, found.completion, found.cached) == expected
    assert (found.source == "litellm") is (listed == expected)


def test_one_source_is_enough():
    price = Price(prompt=1, completion=2)

    assert dearer(price, None) is dearer(None, price) is price
    assert dearer(None, None) is None


async def test_a_model_is_charged_at_the_dearer_price_until_it_is_corrected(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "k" * 20)
    entry = {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 1e-7, "output_cost_per_token": 2e-6}
    monkeypatch.setitem(load().model_cost, "gpt-4o-mini", entry)
    model = LiteLLMModel("gpt-4o-mini")
    await model.open()

    assert dollars(model.price())[:2] == [0.15, 2]
    assert model.price().source == "price list of 2026-05-27, dearer than LiteLLM's"
    monkeypatch.setattr(price_list, "_corrected", {})
    price_list.correct([{"model": "gpt-4o-mini", "prompt": 1e-8, "completion": 1e-7, "cached": None}])
    assert dollars(model.price()) == [0.01, 0.1, None]
    price_list.correct([])
    assert dollars(model.price())[:2] == [0.15, 2]
