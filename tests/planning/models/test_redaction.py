from __future__ import annotations

import pytest

from jupyter_loops.planning.models.redaction import redact


@pytest.mark.parametrize(
    "key",
    ["sk-proj-abcDEF123456", "gsk_abcdefgh12345678", "AIzaSyA1234567890abc", "hf_abcdefghijkl", "AKIAIOSFODNN7EXAMPLE"],
)
def test_known_shapes_of_keys_are_taken_out(key):
    assert redact(f"the key {key} is wrong") == "the key [key] is wrong"


def test_bearer_tokens_secrets_of_the_environment_and_given_keys_are_taken_out(monkeypatch):
    monkeypatch.setenv("MY_SERVICE_TOKEN", "plain words as a secret")

    assert "abc.def" not in redact("Authorization: Bearer abc.def")
    assert redact("it was plain words as a secret") == "it was [key]"
    assert redact("opens with correct-horse", "correct-horse") == "opens with [key]"


def test_ordinary_words_stay():
    text = "risk-averse task-oriented desk-bound words, key-value pairs"
    assert redact(text) == text
