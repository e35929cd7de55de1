import pandas as pd
import pytest

from jupyter_loops.execution.crossing import UnreadableError, UnsendableError, dumps, pack, unpack


class Own:
    pass


@pytest.mark.parametrize(
    "value", [5, [1, {"a": (2,)}], (1,), 2j, {"f": {1: 2j}}], ids=lambda value: type(value).__name__
)
def test_data_is_packed_and_unpacked(value):
    assert unpack(pack(value)) == value
    assert type(unpack(pack(value))) is type(value)


def test_a_frame_is_packed_and_unpacked():
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", None]})
    pd.testing.assert_frame_equal(unpack(pack(frame)), frame)


@pytest.mark.parametrize("value", [Own(), [Own], print, {"a": iter([])}], ids=lambda value: type(value).__name__)
def test_what_is_no_data_is_refused_with_its_class(value):
    with pytest.raises(UnsendableError, match="cannot be delivered as data"):
        pack(value)


@pytest.mark.parametrize(
    "graph", [5, (0, [("handle", 0, ())]), (0, [("reference", 0, ())]), (0, [("type", 0, ())]), ()]
)
def test_what_was_not_packed_is_refused(graph):
    with pytest.raises(UnreadableError):
        unpack(dumps(graph))
