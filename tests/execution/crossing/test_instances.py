import enum
import functools
import sys
from collections import OrderedDict, namedtuple
from dataclasses import dataclass, field
from typing import NamedTuple
from unittest.mock import ANY

import attrs
import numpy as np
import pydantic
import pytest

from jupyter_loops.execution.crossing import Classes, UnreadableError, UnsendableError, decode, encode


@dataclass
class Point:
    x: int
    near: list = field(default_factory=list)

    def norm(self):
        return abs(self.x)

    @functools.cached_property
    def area(self):
        return 7


@dataclass(frozen=True, slots=True)
class Key:
    a: int
    b: object = None


class Base:
    __slots__ = ("x",)


class Slotted(Base):
    __slots__ = ("x", "y")


class Model(pydantic.BaseModel):
    name: str = pydantic.Field(alias="n")
    tags: list[str] = []
    _seen: int = pydantic.PrivateAttr(3)


@attrs.define
class Attrs:
    q: int


class Row(NamedTuple):
    a: int
    b: object = "k"


class Colour(enum.Enum):
    RED = 1
    ALSO_RED = 1  # noqa: PIE796
    BLUE = (2, 3)


class Access(enum.Flag):
    READ = 1
    WRITE = 2


class Level(enum.IntEnum):
    LOW = 5


class Stack(list):
    pass


class Ordered(OrderedDict):
    pass


class Euro(int):
    pass


class Guarded:
    def __init__(self):
        raise AssertionError("it ran")

    def __setattr__(self, *_):
        raise AssertionError("it ran")

    __setstate__ = __reduce__ = __getstate__ = __setattr__


class Closing:
    def __del__(self):
        pass


KINDS = (Point, Key, Slotted, Model, Attrs, Row, Colour, Access, Level, Stack, Ordered, Euro, Guarded, Closing)
VALUES = [Point(1, [2]), Key(1, (2,)), Model(n="a"), Attrs(3), Row(1), Row(1, [2]), Colour.RED, Colour.BLUE]
VALUES += [Access.READ | Access.WRITE, Access(0), Level.LOW, Stack([1, [2]]), Ordered(b=1, a=2), Euro(5), Point, Row]
VALUES += [{Key(1): {Colour.RED}}, [Row(Point(1), Row(2))]]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_an_instance_of_a_class_that_both_have_arrives_as_one(value, cross):
    arrived = cross(value, *KINDS)
    assert type(arrived) is type(value)
    assert arrived == value


def test_the_private_state_of_a_model_arrives(cross):
    model = Model(n="a")
    model._seen = 9
    arrived = cross(model, *KINDS)
    assert (arrived._seen, arrived.model_fields_set, arrived.model_dump(by_alias=True)) == (
        9,
        {"name"},
        {"n": "a", "tags": []},
    )


def test_slots_of_the_same_name_stay_apart(cross):
    value = Slotted()
    value.y = [value]
    Base.x.__set__(value, 1)
    Slotted.x.__set__(value, 2)
    arrived = cross(value, *KINDS)
    assert (Base.x.__get__(arrived), arrived.x, arrived.y[0] is arrived) == (1, 2, True)


def test_no_method_of_the_class_runs(cross):
    value = object.__new__(Guarded)
    value.__dict__["a"] = 1
    assert vars(cross(value, Guarded)) == {"a": 1}


def test_what_is_cached_is_left_behind_and_a_method_cannot_be_replaced(both, cross):
    value = Point(2)
    assert value.area == 7
    value.__dict__["area"] = 100
    assert cross(value, Point).area == 7
    value.__dict__["norm"] = lambda: 0
    with pytest.raises(UnsendableError, match=r"Point\.norm"):
        cross(value, Point)
    _, receiver = both(Classes([Point]))
    with pytest.raises(UnreadableError, match="no state of that name"):
        decode((0, [("instance", [0, None, "norm"], (1,)), ("=", 1, ())]), receiver)


@pytest.mark.parametrize("name", ["__array_interface__", "__array__", "__class__", "__dict__"])
def test_an_instance_gets_no_special_name(name, both):
    with pytest.raises(UnreadableError):
        decode((0, [("instance", [0, None, name], (1,)), ("=", 1, ())]), both(Classes([Point]))[1])
    with pytest.raises(UnreadableError):
        decode((0, [("SimpleNamespace", [name, 1], ())]), both()[1])


def test_a_class_with_a_finaliser_is_not_rebuilt(both, cross, stand_in):
    assert cross(Closing(), Closing) == stand_in(0)
    with pytest.raises(UnreadableError):
        decode((0, [("instance", [0, None], ())]), both(Classes([Closing]))[1])


class Liar(int):
    def __eq__(self, other):
        return True

    def __int__(self):
        return 7

    __hash__ = int.__hash__
    __class__ = float
    __reduce__ = __reduce_ex__ = lambda *_: (eval, ("1",))


class LyingList(list):
    def __iter__(self):
        return iter([9])

    def __eq__(self, other):
        return True

    def __getitem__(self, key):
        return 9

    def __len__(self):
        return 0

    __hash__ = None


class LyingDict(dict):
    def items(self):
        return [(9, 9)]

    __iter__ = keys = __getitem__ = items


class LyingText(str):
    __slots__ = ()

    def __str__(self):
        return "lie"

    def __eq__(self, other):
        return True

    __hash__ = str.__hash__


class LyingArray(np.ndarray):
    def __eq__(self, other):
        return np.ones(self.shape, bool)

    __hash__ = None


class Twin(type):
    def __eq__(cls, other):
        return True

    def __hash__(cls):
        return hash(int)


class Impostor(metaclass=Twin):
    pass


LIARS = [
    (Liar(3), 3),
    (LyingList([1, 2]), [1, 2]),
    (LyingDict({1: 2}), {1: 2}),
    (LyingText("a"), "a"),
    ({LyingText("a"): [Liar(1)]}, {"a": [1]}),
    (Level.LOW, 5),
    (Ordered(a=1), OrderedDict(a=1)),
]


@pytest.mark.parametrize(("value", "honest"), LIARS, ids=lambda value: type(value).__name__)
def test_a_liar_arrives_as_the_value_that_is_in_it(value, honest, cross):
    arrived = cross(value)
    assert type(arrived) is type(honest)
    assert not isinstance(next(iter(arrived), None) if isinstance(arrived, dict) else None, LyingText)
    assert repr(arrived) == repr(honest)


@pytest.mark.parametrize(
    "value", [ANY, Impostor(), Point(1), Colour.RED, sys, Impostor], ids=lambda value: type(value).__name__
)
def test_an_object_of_a_class_that_only_the_sender_has_stays(value, cross, stand_in):
    assert cross(value) == stand_in(0)


def test_an_array_that_lies_arrives_as_an_array(cross):
    arrived = cross(np.arange(3).view(LyingArray))
    assert type(arrived) is np.ndarray
    assert (arrived == 5).tolist() == [False, False, False]


def test_a_namedtuple_of_the_sender_is_made_anew(cross):
    arrived = cross([namedtuple("Pair", "left right")(1, [2])] * 2)[0]  # noqa: PYI024
    assert repr(arrived) == "Pair(left=1, right=[2])"
    assert type(arrived).__mro__[1] is tuple
    assert type(cross(namedtuple("Pair", "left right")(3, 4))) is type(arrived)  # noqa: PYI024


def test_the_wrong_number_of_fields_is_refused(both):
    graph = encode(Row(1, [2]), both(Classes([Row]))[0])
    tag, payload, children = graph[1][0]
    with pytest.raises(UnreadableError, match="fields"):
        decode((0, [(tag, payload, children[:1]), *graph[1][1:]]), both(Classes([Row]))[1])
