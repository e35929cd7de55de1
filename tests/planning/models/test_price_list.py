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


LONG = {
    "litellm_provider": "gemini",
    "mode": "chat",
    "input_cost_per_token": 1e-6,
    "output_cost_per_token": 8e-6,
    "cache_read_input_token_cost": 1e-7,
    "input_cost_per_token_above_200k_tokens": 2e-6,
    "output_cost_per_token_above_200k_tokens": 12e-6,
    "cache_read_input_token_cost_above_200k_tokens": 2e-7,
    "input_cost_per_token_above_200k_tokens_batches": 9.0,
    "output_cost_per_token_above_1000k_tokens": 1e-4,
    "cache_creation_input_token_cost_above_1hr": 9.0,
}


async def test_a_prompt_above_a_length_costs_what_the_map_says(monkeypatch):
    monkeypatch.setenv("GEMINI_API_KEY", "k" * 20)
    monkeypatch.setitem(load().model_cost, "gemini/long-model", LONG)
    model = LiteLLMModel("gemini/long-model")
    await model.open()
    price = model.price()

    assert price.cost(200_000, 1000) == pytest.approx(0.2 + 0.008)
    assert price.cost(200_001, 1000) == pytest.approx(0.400002 + 0.012)
    assert price.cost(300_000, 1000, cached_tokens=100_000) == pytest.approx(0.4 + 0.02 + 0.012)
    assert price.worst(300_000, 1000) == pytest.approx(0.6 + 0.012)
    assert price.answer(0.612, 300_000) == pytest.approx(1000, abs=1)
    assert price.answer(0.5, 300_000) == -1
    assert price.worst(1_100_000, 10) == pytest.approx(2.2 + 0.001)  # the highest tier lists no price of prompts
    assert "; $2 in and $12 out above 200,000 tokens" in str(price)


def test_the_price_of_a_call_is_that_of_its_prompt():
    price = Price(prompt=1, completion=2, reasoning=3, tiers=price_list.tiers(LONG))

    assert price.of_prompt(10).prompt == 1
    assert price.of_prompt(200_001) == Price(prompt=2e-6, completion=12e-6, cached=2e-7, reasoning=3)
    assert price_list.tiers({}) == ()
