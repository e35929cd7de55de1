"""Every kind of value, by the tag of its node."""

from __future__ import annotations

from typing import Any

from . import bases, containers, exceptions, instances, scalars
from .kind import Decoding, ValueKind, expect
from .libraries import LIBRARIES


def _referred(payload: Any, _: list[Any], decoding: Decoding) -> object:
    return decoding.receiving.referred(expect(payload, int))


def _stand_in(payload: Any, _: list[Any], decoding: Decoding) -> object:
    return decoding.receiving.handle(payload)


KINDS: dict[str, ValueKind] = {
    "reference": ValueKind(_referred),
    "handle": ValueKind(_stand_in),
    **containers.KINDS,
    **scalars.KINDS,
    **instances.KINDS,
    **bases.KINDS,
    **exceptions.KINDS,
    **{tag: kind for library in LIBRARIES.values() for tag, kind in library.KINDS.items()},
}
