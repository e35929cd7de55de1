from __future__ import annotations

import email.utils

import pytest

from jupyter_loops.planning.models.faults import retry_after, unknown_model


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": email.utils.formatdate(1_000_060, usegmt=True)}, 60.0),
        ({"retry-after": email.utils.formatdate(1, usegmt=True)}, 0.0),
        ({"retry-after": ""}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "Sun, 99 Nov"}, None),
        ({}, None),
    ],
)
def test_the_wait_that_a_provider_asks_for_is_read_in_every_form(headers, seconds):
    assert retry_after(headers, now=1_000_000) == seconds


def test_a_name_like_nothing_known_is_told_what_names_look_like():
    assert "use a LiteLLM name" in str(unknown_model("zzzzqqqq-9"))
    assert "did you mean local" in str(unknown_model("locall"))
