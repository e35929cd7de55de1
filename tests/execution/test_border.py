"""What a child may say, and that nothing else gets through."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_loops.core.recipe import Check, Recipe
from jupyter_loops.core.redaction import redact
from jupyter_loops.execution import border
from jupyter_loops.execution import channel as channels
from jupyter_loops.execution.channel import Channel, GarbageError, HungUpError, OversizedError
from jupyter_loops.execution.examination import Examination
from jupyter_loops.verification.program import program

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
VERDICT_KEYS = st.sampled_from(["passed", "message", "values", "metric", "fault", "seconds", "type", "frames"])


async def heard(sent: bytes, limit: int = 1000) -> tuple[dict, list[bytes]]:
    ours, theirs = socket.socketpair()
    channel = Channel(ours, limit)
    theirs.sendall(sent)
    theirs.close()
    try:
        return await channel.receive()
    finally:
        channel.close()


def frame(message: object, blob: bytes = b"") -> bytes:
    text = message if isinstance(message, bytes) else json.dumps(message).encode()
    return struct.pack(">IQ", len(text), len(blob)) + text + blob


async def test_a_frame_arrives_with_its_blobs():
    assert await heard(frame({"a": 1, "blobs": [1, 2]}, b"xyz")) == ({"a": 1, "blobs": [1, 2]}, [b"x", b"yz"])


@pytest.mark.parametrize("watching", [True, False])
async def test_frames_that_come_in_pieces_or_while_nobody_waits_are_whole(watching, monkeypatch):
    monkeypatch.setattr(channels, "_VOUCHES", watching)  # without it, as on a loop that cannot watch a file
    ours, theirs = socket.socketpair()
    channel, sent, received = Channel(ours, 1 << 22), frame({"n": "x" * 3_000_000}), []
    theirs.settimeout(10)
    sending = asyncio.create_task(asyncio.to_thread(theirs.sendall, sent + frame({"n": 2}) + frame({"n": 3})))
    for pause in (0, 0.01, 0):
        received.append((await channel.receive())[0]["n"])
        await asyncio.sleep(pause)
    await sending
    theirs.close()
    assert received == ["x" * 3_000_000, 2, 3]
    with pytest.raises(HungUpError):
        await channel.receive()
    channel.close()


@pytest.mark.parametrize("watching", [True, False])
async def test_who_waits_hears_at_once_that_it_is_broken_off_and_so_does_who_comes_later(watching, monkeypatch):
    monkeypatch.setattr(channels, "_VOUCHES", watching)
    ours, theirs = socket.socketpair()
    channel = Channel(ours, 1000)
    waiting = asyncio.create_task(channel.receive())
    await asyncio.sleep(0)
    channel.break_off()
    with pytest.raises(HungUpError):
        await waiting
    theirs.sendall(frame({}))
    with pytest.raises(HungUpError):
        await channel.receive()
    channel.close()
    channel.close()
    theirs.close()


@pytest.mark.parametrize(
    "sent",
    [
        frame(b"{"),
        frame(b"[]"),
        frame(b"\xff\xfe"),
        frame(b"[" * 900),
        frame({"blobs": [1]}),
        frame({"blobs": [-1, 4]}, b"xyz"),
        frame({"blobs": "abc"}, b"xyz"),
        frame({"blobs": [True, 2]}, b"xyz"),
        frame({}, b"xyz"),
    ],
)
async def test_garbage_is_called_so(sent):
    with pytest.raises(GarbageError):
        await heard(sent)


@pytest.mark.parametrize("sent", [b"\xff" * 12, frame(b" " * 2000), frame({"blobs": [2000]}, b"x" * 2000)])
async def test_a_frame_that_is_too_large_is_not_read(sent):
    with pytest.raises(OversizedError):
        await heard(sent)


@pytest.mark.parametrize("cut", [0, 5, 12, 15])
async def test_a_child_that_dies_in_mid_message_has_hung_up(cut):
    with pytest.raises(HungUpError):
        await heard(frame({"a": 1})[:cut])


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(sent):
    async def hear() -> None:
        with suppress(GarbageError, OversizedError, HungUpError):
            await heard(sent)

    asyncio.run(hear())


@settings(suppress_health_check=[HealthCheck.too_slow])  # on a busy machine any of it is slow
@given(st.dictionaries(VERDICT_KEYS, ANYTHING))
def test_no_verdict_gets_through_unless_every_field_is_of_its_type(content):
    examination = Examination(Recipe(name="x", goal="", targets=()), [Check(name="c", source="assert c")], program)
    try:
        examination.add_verdict({"said": "verdict", "verdict": content}, [])
    except GarbageError:
        assert [verdict.passed for verdict in examination.verdicts("ended")] == [False]
    else:
        [verdict] = examination.verdicts("ended")
        assert type(verdict.passed) is bool
        assert type(verdict.message) is str
        assert len(verdict.message) <= 4000


def test_one_verdict_too_many_is_garbage():
    good = {"passed": True, "message": "", "values": {}, "metric": None, "fault": None, "seconds": 0.1}
    examination = Examination(Recipe(name="x", goal="", targets=()), [Check(name="c", source="assert c")], program)
    examination.add_verdict({"said": "verdict", "verdict": good}, [])

    with pytest.raises(GarbageError):
        examination.add_verdict({"said": "verdict", "verdict": good}, [])


@pytest.mark.parametrize("value", [float("nan"), float("inf"), True, "1", None, 10**400])
def test_only_finite_numbers_are_numbers(value):
    with pytest.raises(GarbageError):
        border.number({"n": value}, "n")


@pytest.mark.parametrize(
    "secret",
    [
        "sk-" + "A1b2" * 10,
        "sk-ant-api03-" + "x_-y" * 10,
        "AKIA" + "ABCDEFGH" * 2,
        "ghp_" + "a1" * 18,
        "github_pat_" + "a1" * 20,
        "hf_" + "aB" * 17,
        "AIza" + "a" * 35,
        "xoxb-" + "1234567890-abc",
        "glpat-" + "a" * 20,
    ],
)
def test_known_key_shapes_are_redacted(secret):
    assert redact(f"key={secret}!") == "key=[redacted]!"


def test_a_bearer_token_and_a_private_key_are_redacted():
    assert redact("Authorization: Bearer abcdefghijklmnop.qrst") == "Authorization: Bearer [redacted]"
    assert "secret" not in redact("-----BEGIN RSA PRIVATE KEY-----\nsecret\n-----END RSA PRIVATE KEY-----")


@pytest.mark.parametrize("text", ["task-skeleton", "sk-learn", "the bearer of news", "AKIA", "hf_model", "risk-averse"])
def test_ordinary_words_are_left_alone(text):
    assert redact(text) == text
