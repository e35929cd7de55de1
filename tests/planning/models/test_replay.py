from __future__ import annotations

import asyncio
import json
import time

import pytest

from jupyter_loops.core.budget import Price
from jupyter_loops.core.message import Completion, Sampling
from jupyter_loops.errors import ErrorClass, ModelError, PreflightError
from jupyter_loops.planning.models import open_model
from jupyter_loops.planning.models.replay import ReplayModel


async def test_answers_come_in_order_and_errors_in_their_turn(question):
    busy = ModelError("busy", ErrorClass.RATE_LIMITED, retry_after=1.0)
    exact = Completion(text="two", prompt_tokens=5, completion_tokens=1)
    model = ReplayModel(["one", busy, exact])
    await model.open()

    assert (await model.complete(question, Sampling())).text == "one"
    with pytest.raises(ModelError, match="busy"):
        await model.complete(question, Sampling())
    second = await model.complete(question, Sampling())
    assert (second.prompt_tokens, second.estimated) == (5, False)
    with pytest.raises(ModelError, match="no answer left"):
        await model.complete(question, Sampling())
    assert model.asked == [question] * 4


async def test_streaming_gives_the_words_over_the_delay(question):
    pieces = []
    began = time.perf_counter()
    answer = await ReplayModel(["a few words"], delay=0.06).complete(question, Sampling(), pieces.append)

    assert pieces == ["a ", "few ", "words"]
    assert answer.seconds >= 0.06
    assert time.perf_counter() - began < 1


async def test_an_answer_that_takes_too_long_times_out_and_one_under_way_can_be_cancelled(question):
    model = ReplayModel(["late", "later"], delay=30)
    with pytest.raises(ModelError) as caught:
        await model.complete(question, Sampling(timeout=0.05))
    assert caught.value.kind is ErrorClass.TRANSIENT
    call = asyncio.create_task(model.complete(question, Sampling()))
    await asyncio.sleep(0.01)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call


async def test_a_script_file_is_a_model(tmp_path, question):
    script = tmp_path / "script.json"
    script.write_text(json.dumps({"answers": ["hello"], "delay": 0.01}))
    model = open_model(f"script:{script}", price=Price(prompt=1, completion=1, source="option"))

    assert model.name == "script:script.json"
    assert model.price().prompt == 1
    assert (await model.complete(question, Sampling())).text == "hello"


@pytest.mark.parametrize("text", ["not json", "3", '{"delay": 1}', "[1]"])
def test_a_script_that_cannot_be_read_is_refused_before_the_run(tmp_path, text):
    script = tmp_path / "script.json"
    script.write_text(text)
    with pytest.raises(PreflightError, match=r"script\.json"):
        open_model(f"script:{script}")
