"""What a function takes becomes a schema; what a model sends is read leniently and validated strictly."""

from dataclasses import dataclass
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field

from jupyter_loops.errors import PreflightError
from jupyter_loops.tools.tool_function import MOST, ToolFunction


class Place(BaseModel):
    city: str
    zip: int


@dataclass
class Span:
    first: int
    last: int


def look(
    product: str,
    unit: Literal["EUR", "USD"] = "EUR",
    n: Annotated[int, Field(ge=1, description="how many")] = 1,
    *,
    at: Place | None = None,
):
    """The price of a product.

    In the shop.
    """
    return product, unit, n, at


def test_the_schema_comes_from_the_type_hints_and_the_docstring():
    offer = ToolFunction.of(look).offer

    assert str(offer) == 'look(product: string, unit: string = "EUR", n: integer = 1, at = null)'
    assert offer.description == "The price of a product.\n\nIn the shop."
    assert offer.parameters["required"] == ["product"]
    assert offer.properties["unit"]["enum"] == ["EUR", "USD"]
    assert offer.properties["n"] == {"type": "integer", "minimum": 1, "description": "how many", "default": 1}
    assert offer.parameters["$defs"]["Place"]["required"] == ["city", "zip"]
    assert offer.function["function"]["parameters"] is offer.parameters


def test_arguments_become_what_the_hints_say():
    read = ToolFunction.of(look).read('{"product": "lamp", "at": {"city": "Bern", "zip": 3000}}')

    assert read == {"product": "lamp", "at": Place(city="Bern", zip=3000)}


def test_a_dataclass_a_bare_parameter_and_none_at_all_can_be_asked_for():
    def span(of: Span, anything):
        return of, anything

    assert ToolFunction.of(span).read('{"of": {"first": 1, "last": 2}, "anything": [1]}') == {
        "of": Span(1, 2),
        "anything": [1],
    }
    assert ToolFunction.of(lambda_named := make_nothing()).read("") == {} == ToolFunction.of(lambda_named).read("{}")


def make_nothing():
    def nothing():
        return None

    return nothing


@pytest.mark.parametrize("sloppy", ["{'product': 'lamp'}", '{"product": "lamp",}', '```json\n{"product": "lamp"}\n```'])
def test_slightly_broken_json_is_read(sloppy):
    assert ToolFunction.of(look).read(sloppy) == {"product": "lamp"}


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        ('{"product": 3}', "product: Input should be a valid string"),
        ('{"product": "lamp", "n": "3"}', "n: Input should be a valid integer"),
        ('{"product": "lamp", "n": 0}', "n: Input should be greater than or equal to 1"),
        ('{"product": "lamp", "unit": "yen"}', "unit: Input should be 'EUR' or 'USD'"),
        ('{"product": "lamp", "colour": "red"}', "colour: Extra inputs are not permitted"),
        ("{}", "product: Field required"),
        ('["lamp"]', "no JSON object"),
        ("lamp", "no JSON object"),
        ('{"product": "la', "no JSON object"),  # it was cut off, and may have gone on
        ('{"product": "' + "x" * MOST + '"}', "at most 200,000 are taken"),
        ("[" * 100_000, "no JSON object"),
    ],
)
def test_what_does_not_fit_is_told_to_the_model(arguments, wrong):
    with pytest.raises(ValueError, match=wrong):
        ToolFunction.of(look).read(arguments)


def unreadable(frame: "DoesNotExist"): ...  # noqa: F821


def starred(*numbers: int): ...


def keywords(**more: int): ...


def positional(n: int, /): ...


class Opaque: ...


def opaque(it: Opaque): ...


def größe(): ...  # noqa: PLC2401  # a name that no provider takes


@pytest.mark.parametrize(
    ("function", "wrong"),
    [
        (unreadable, "DoesNotExist"),
        (starred, "numbers: int, and a model can only give arguments by their names"),
        (keywords, "only give arguments by their names"),
        (positional, "only give arguments by their names"),
        (opaque, "opaque cannot be offered to a model"),
        (größe, "ASCII letters"),
        (3, "a tool is a function, and this is a int"),
    ],
)
def test_what_no_model_could_call_is_refused_before_the_run(function, wrong):
    with pytest.raises(PreflightError, match=wrong):
        ToolFunction.of(function)
