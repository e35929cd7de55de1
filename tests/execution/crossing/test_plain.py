import pickle

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_loops.execution.crossing import NotPlainError, UnreadableError, dumps, loads

SHORT = st.text(max_size=8) | st.binary(max_size=8)
ATOMS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | SHORT
KEYS = ATOMS | st.tuples(ATOMS, ATOMS) | st.frozensets(ATOMS, max_size=3)
VALUES = st.recursive(
    KEYS | st.binary().map(bytearray),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.tuples(inner, inner, inner, inner)
        | st.dictionaries(KEYS, inner, max_size=4)
        | st.sets(KEYS, max_size=4)
    ),
    max_leaves=12,
)


def exact(value):
    """A value with the type and the sign of everything in it."""
    if isinstance(value, set | frozenset):
        return type(value), frozenset(map(exact, value))
    if isinstance(value, dict):
        return [(exact(key), exact(each)) for key, each in value.items()]
    if isinstance(value, list | tuple):
        return type(value), tuple(map(exact, value))
    return type(value), repr(value)


@given(VALUES)
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_plain_values_arrive_as_they_were(value):
    arrived = loads(dumps(value))
    assert exact(arrived) == exact(value)


def test_aliases_and_cycles_arrive():
    inner = [1]
    outer = {"a": inner, "b": inner}
    outer["self"] = outer
    arrived = loads(dumps(outer))
    assert arrived["a"] is arrived["b"]
    assert arrived["self"] is arrived


class Int(int):
    pass


class Key(str):
    __slots__ = ()


@pytest.mark.parametrize(
    "value",
    [
        int,
        type(None),
        type(...),
        len,
        dumps,
        ...,
        NotImplemented,
        1j,
        Int(3),
        Key("a"),
        range(3),
        object(),
        pytest,
        pickle.PickleBuffer(b"ab"),
        {Key("a"): 1},
        {Int(1)},
        frozenset([Key("b")]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_anything_else_is_not_plain(value):
    with pytest.raises(NotPlainError):
        dumps([value])


def test_a_list_nested_deeper_than_the_interpreter_recurses_is_not_plain():
    value = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(NotPlainError):
        dumps(value)


NESTED = b"\x80\x05N" + b"\x85" * 200_000
BAD = {
    "a class": b"\x80\x05cbuiltins\nint\n.",
    "a class by stack": b"\x80\x05\x8c\x08builtins\x8c\x03int\x93.",
    "a call": b"\x80\x05cbuiltins\nlist\n)R.",
    "an instance": b"(ibuiltins\nlist\n.",
    "an object": b"(cbuiltins\nlist\no.",
    "state": b"\x80\x05]}b.",
    "a number of an extension": b"\x80\x05\x82\x01.",
    "a persistent id": b"\x80\x05NQ.",
    "a persistent id in text": b"P1\n.",
    "a buffer": b"\x80\x05\x97.",
    "a memo of two billion": b"\x80\x05Nr\xff\xff\xff\x7f.",
    "a memo in text": b"Np999999999\n.",
    "an integer in text": b"I1\n.",
    "an older protocol": b"\x80\x02N.",
    "a key too deep to be hashed": NESTED + b"}(0N.",
    "a key too deep, by way of the memo": b"\x80\x05N" + b"\x85\x94h\x00" + b"\x85" * 200_000 + b".",
    "a tuple too deep in a set": b"\x80\x05\x8f(N" + b"\x85" * 200_000 + b"\x90.",
    "a set in its own list": b"\x80\x05\x8f(]\x90.",
    "no end": b"\x80\x05N",
    "nothing": b"",
    "a text longer than the bytes": b"\x80\x05X\xff\xff\xff\xffab.",
    "a frame longer than the bytes": b"\x80\x05\x95\xff\xff\xff\xff\xff\xff\xff\x7fN.",
    "bytes of an exabyte": b"\x80\x05\x96\xff\xff\xff\xff\xff\xff\xff\x0f.",
    "an empty stack": b"\x80\x05.",
    "text that is none": b"\x80\x05\x8c\x01\xff.",
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD)
def test_bytes_that_are_no_plain_value_are_refused(data):
    with pytest.raises(UnreadableError):
        loads(data)


def test_a_tuple_too_deep_is_found_among_many():
    deep = b"\x80\x05}(" + b"K\x01K\x02\x86K\x00" * 5000 + b"N" + b"\x85" * 1100 + b"Nu."
    with pytest.raises(UnreadableError, match="1000 deep"):
        loads(deep)


def test_many_tuples_that_are_not_deep_arrive():
    value = [((number, "a"), {(number, (1.5, b"x")): None}) for number in range(3000)]
    assert loads(dumps(value)) == value


def test_a_list_of_a_hundred_thousand_lists_in_lists_comes_and_goes():
    value = loads(b"\x80\x05" + b"]" * 100_000 + b"a" * 99_999 + b".")
    assert len(value) == 1
    del value
