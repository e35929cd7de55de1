"""The real embedded model, where its file is in the cache."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from jupyter_loops.core.message import Message, Prompt, Sampling
from jupyter_loops.errors import ErrorClass, ModelError
from jupyter_loops.planning.models.embedded import server
from jupyter_loops.planning.models.embedded.model import EmbeddedModel
from jupyter_loops.planning.models.embedded.records import DEFAULT, SMALLEST, find, intact

here = pytest.mark.skipif(not SMALLEST.path().is_file(), reason="the model's file is not in the cache: make model")
STEADY = Sampling(temperature=0.2, max_tokens=60, seed=1)


def ask(text: str, schema: dict[str, object] | None = None) -> Prompt:
    return Prompt(messages=(Message("user", text),), schema=schema)


async def test_a_missing_or_damaged_file_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(ModelError, match=r"is not here yet \(98 MB\): %loops model fetch local:smol"):
        await EmbeddedModel(SMALLEST).open()
    SMALLEST.path().parent.mkdir(parents=True)
    SMALLEST.path().write_bytes(b"half")
    with pytest.raises(ModelError, match="is damaged: %loops model fetch local:smol"):
        await EmbeddedModel(SMALLEST).open()


async def test_a_missing_engine_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    monkeypatch.setattr(server, "_running", {})  # another test may have started it
    with pytest.raises(ModelError, match=r'pip install "jupyter-loops\[local\]"'):
        await EmbeddedModel(SMALLEST).open()


@here
@pytest.mark.model
class TestTheRealModel:
    async def test_it_streams_code_with_usage_for_nothing(self):
        model, pieces = EmbeddedModel(SMALLEST), []
        answer = await model.complete(ask("Write a Python function is_even(n)."), STEADY, pieces.append)

        assert "def is_even" in answer.text
        assert "".join(pieces) == answer.text
        assert answer.prompt_tokens > 10
        assert not answer.estimated
        assert answer.model == SMALLEST.title
        assert model.price().cost(answer.prompt_tokens, answer.completion_tokens) == 0
        assert model.window() == SMALLEST.window

    async def test_the_same_seed_gives_the_same_answer(self):
        model, question = EmbeddedModel(SMALLEST), ask("Name a colour and say why.")
        one, two = [await model.complete(question, STEADY) for _ in range(2)]

        assert one.text == two.text

    async def test_a_schema_binds_what_it_may_say(self):
        schema = {
            "type": "object",
            "properties": {"colour": {"enum": ["red", "blue"]}, "name": {"type": "string", "maxLength": 12}},
            "required": ["colour", "name"],
        }
        answer = await EmbeddedModel(SMALLEST).complete(
            ask("Describe a mug.", schema), Sampling(temperature=1.0, seed=2)
        )
        said = json.loads(answer.text)

        assert said["colour"] in {"red", "blue"}
        assert len(said["name"]) <= 12

    async def test_a_stop_is_immediate_and_frees_the_server(self):
        model, started = EmbeddedModel(SMALLEST), asyncio.Event()
        await model.open()
        story = model.complete(
            ask("Tell a very long story."), Sampling(max_tokens=SMALLEST.longest_answer), lambda _: started.set()
        )
        call = asyncio.create_task(story)
        await asyncio.wait_for(started.wait(), 30)
        began = time.perf_counter()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

        assert time.perf_counter() - began < 5

    async def test_more_calls_than_slots_all_get_answers(self):
        model = EmbeddedModel(SMALLEST)
        answers = await asyncio.gather(*(model.complete(ask(f"Count to {n}."), STEADY) for n in range(4)))

        assert all(answer.text for answer in answers)

    async def test_its_tokenizer_is_asked_once_for_each_text(self):
        model = EmbeddedModel(SMALLEST)
        texts = ["Name a colour.", "def f(n):\n    return n\n"]
        assert await model.tokenized(texts) is None  # the server does not run
        await model.open()
        counted = await model.tokenized(texts)
        answer = await model.complete(ask(texts[0]), Sampling(max_tokens=1))

        assert counted is not None
        assert 0 < counted[0] < answer.prompt_tokens < counted[0] + 40  # the template, and its system message
        model._tokenizer._endpoint = None  # whatever it is asked now, it has to know
        assert await model.tokenized(texts) == counted

    async def test_a_server_that_is_gone_leaves_an_estimate(self):
        model = EmbeddedModel(SMALLEST)
        await model.open()
        model._tokenizer._endpoint = server.Endpoint("http://127.0.0.1:9/v1", "")

        assert await model.tokenized(["new"]) is None

    async def test_a_prompt_that_is_too_long_is_an_overflow(self):
        with pytest.raises(ModelError) as caught:
            await EmbeddedModel(SMALLEST).complete(ask("word " * 5000), STEADY)

        assert caught.value.kind is ErrorClass.CONTEXT_OVERFLOW

    async def test_the_count_is_never_below_what_the_model_counts(self):
        model = EmbeddedModel(SMALLEST)
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
        endpoint = await asyncio.to_thread(server.start, SMALLEST)
        request = urllib.request.Request(f"{endpoint.base}/chat/completions", data=b"{}", method="POST")
        with pytest.raises(urllib.error.HTTPError, match="401"):
            await asyncio.to_thread(urllib.request.urlopen, request)

        assert endpoint.base.startswith("http://127.0.0.1:")
        assert intact(SMALLEST)


@pytest.mark.skipif(not DEFAULT.path().is_file(), reason="the model's file is not in the cache: make model")
@pytest.mark.model
class TestTheDefaultModel:
    async def test_it_writes_code_that_works(self):
        answer = await EmbeddedModel().complete(
            ask("Write a Python function is_even(n). Answer with one ```python block."), STEADY
        )
        known = {}
        exec(answer.text.partition("```python")[2].partition("```")[0], known)

        assert [known["is_even"](n) for n in (0, 1, 2, 7)] == [True, False, True, False]
        assert answer.model == DEFAULT.title

    async def test_a_file_of_the_users_own_is_a_model_too(self):
        model = EmbeddedModel(find(f"gguf:{SMALLEST.path()}"))
        answer = await model.complete(ask("Say yes."), Sampling(max_tokens=4, temperature=0.0))

        assert answer.text
        assert model.name == f"gguf:{SMALLEST.path()}"


WITHOUT_LITELLM = """
import sys
from jupyter_loops import Loop
from jupyter_loops.planning.models.embedded import records
run = Loop.from_cell('def double(n: int) -> int: "Twice n."\\nassert double(2) == 4', "d").run(
    model="local:smol", iterations=1, history=sys.argv[1])
run.wait()
assert run.usage.calls == 1, run.termination
assert "litellm" not in sys.modules
"""


@here
@pytest.mark.model
def test_a_run_on_an_embedded_model_does_without_litellm(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_LITELLM, tmp_path / "history.duckdb"],
        env=os.environ | {"PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
