from dataclasses import dataclass

import pytest

from jupyter_loops.execution.crossing import Classes, UnreadableError, decode, dumps, encode, loads


@dataclass
class StandIn:
    number: int


class Sender:
    def __init__(self, classes=None, shared=()):
        self.classes = classes or Classes()
        self.shared, self.held = list(shared), []

    def reference(self, value):
        return next((number for number, each in enumerate(self.shared) if each is value), None)

    def handle(self, value):
        self.held.append(value)
        return len(self.held) - 1


class Receiver:
    def __init__(self, classes=None, shared=()):
        self.classes, self.shared = classes or Classes(), list(shared)

    def referred(self, number):
        if 0 <= number < len(self.shared):
            return self.shared[number]
        raise UnreadableError("there is no such object")

    def handle(self, description):
        return StandIn(description)


@pytest.fixture
def both():
    def sides(classes=None, sent=(), received=()):
        return Sender(classes, sent), Receiver(classes, received)

    return sides


@pytest.fixture
def cross(both):
    """A value, as it arrives on the other side."""

    def crossing(value, *kinds):
        sender, receiver = both(Classes(kinds))
        return decode(loads(dumps(encode(value, sender))), receiver)

    return crossing


@pytest.fixture
def stand_in():
    return StandIn
