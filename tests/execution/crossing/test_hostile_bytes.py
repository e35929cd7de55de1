"""Whatever the bytes are, the receiver raises Unreadable or returns a value of types that it made itself."""

import pickle
import pickletools
import random

import numpy as np
import pandas as pd
import pytest

from jupyter_loops.execution.crossing import Classes, UnreadableError, decode, dumps, encode, loads
from jupyter_loops.execution.crossing.kinds import KINDS

PLAIN = {type(None), bool, int, float, str, bytes, bytearray, list, tuple, dict, set, frozenset}
CODES = [code.code.encode("latin-1") for code in pickletools.opcodes]
ROUNDS = 2000


def inner_types(value):
    seen, waiting, found = set(), [value], set()
    while waiting:
        each = waiting.pop()
        found.add(type(each))
        if id(each) not in seen and isinstance(each, list | tuple | set | frozenset | dict):
            seen.add(id(each))
            waiting.extend(each)
            waiting.extend(each.values() if isinstance(each, dict) else ())
    return found


def reads(data):
    try:
        return loads(data)
    except UnreadableError:
        return None


def test_random_bytes_build_nothing_but_plain_values():
    chance = random.Random(1)
    for _ in range(ROUNDS):
        assert inner_types(reads(b"\x80\x05" + chance.randbytes(chance.randrange(60)) + b".")) <= PLAIN


def test_random_opcodes_build_nothing_but_plain_values():
    chance = random.Random(2)
    arguments = [b"", b"\x00", b"\x01", b"\x02\x00\x00\x00", b"builtins\nint\n", b"\x03int"]
    for _ in range(ROUNDS):
        steps = [chance.choice(CODES) + chance.choice(arguments) for _ in range(chance.randrange(1, 25))]
        assert inner_types(reads(b"\x80\x05" + b"".join(steps) + b".")) <= PLAIN


class Holder:
    def __init__(self):
        self.a = [1]

    def __setstate__(self, state):
        raise AssertionError("it ran")


def test_pickles_of_everything_else_are_refused():
    values = [Holder(), Holder, len, np.arange(3), pd.DataFrame({"a": [1]}), ValueError(), 1j, range(3), slice(1)]
    for value in values:
        for protocol in range(6):
            with pytest.raises(UnreadableError):
                loads(pickle.dumps(value, protocol))


def mutated(chance, data):
    data = bytearray(data)
    for _ in range(chance.randrange(1, 6)):
        place = chance.randrange(len(data))
        match chance.randrange(4):
            case 0:
                data[place] = chance.randrange(256)
            case 1:
                del data[place : place + chance.randrange(1, 4)]
            case 2:
                data[place:place] = chance.choice(CODES)
            case _:
                start = chance.randrange(len(data))
                data[place:place] = data[start : start + chance.randrange(8)]
    return bytes(data)


def samples():
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", None], "c": pd.Categorical(["p", "q"])})
    yield {"a": [1, 2.5, None, (True, "x")], (1, 2): {3, b"y"}, "n": {"deep": [[[]]]}}
    yield [np.arange(4.0), np.array(["a", "b"]), np.array([1, [2]], object), 2j, range(5)]
    yield frame
    yield [Holder(), ValueError("x", 3), {1: Holder}]
    yield pd.Series(pd.date_range("2020", periods=3, tz="UTC"))


def test_mutations_of_what_is_honest_are_refused_or_plain(both):
    chance = random.Random(3)
    sender, _ = both(Classes([Holder]))
    honest = [dumps(encode(value, sender)) for value in samples()]
    for _ in range(ROUNDS):
        assert inner_types(reads(mutated(chance, chance.choice(honest)))) <= PLAIN


def altered(chance, graph):
    root, nodes = graph
    nodes = list(nodes)
    for _ in range(chance.randrange(1, 4)):
        place = chance.randrange(len(nodes))
        tag, payload, children = nodes[place]
        other = nodes[chance.randrange(len(nodes))]
        match chance.randrange(6):
            case 0:
                tag = chance.choice(list(KINDS))
            case 1:
                payload = other[1]
            case 2:
                children = tuple(chance.randrange(-1, len(nodes) + 1) for _ in range(chance.randrange(5)))
            case 3:
                payload = chance.choice([None, -1, 10**30, "x" * 40, b"", (), [], {}, True, 1.5, ((),) * 5, [[1]]])
            case 4:
                children = children[::-1]
            case _ if type(payload) is tuple and payload:
                spot, new = (
                    chance.randrange(len(payload)),
                    chance.choice([-1, 1 << 70, "a", None, (1,), [], b"zz", True]),
                )
                payload = (*payload[:spot], new, *payload[spot + 1 :])
        nodes[place] = (tag, payload, children)
    return chance.choice([root, root, root, chance.randrange(len(nodes))]), nodes


ALLOWED = ("builtins", "numpy", "pandas", "collections", "tests", "datetime", "types")


@pytest.mark.filterwarnings("ignore")
def test_mutations_of_graphs_are_refused_or_of_known_types(both):
    chance = random.Random(4)
    sender, receiver = both(Classes([Holder]))
    honest = [encode(value, sender) for value in samples()]
    arrived = 0
    for _ in range(ROUNDS):
        try:
            value = decode(loads(dumps(altered(chance, chance.choice(honest)))), receiver)
        except UnreadableError:
            continue
        arrived += 1
        assert all(kind.__module__.split(".")[0].endswith(ALLOWED) for kind in inner_types(value)), value
    assert 0 < arrived < ROUNDS


@pytest.mark.parametrize(
    "graph",
    [
        None,
        5,
        (),
        (0,),
        (0, []),
        (0, [()]),
        (0, [("list",)]),
        (0, [("nothing", None, ())]),
        (0, [("list", None, (1,))]),
        (1, [("list", None, ())]),
        (True, [("list", None, ())]),
        (0, [("list", None, 5)]),
        (0, [(1, None, ())]),
        (0, [("tuple", None, (0,))]),
        (0, [("frozenset", None, (1,)), ("list", None, ())]),
        ("0", [("list", None, ())]),
        (0, [("list", [object], ())]),
        (0, [("=", [1], ())]),
        (0, [("type", "eval", ())]),
        (0, [("type", 0, ())]),
        (0, [("np.array", ("<f8", (10**15,), "C", bytearray(8)), ())]),
        (0, [("np.array", ("<U0", (10**15,), "C", bytearray()), ())]),
        (0, [("np.array", ("O", (1,), "C", bytearray(8)), ())]),
        (0, [("error", ("os:system", ("ls",), (), (), False), (1, 1)), ("=", None, ())]),
        (0, [("error", ("builtins:eval", ("1",), (), (), False), (1, 1)), ("=", None, ())]),
        (0, [("namedtuple", ("a", "b:1"), (1,)), ("=", None, ())]),
        (0, [("np.view", "matrix", (1,)), ("np.array", ("<i8", (1,), "C", bytearray(8)), ())]),
        (0, [("np.view", "memmap", (1,)), ("np.array", ("<i8", (1,), "C", bytearray(8)), ())]),
        (0, [("sk.estimator", ("os", "system", ()), ())]),
        (0, [("reference", 3, ())]),
        (0, [("dict", [1], ())]),
    ],
)
def test_graphs_without_sense_are_refused(graph, both):
    with pytest.raises(UnreadableError):
        decode(graph, both()[1])


def test_tuples_in_tuples_by_nodes_are_refused_before_they_are_hashed(both):
    nodes = [("tuple", None, (place + 1,)) for place in range(100_000)] + [("=", 1, ())]
    with pytest.raises(UnreadableError, match="deep"):
        decode((0, nodes), both()[1])


def test_a_payload_is_rebuilt_once(both):
    shared = list(range(1000))
    with pytest.raises(UnreadableError, match="share"):
        decode((0, [("list", None, (1, 2)), ("list", shared, ()), ("list", shared, ())]), both()[1])


def test_copies_are_bounded(both):
    nodes = [("list", None, tuple(range(1, 101))), *[("BytesIO", (b"x" * 1000, 0), ())] * 100]
    with pytest.raises(UnreadableError, match="larger"):
        decode((0, nodes), both()[1], limit=50_000)
