"""A value as a graph of plain values, and back: aliasing and cycles survive, and neither way recurses.

A graph is `(root, nodes)`, and a node `[tag, payload, children]`: the payload is plain, children are indices.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .depth import DEEPEST
from .describe_value import describe
from .exceptions import bare
from .kind import Decoding, Encoding, Node, Receiving, Sending, fields
from .kinds import KINDS
from .refusal import Refusal, UnreadableError, UnsendableError

Graph = tuple[int, list[Node]]
_SEQUENCES = frozenset({list, tuple})
_PARTS = 3
_MUTABLE = frozenset({list, dict, set, bytearray})
LARGEST = 1 << 30  # bytes that decoding may copy


def encode(value: object, sending: Sending) -> Graph:
    """The graph of a value. Raises UnsendableError."""
    encoding = Encoding(sending)
    nodes: list[Any] = []
    places: dict[int, int] = {}
    alive: list[object] = []  # an id means nothing once its object is gone
    waiting: list[tuple[int, object]] = []
    handles: list[int] = []

    def place(child: object) -> int:
        number = places.get(id(child))
        if number is None:
            number = places[id(child)] = len(nodes)
            nodes.append(None)
            alive.append(child)
            waiting.append((number, child))
        return number

    place(value)
    try:
        while waiting:
            index, item = waiting.pop()
            tag, payload, children = describe(item, encoding)
            nodes[index] = [tag, payload, list(map(place, children))]  # as tuples their depth would be measured
            if tag == "handle":
                handles.append(index)
        for index in _works_on(nodes, handles) if handles else ():
            nodes[index] = ["handle", sending.handle(alive[index]), []]
    except Refusal:
        raise
    except Exception as error:  # noqa: BLE001
        raise UnsendableError(f"it cannot be read ({type(error).__name__})") from None
    return 0, nodes


def _works_on(nodes: list[Any], handles: list[int]) -> list[int]:
    """Nodes of what a library works on that hold a handle, however deep: its code can do nothing with a stand-in."""
    if not any(KINDS[tag].works for tag, _, _ in nodes):
        return []
    parents: dict[int, list[int]] = {}
    for index, (_, _, children) in enumerate(nodes):
        for child in children:
            parents.setdefault(child, []).append(index)
    waiting, holding = [*handles], set(handles)
    while waiting:
        above = set(parents.get(waiting.pop(), ())) - holding
        holding |= above
        waiting += above
    return [index for index in holding if KINDS[nodes[index][0]].works]


def encode_error(error: BaseException, sending: Sending) -> Graph:
    """The graph of an exception: at the least a known class of its and its text. Never raises."""
    try:
        return encode(error, sending)
    except Exception:  # noqa: BLE001
        tag, payload, _ = bare(error)
        return 0, [(tag, payload, (1, 1)), ("=", None, ())]


def decode_error(graph: object, receiving: Receiving, limit: int = LARGEST) -> BaseException:
    """The exception of a graph that may be hostile. Raises UnreadableError."""
    error = decode(graph, receiving, limit)
    if not isinstance(error, BaseException):
        raise UnreadableError("it is no exception")
    return error


def decode(graph: object, receiving: Receiving, limit: int = LARGEST) -> Any:
    """The value of a graph that may be hostile. Raises UnreadableError."""
    # A panic of polars' is no Exception.
    try:
        root, nodes = _checked(graph)
        return _Decoder(nodes, Decoding(receiving, limit)).build(root)
    except (UnreadableError, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001
        raise UnreadableError(f"it cannot be rebuilt ({type(error).__name__}: {str(error)[:200]})") from None


class _Decoder:
    def __init__(self, nodes: list[Node], decoding: Decoding) -> None:
        self._nodes = nodes
        self._decoding = decoding
        self._built: dict[int, object] = {}
        self._entered: set[int] = set()
        self._finished: set[int] = set()
        self._depths: dict[int, int] = {}
        self._deferred: list[int] = []  # these hold something that is made after them

    def build(self, root: int) -> object:
        waiting = [root]
        while waiting:
            index = waiting[-1]
            if index in self._entered:
                waiting.pop()
                self._finish(index)
            else:
                self._enter(index)
                waiting.extend(child for child in self._nodes[index][2] if child not in self._entered)
        for index in self._deferred:
            self._fill(index)
        return self._built[root]

    def _enter(self, index: int) -> None:
        self._entered.add(index)
        tag, payload, _ = self._nodes[index]
        if KINDS[tag].fill is not None:
            self._built[index] = KINDS[tag].make(payload, [], self._decoding)

    def _finish(self, index: int) -> None:
        if index in self._finished:
            return
        self._finished.add(index)
        tag, payload, children = self._nodes[index]
        if KINDS[tag].fill is None:
            self._deepen(index, children)
            self._built[index] = KINDS[tag].make(payload, self._values(children), self._decoding)
        elif all(child in self._built for child in children):
            self._fill(index)
        else:
            self._deferred.append(index)

    def _deepen(self, index: int, children: Sequence[int]) -> None:
        """Hashing and comparing what cannot change recurses in C, some of it without a limit."""
        depth = 1 + max((self._depths.get(child, 0) for child in children), default=0)
        if depth > DEEPEST:
            raise UnreadableError(f"it is nested more than {DEEPEST} deep")
        self._depths[index] = depth

    def _fill(self, index: int) -> None:
        tag, payload, children = self._nodes[index]
        fill = KINDS[tag].fill
        assert fill is not None
        fill(self._built[index], payload, self._values(children), self._decoding)

    def _values(self, children: Sequence[int]) -> list[object]:
        try:
            return [self._built[child] for child in children]
        except KeyError:
            raise UnreadableError("something that cannot hold itself holds itself") from None


def _checked(graph: object) -> tuple[int, list[Node]]:
    root, nodes = fields(graph, int, list)
    for node in nodes:
        if type(node) not in _SEQUENCES or len(node) != _PARTS:
            raise UnreadableError("a node is not (tag, payload, children)")
        tag, _, children = node
        if type(tag) is not str or type(children) not in _SEQUENCES or tag not in KINDS:
            raise UnreadableError("a node is of no known kind")
        if children and (set(map(type, children)) != {int} or min(children) < 0 or max(children) >= len(nodes)):
            raise UnreadableError("a child is none of the nodes")
    if not 0 <= root < len(nodes):
        raise UnreadableError("there is no root")
    _refuse_sharing(nodes)
    return root, nodes


def _refuse_sharing(nodes: list[Node]) -> None:
    """A payload that many nodes share would be rebuilt as often."""
    shared = [id(node[1]) for node in nodes if type(node[1]) in _MUTABLE]
    if len(set(shared)) != len(shared):
        raise UnreadableError("two nodes share a payload")
