"""A stamp may only stay the same where a dict did; whether this Python numbers its dicts or not."""

from __future__ import annotations

from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_loops.execution.child import stamp as stamps
from jupyter_loops.execution.child.seal import same_kind, sealed
from jupyter_loops.execution.child.stamp import kind, stamp

KEYS = st.sampled_from("abc")
STEPS = st.one_of(
    st.tuples(st.just("__setitem__"), KEYS, st.integers(0, 2)),
    st.tuples(st.sampled_from(["pop", "setdefault"]), KEYS, st.integers(0, 2)),
    st.tuples(st.just("update"), st.dictionaries(KEYS, st.integers(0, 2))),
    st.tuples(st.sampled_from(["clear", "copy", "keys"])),
)


@given(st.dictionaries(KEYS, st.integers(0, 2)), st.lists(STEPS, max_size=8))
def test_no_change_goes_unseen(table, steps):
    number, before, order = stamp(table), dict(table), list(table)
    was = number(0)
    for name, *arguments in steps:
        getattr(table, name)(*arguments)

    if number(0) == was:
        assert (table, list(table)) == (before, order)


def test_another_class_of_a_module_is_seen_and_nothing_else_of_it():
    module = ModuleType("module")
    was, broken = kind(module)(0), same_kind((module,))
    module.a = 1
    assert (kind(module)(0), broken()) == (was, [])
    module.__class__ = type("Other", (ModuleType,), {})
    assert broken() == ["module"]


def test_changes_of_classes_and_modules_are_seen():
    made, module = type("Made", (), {"a": 1}), ModuleType("module")
    numbers = [stamp(vars(made)), stamp(vars(module))]
    before = [number(0) for number in numbers]
    made.a, module.a = 2, 2
    assert all(number(0) != was for number, was in zip(numbers, before, strict=True))


def test_this_python_numbers_changes_so_that_unchanged_dicts_are_not_read():
    number = stamp({"a": 1})
    assert stamps._NUMBERED
    assert number(0) == number(0)


@pytest.mark.parametrize("numbered", [True, False])
@pytest.mark.parametrize(
    ("change", "broken"),
    [
        (lambda table: table.update(a=2), ["t.a"]),
        (lambda table: table.update(d=2), []),
        (lambda table: table.pop("b"), ["t.b"]),
        (lambda table: table.update(d=table.pop("a")), ["t.a"]),
        (lambda table: table.update(a=table.pop("a")), []),
        (lambda table: table.clear(), ["t.a", "t.b"]),
        (lambda _: None, []),
    ],
)
def test_a_seal_names_what_is_replaced_or_gone_and_nothing_else(change, broken, numbered, monkeypatch):
    monkeypatch.setattr(stamps, "_NUMBERED", numbered)
    table = {"a": print, "b": len, "_": 1}
    seal = sealed([("t", table)])
    change(table)
    assert seal() == broken
