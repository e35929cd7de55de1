"""Data that would not arrive as it was examined is refused, with a reason."""

import math
from uuid import UUID, uuid4

import pytest
from pydantic import BaseModel, Field, SecretStr, field_serializer

from jupyter_loops.execution.values import Unequal, examined, from_json, to_json


class Named(BaseModel):
    name: str = Field(alias="fullName")


class Fresh(BaseModel):
    id: UUID = Field(default_factory=uuid4)


class Hides(BaseModel):
    n: int

    @field_serializer("n")
    def shown(self, n: int) -> str:
        return "hidden"


def test_json_stands_for_the_same_value_on_both_sides():
    assert examined(Named, {"fullName": "Ada"}) == from_json(Named, {"fullName": "Ada"})
    assert math.isnan(examined(dict[str, float], {"a": math.nan})["a"])


def test_a_value_that_its_type_makes_anew_is_refused():
    with pytest.raises(Unequal, match="give every field in the JSON"):
        examined(Fresh, {})
    assert examined(Fresh, {"id": "12345678-1234-5678-1234-567812345678"}).id.int


def test_an_object_is_written_so_that_it_arrives_or_is_refused():
    assert to_json(Named, Named(fullName="Ada")) == {"fullName": "Ada"}
    assert to_json(tuple[int, set[int]], (1, {2})) == [1, [2]]
    with pytest.raises(Unequal, match="it cannot be written as JSON and read again"):
        to_json(Hides, Hides(n=3))
    with pytest.raises(Unequal, match="as JSON it would arrive as"):
        to_json(SecretStr, SecretStr("abc"))
