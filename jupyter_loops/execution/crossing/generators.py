"""Random number generators: an original advances to the position of its copy in the other process.

The other process reports the state of its copy. That state is never taken over, since it could decide what is drawn
next: the original draws along its own sequence until it has that state, or stays where it is.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable
from typing import Any

from .kind import expect
from .refusal import UnreadableError

State = tuple[str, Any, Any, Any]  # a kind of sequence, and where in it
_WORDS = 624  # of a Mersenne twister
_TWISTS = 20_000  # of which each makes so many words new
_FARTHEST = 1 << 44  # draws of a PCG64
_FACTOR, _MASK = 0x2360ED051FC65DA44385DF649FCCF645, (1 << 128) - 1  # of NumPy's PCG64
_OFF_SEQUENCE = "a generator of random numbers is not where its own sequence leads"


def kinds() -> frozenset[type]:
    """The classes of generators whose library is there."""
    return frozenset(
        getattr(sys.modules[module], name)
        for module, name in (("random", "Random"), ("numpy.random", "Generator"), ("numpy.random", "RandomState"))
        if hasattr(sys.modules.get(module), name)
    )


def state_of(generator: Any) -> State | None:
    """The position in its sequence; None for a sequence that cannot be followed."""
    if type(generator).__module__ == "random":
        _, (*key, place), gauss = generator.getstate()
        return "random", array("L", key).tobytes(), place, gauss
    bits = _bits(generator)
    state = bits.state
    if state["bit_generator"] == "MT19937":
        return "MT19937", state["state"]["key"].tobytes(), int(state["state"]["pos"]), None
    if state["bit_generator"] == "PCG64":
        half = int(state["uinteger"]) if state["has_uint32"] else None
        return "PCG64", int(state["state"]["state"]), int(state["state"]["inc"]), half
    return None


def move_on(generator: Any, reported: Any) -> None:
    """Draw until the generator has the reported state. Raises UnreadableError if it never has."""
    now = state_of(generator) if type(generator) in kinds() else None
    if type(reported) is not tuple or now is None or len(reported) != len(now) or reported[0] != now[0]:
        raise UnreadableError(_OFF_SEQUENCE)
    {"random": _move_random, "MT19937": _move_twister, "PCG64": _move_pcg}[now[0]](generator, now, reported)


def _move_random(generator: Any, now: State, reported: State) -> None:
    clone = type(generator)()
    version, words, gauss = generator.getstate()
    clone.setstate((version, words, None))
    _twist(lambda: state_of(clone), lambda count: clone.getrandbits(32 * count), reported)
    generator.setstate((version, clone.getstate()[1], gauss if reported[3] == now[3] else None))


def _move_twister(generator: Any, _: State, reported: State) -> None:
    bits = _bits(generator)
    clone = type(bits)()
    clone.state = bits.state
    generator_class = sys.modules["numpy.random"].Generator
    clone_generator = generator_class(clone)
    _twist(lambda: state_of(clone_generator), lambda count: clone.random_raw(count, output=False), reported)
    bits.state = clone.state


def _twist(now: Callable[[], Any], draw: Callable[[int], object], reported: State) -> None:
    key, place = expect(reported[1], bytes), expect(reported[2], int)
    for _ in range(_TWISTS):
        _, clone_key, clone_place, _ = now()
        if clone_key == key and clone_place <= place <= _WORDS:
            if place > clone_place:
                draw(place - clone_place)
            return
        draw(_WORDS - clone_place + 1)
    raise UnreadableError(_OFF_SEQUENCE)


def _move_pcg(generator: Any, now: State, reported: State) -> None:
    steps, bits = _distance(now[1], expect(reported[1], int), now[2]), _bits(generator)
    if reported[2] != now[2] or steps > _FARTHEST:
        raise UnreadableError(_OFF_SEQUENCE)
    if steps == 0 and reported[3] == now[3]:
        return
    clone = type(bits)()
    clone.state = bits.state
    last = int(clone.advance(steps - 1).random_raw()) >> 32 if steps else None
    bits.advance(steps)
    if reported[3] is not None and reported[3] == last:  # half of what was drawn last is still to be given out
        bits.state = bits.state | {"has_uint32": 1, "uinteger": last}


def _distance(state: int, goal: int, increment: int) -> int:
    """Steps between two states of a linear congruential generator, bit by bit (O'Neill, 2014, PCG)."""
    factor, plus, bit, steps = _FACTOR, increment, 1, 0
    while state != goal & _MASK and bit <= _MASK:
        if (state ^ goal) & bit:
            state, steps = (state * factor + plus) & _MASK, steps | bit
        plus, factor, bit = (factor + 1) * plus & _MASK, factor * factor & _MASK, bit << 1
    return steps


def _bits(generator: Any) -> Any:
    return generator._bit_generator  # noqa: SLF001 - of both, where a RandomState has no other way to it
