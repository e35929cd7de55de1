"""Options in Python are numbers; the line of `%%loop` has units."""

import pytest

from jupyter_loops.assemble import Options
from jupyter_loops.errors import OptionError


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("time", "15s", "time takes a number of seconds, got '15s'; units are for the line of %%loop"),
        ("memory", "512MB", "memory takes a number of bytes, got '512MB'; units are for the line of %%loop"),
        ("usd", "$1", "usd takes a number, got '$1'; units are for the line of %%loop"),
        ("iterations", True, "iterations takes a number, got True; units are for the line of %%loop"),
    ],
)
def test_what_is_no_number_is_told_by_name(name, value, told):
    with pytest.raises(OptionError) as caught:
        Options(**{name: value})
    assert str(caught.value) == told
