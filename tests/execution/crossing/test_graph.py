import array
import collections
import datetime as dt
import io
import pathlib
import re
import types
import uuid
import zoneinfo
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_loops.execution.crossing import decode, dumps, encode, loads

UTC = dt.UTC
SCALARS = (
    st.complex_numbers(allow_nan=False) | st.decimals(allow_nan=False) | st.fractions() | st.uuids() | st.timedeltas()
) | (st.dates() | st.datetimes(timezones=st.timezones() | st.just(UTC)) | st.times() | st.integers() | st.text())
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(SCALARS, inner)
        | st.lists(inner).map(collections.deque)
        | st.dictionaries(st.text(), inner).map(collections.OrderedDict)
    ),
    max_leaves=12,
)


@given(value=VALUES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
def test_values_of_the_standard_library_arrive_as_they_were(value, cross):
    arrived = cross(value)
    assert arrived == value
    assert repr(arrived) == repr(value)


SINGLE = [
    ...,
    NotImplemented,
    range(1, 9, 2),
    slice(1, None, 2),
    dt.datetime(2020, 10, 25, 2, 30, fold=1, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")),
    dt.timezone(dt.timedelta(hours=2), "here"),
    Decimal("-0E-10"),
    Fraction(1, 3),
    uuid.UUID(int=5),
    pathlib.Path("/a/b"),
    pathlib.PureWindowsPath("c:/x"),
    re.compile("a+", re.IGNORECASE),
    re.compile(b"a"),
    collections.Counter("abca"),
    collections.defaultdict(list, {1: [2]}),
    collections.deque([1, 2], 3),
    collections.ChainMap({1: 2}, {3: [4]}),
    array.array("d", [1.5]),
    array.array("u", "ab"),
    types.SimpleNamespace(a=1, b=[2]),
    bytearray(b"ab"),
    frozenset([(1, (2,)), 3]),
    int,
    Decimal,
    type(None),
]


@pytest.mark.parametrize("value", SINGLE, ids=lambda value: type(value).__name__)
def test_a_value_arrives_as_it_was(value, cross):
    arrived = cross([value])[0]
    assert type(arrived) is type(value)
    assert arrived == value
    assert repr(arrived) == repr(value)


def test_a_proxy_of_a_mapping_and_files_arrive(cross):
    text, data = io.StringIO("a\r\nb"), io.BytesIO(b"abc")
    text.read(1)
    data.seek(2)
    proxy, text, data = cross([types.MappingProxyType({1: [2]}), text, data])
    assert (type(proxy), dict(proxy)) == (types.MappingProxyType, {1: [2]})
    assert (text.read(), text.getvalue()) == ("\r\nb", "a\r\nb")
    assert data.read() == b"c"


def test_aliases_and_cycles_arrive(cross):
    inner = [1j]
    outer = {"a": inner, "b": (inner, 2j)}
    outer["self"] = outer
    arrived = cross(outer)
    assert arrived["a"] is arrived["b"][0]
    assert arrived["self"] is arrived


def test_a_tuple_in_a_list_in_itself_arrives(cross):
    value = ([1j],)
    value[0].append(value)
    arrived = cross(value)
    assert arrived[0][1] is arrived


class Link:
    def __init__(self, after):
        self.after = after


def test_a_list_of_fifty_thousand_links_arrives(cross):
    first = None
    for _ in range(50_000):
        first = Link(first)
    arrived, length = cross(first, Link), 0
    while arrived is not None:
        arrived, length = arrived.after, length + 1
    assert length == 50_000
    while first is not None:
        first = first.after


def test_what_the_receiver_has_arrives_as_its_own_object(both):
    theirs, ours = [1, 2], [1, 2]
    sender, receiver = both(None, [theirs], [ours])
    arrived = decode(loads(dumps(encode({"x": theirs, "y": [theirs, 2j]}, sender))), receiver)
    assert arrived["x"] is ours
    assert arrived["y"] == [ours, 2j]
    assert arrived["y"][0] is ours


@pytest.mark.parametrize(
    "value", [print, lambda: 1, iter([]), pytest, object(), io.FileIO], ids=lambda value: type(value).__name__
)
def test_everything_else_stays_and_is_stood_in_for(value, both, stand_in):
    sender, receiver = both()
    assert decode(loads(dumps(encode([value], sender))), receiver) == [stand_in(0)]
    assert sender.held == [value]
