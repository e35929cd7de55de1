"""Known key shapes never get far."""

import pytest

from jupyter_loops.core.redaction import clean, redact

KEYS = [
    "sk-" + "a1" * 10,
    "AKIA" + "A1" * 8,
    "ASIA" + "A1" * 8,
    *(f"gh{kind}_" + "a1" * 12 for kind in "pousr"),
    "github_pat_" + "a1" * 12,
    "glpat-" + "a1" * 10,
    "hf_" + "a1" * 12,
    "AIza" + "a1" * 16,
    "gsk_" + "a1" * 12,
    "xoxb-" + "1a" * 8,
]


@pytest.mark.parametrize("key", KEYS)
def test_a_key_is_found_wherever_it_stands(key):
    for before, after in [("", ""), ("x = '", "'"), ("a" * 5000, " "), ("\n", "\n")]:
        assert key not in redact(f"{before} {key} {after}")
    assert clean({"a": [1.0, {"b": key}]}) == {"a": [1.0, {"b": "[redacted]"}]}


def test_what_holds_no_key_is_the_same_object():
    value = {"a": ["x" * 100, 1.0, None, {"b": "desk-top, ask-me, gh, hf, Bearer x"}], "c": 3}

    assert clean(value) is value
