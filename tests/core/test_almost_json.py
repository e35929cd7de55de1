"""JSON that models write almost: repaired, and never at the price of minutes."""

import pytest

from jupyter_loops.core.almost_json import repaired

ROWS = 2000


@pytest.mark.parametrize(
    "row",
    [
        "{'name': 'a b', 'n': 1}",
        '{name: "a b", n: 1}',
        '{"name": "a b" "n": 1}',
        '{"name": "a b", "n": 1,}',
        '{"name": "a b", "n": 1  // one\n}',
    ],
)
def test_a_long_list_with_a_mistake_in_every_row_is_repaired(row):
    found = repaired('{"value": [' + ", ".join([row] * ROWS) + "]}")

    assert found == {"value": [{"name": "a b", "n": 1}] * ROWS}


@pytest.mark.parametrize(
    "piece",
    ["'a", '"a:', "{value: '", "[{", "{", '{"a":', "[(", "[1,"],
    ids=["quotes", "keys", "unclosed", "objects", "braces", "nested", "tuples", "lists"],
)
def test_what_a_repair_would_take_minutes_for_is_given_up(piece):
    with pytest.raises(ValueError, match=r"too many mistakes|nest"):
        repaired('{"value": [' + piece * 30_000)
