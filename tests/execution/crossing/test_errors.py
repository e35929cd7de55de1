import asyncio
import json
import re
import sqlite3
from decimal import Decimal, InvalidOperation

import numpy as np
import pydantic
import pytest

from jupyter_loops.execution.crossing import Classes, decode_error, dumps, encode_error, loads


class Known(Exception):
    def __init__(self, text, code):
        super().__init__(text)
        self.code = code


class Own(ValueError):
    pass


class OwnText(KeyError):
    def __str__(self):
        return "told otherwise"


class Mute(ValueError):
    def __str__(self):
        raise KeyboardInterrupt


class OwnGroup(ExceptionGroup):
    pass


@pytest.fixture
def arrive(both):
    def arriving(error):
        sender, receiver = both(Classes([Known]))
        return decode_error(loads(dumps(encode_error(error, sender))), receiver)

    return arriving


def raised(call):
    with pytest.raises(BaseException) as caught:  # noqa: PT011
        call()
    return caught.value


KNOWN = [
    ValueError("a", 1),
    KeyError(1),
    SystemExit(3),
    StopIteration(5),
    KeyboardInterrupt(),
    GeneratorExit(),
    UnicodeDecodeError("utf8", b"a", 0, 1, "r"),
    asyncio.CancelledError(),
    TimeoutError("late"),
    sqlite3.IntegrityError("no"),
    np.linalg.LinAlgError("singular"),
    raised(lambda: json.loads("{")),
    raised(lambda: re.compile("(")),
    raised(lambda: open("/nothing/here")),  # noqa: SIM115, PTH123
    raised(lambda: {}["a"]),
]


@pytest.mark.parametrize("error", KNOWN, ids=lambda value: type(value).__name__)
def test_an_exception_that_both_know_arrives_as_it_was(error, arrive):
    arrived = arrive(error)
    assert type(arrived) is type(error)
    assert (arrived.args, str(arrived)) == (error.args, str(error))


def test_what_belongs_to_an_exception_arrives(arrive):
    assert arrive(raised(lambda: json.loads("{"))).pos == 1
    assert arrive(StopIteration(5)).value == 5
    assert arrive(SystemExit(3)).code == 3
    assert arrive(raised(lambda: open("/nothing/here"))).filename == "/nothing/here"  # noqa: SIM115, PTH123
    assert isinstance(raised(lambda: Decimal("x")), InvalidOperation)


def test_a_class_of_the_table_keeps_its_state(arrive):
    arrived = arrive(Known("text", [1]))
    assert (type(arrived), str(arrived), arrived.code) == (Known, "text", [1])


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (Own("a"), ValueError, "a"),
        (OwnText("a"), KeyError, "'told otherwise'"),
        (Mute("a"), ValueError, "(its text cannot be had: KeyboardInterrupt)"),
        (raised(lambda: pydantic.TypeAdapter(int).validate_python("x")), ValueError, "1 validation error for int"),
    ],
)
def test_another_class_arrives_as_the_nearest_known_one(error, kind, text, arrive):
    arrived = arrive(error)
    assert type(arrived) is kind
    assert str(arrived).startswith(text)


def test_arguments_that_are_no_data_become_text(arrive):
    assert arrive(ValueError(print)).args == ("<built-in function print>",)


def test_causes_contexts_and_notes_arrive(arrive):
    error = ValueError("a")
    error.__cause__ = KeyError("k")
    error.__cause__.__cause__ = OSError("far")
    error.add_note("n")
    arrived = arrive(error)
    assert repr(arrived.__cause__) == "KeyError('k')"
    assert arrived.__cause__.__cause__ is None
    assert arrived.__suppress_context__
    assert arrived.__notes__ == ["n"]


def test_an_exception_that_caused_itself_arrives(arrive):
    error = ValueError("a")
    error.__context__ = error
    assert arrive(error).args == ("a",)


@pytest.mark.parametrize("kind", [ExceptionGroup, OwnGroup])
def test_a_group_arrives_with_its_members(kind, arrive):
    arrived = arrive(kind("g", [ValueError(1), kind("h", [Own(2)])]))
    assert repr(arrived) == "ExceptionGroup('g', [ValueError(1), ExceptionGroup('h', [ValueError(2)])])"


def test_state_that_cannot_be_sent_does_not_stop_the_exception(arrive):
    error = Known("a", 1)
    error.__dict__["with_traceback"] = 5
    assert isinstance(arrive(error), Exception)
