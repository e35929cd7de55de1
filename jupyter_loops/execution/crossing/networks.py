"""networkx's graphs: nodes, edges and attributes."""

from __future__ import annotations

import sys
from typing import Any

from .kind import Decoding, Encoding, Node, ValueKind, expect, imported
from .refusal import UnreadableError

NAME = "networkx"
_CLASSES = ("Graph", "DiGraph", "MultiGraph", "MultiDiGraph")


def describe(value: Any, _: Encoding) -> Node | None:
    """The node of a graph; None for other objects of networkx's."""
    nx, name = sys.modules["networkx"], type(value).__name__
    if name not in _CLASSES or getattr(nx, name) is not type(value):
        return None
    nodes = [(node, dict(attributes)) for node, attributes in value.nodes(data=True)]
    edges = list(value.edges(keys=True, data=True) if value.is_multigraph() else value.edges(data=True))
    return "nx.graph", name, [dict(value.graph), nodes, edges]


def _make(name: Any, _: list[Any], __: Decoding) -> object:
    nx = imported("networkx")

    if expect(name, str) not in _CLASSES:
        raise UnreadableError("a graph has no such class")
    return getattr(nx, name)()


def _fill(target: Any, _: Any, children: list[Any], __: Decoding) -> None:
    attributes, nodes, edges = children
    target.graph.update(expect(attributes, dict))
    width = 4 if target.is_multigraph() else 3
    for node in expect(nodes, list):
        key, data = expect(node, tuple)
        target.add_node(key)
        target.nodes[key].update(expect(data, dict))
    for edge in expect(edges, list):
        if type(edge) is not tuple or len(edge) != width or type(edge[-1]) is not dict:
            raise UnreadableError("an edge is none")
        *ends, data = edge
        target.add_edge(*ends)
        target.edges[tuple(ends)].update(data)


def same(value: Any, other: Any, pair: Any) -> bool | None:
    """Networks are compared by their state, as instances are."""
    del value, other, pair
    return None


def put_back(target: Any, new: Any) -> bool:
    """Gives a graph the content of another."""
    if type(target).__name__ not in _CLASSES:
        return False
    target.clear()
    _fill(target, None, describe(new, None)[2], None)  # type: ignore[index,arg-type]
    return True


KINDS = {"nx.graph": ValueKind(_make, _fill)}
