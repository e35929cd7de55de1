"""The real embedded model, where its file is in the cache."""

from __future__ import annotations

import asyncio
import json
import sys
import time
import urllib.error
import urllib.request

import pytest

from jupyter_loops.core.message import Message, Prompt, Sampling
from jupyter_loops.errors import ErrorClass, ModelError
from jupyter_loops.planning.models import server
from jupyter_loops.planning.models.embedded import LONGEST, EmbeddedModel
from jupyter_loops.planning.models.fetch import intact, path

here = pytest.mark.skipif(not path().is_file(), reason="the model's file is not in the cache: make model")
STEADY = Sampling(temperature=0.2, max_tokens=60, seed=1)


def ask(text: str, schema: dict[str, object] | None = None) -> Prompt:
    return Prompt(messages=(Message("user", text),), schema=schema)


async def test_a_missing_or_damaged_file_says_how_to_get_it(tmp_path):
    with pytest.raises(ModelError, match="is not here yet: %loops model fetch"):
        await EmbeddedModel(file=tmp_path / "none.gguf").open()
    (tmp_path / "half.gguf").write_bytes(b"half")
    with pytest.raises(ModelError, match="is damaged: %loops model fetch"):
        await EmbeddedModel(file=tmp_path / "half.gguf").open()


async def test_a_missing_engine_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    with pytest.raises(ModelError, match=r'pip install "jupyter-loops\[local\]"'):
        await EmbeddedModel(file=tmp_path / "none.gguf").open()


@here
@pytest.mark.model
class TestTheRealModel:
    async def test_it_streams_code_with_usage_for_nothing(self):
        model, pieces = EmbeddedModel(), []
        answer = await model.complete(ask("Write a Python function is_even(n)."), STEADY, pieces.append)

        assert "def is_even" in answer.text
        assert "".join(pieces) == answer.text
        assert answer.prompt_tokens > 10
        assert not answer.estimated
        assert answer.model == server.NAME
        assert model.price().cost(answer.prompt_tokens, answer.completion_tokens) == 0
        assert model.window() == server.WINDOW

    async def test_the_same_seed_gives_the_same_answer(self):
        model, question = EmbeddedModel(), ask("Name a colour and say why.")
        one, two = [await model.complete(question, Sampling(temperature=1.0, max_tokens=20, seed=5)) for _ in range(2)]

        assert one.text == two.text

    async def test_a_schema_binds_what_it_may_say(self):
        schema = {
            "type": "object",
            "properties": {"colour": {"enum": ["red", "blue"]}, "name": {"type": "string", "maxLength": 12}},
            "required": ["colour", "name"],
        }
        answer = await EmbeddedModel().complete(ask("Describe a mug.", schema), Sampling(temperature=1.0, seed=2))
        said = json.loads(answer.text)

        assert said["colour"] in {"red", "blue"}
        assert len(said["name"]) <= 12

    async def test_a_stop_is_immediate_and_frees_the_server(self):
        model, started = EmbeddedModel(), asyncio.Event()
        await model.open()
        story = model.complete(ask("Tell a very long story."), Sampling(max_tokens=LONGEST), lambda _: started.set())
        call = asyncio.create_task(story)
        await asyncio.wait_for(started.wait(), 30)
        began = time.perf_counter()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

        assert time.perf_counter() - began < 5

    async def test_more_calls_than_slots_all_get_answers(self):
        model = EmbeddedModel()
        answers = await asyncio.gather(*(model.complete(ask(f"Count to {n}."), STEADY) for n in range(4)))

        assert all(answer.text for answer in answers)

    async def test_a_prompt_that_is_too_long_is_an_overflow(self):
        with pytest.raises(ModelError) as caught:
            await EmbeddedModel().complete(ask("word " * 5000), STEADY)

        assert caught.value.kind is ErrorClass.CONTEXT_OVERFLOW

    async def test_the_count_is_never_below_what_the_model_counts(self):
        model = EmbeddedModel()
        texts = [
            "Hello.",
            "def f(xs):\n    return {k: [v ** 2] for k, v in xs}\n" * 20,
            "Größe 123456 ≥ 7, 日本語\n" * 10,
        ]
        for text in texts:
            answer = await model.complete(ask(text), Sampling(max_tokens=1))
            assert (
                model.count([Message("user", text)]) >= answer.prompt_tokens - 30
            )  # it adds a system message of its own

    async def test_strangers_are_kept_out(self):
        endpoint = await asyncio.to_thread(server.start, path())
        request = urllib.request.Request(f"{endpoint.base}/chat/completions", data=b"{}", method="POST")
        with pytest.raises(urllib.error.HTTPError, match="401"):
            await asyncio.to_thread(urllib.request.urlopen, request)

        assert endpoint.base.startswith("http://127.0.0.1:")
        assert intact(path())
