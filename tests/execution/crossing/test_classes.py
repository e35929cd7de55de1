import enum
import http
import json
from dataclasses import dataclass

import pytest

from jupyter_loops.execution.crossing import Classes, UnreadableError


class Outer:
    class Inner:
        pass


class Base:
    pass


class Derived(Base):
    pass


@dataclass
class Alone:
    pass


class Kind(enum.Enum):
    A = 1


def test_the_classes_that_names_lead_to_have_numbers():
    table = Classes.of({"Outer": Outer, "one": Derived(), "many": [Alone()], "json": json, "ok": http.HTTPStatus.OK})
    for kind in (Outer, Outer.Inner, Derived, Base, Alone, http.HTTPStatus):
        number = table.number(kind)
        assert number is not None
        assert table.at(number) is kind


def test_builtin_classes_and_unknown_ones_have_none():
    table = Classes.of({"Kind": Kind, "n": 5, "t": int})
    assert table.number(int) is None
    assert table.number(json.JSONDecoder) is None
    assert table.number(Kind) is not None


@pytest.mark.parametrize("number", [-1, 10**9, True, "0", None, 1.0])
def test_a_number_outside_the_table_is_refused(number):
    with pytest.raises(UnreadableError):
        Classes([Outer]).at(number)


def test_classes_of_a_users_own_module_are_in_the_table(tmp_path, monkeypatch):
    (tmp_path / "my_shapes.py").write_text("class Square:\n    pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    import my_shapes

    assert Classes.of({}).number(my_shapes.Square) is not None


def test_only_the_users_classes_and_classes_of_data_are_rebuilt():
    import subprocess

    table = Classes([Outer, subprocess.Popen])
    assert table.rebuilds(Outer)
    assert not table.rebuilds(subprocess.Popen)
