"""Maps on the real engine, sandbox and history; only the model is scripted, by what it is asked."""

import asyncio
import json
import re

import pytest

from jupyter_loops.assemble import Adapters, Options
from jupyter_loops.assemble.collaborators import Person
from jupyter_loops.core.budget import Price
from jupyter_loops.core.message import Completion
from jupyter_loops.execution.sandbox import ZygoteSandbox
from jupyter_loops.history import open_history
from jupyter_loops.language import parse
from jupyter_loops.mapping.launch_map import launch_map
from jupyter_loops.mapping.map_options import MapOptions
from jupyter_loops.planning.models.replay import ReplayModel

CELL = '''"""Say the length of the text in `row`."""
length: int
assert length == len(row.text)
'''
_ROW = re.compile(r"This is the `row`:\n\n`+\n(.*?)\n`+", re.DOTALL)


class AnsweringModel(ReplayModel):
    """Answers by a function of the row's text and of how often that row was asked."""

    def __init__(self, answer, *, delay=0.0, price=None, name="answering", errors=()):
        super().__init__([], delay=delay, price=price or Price(prompt=1e-6, completion=1e-6), name=name)
        self.answer, self.times, self.in_flight, self.most = answer, {}, 0, 0
        self.errors = list(errors)

    async def complete(self, prompt, sampling, on_text=None):
        row = _ROW.search(prompt.messages[-1].content)[1]
        self.asked.append(row)
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        try:
            await asyncio.sleep(self.delay)
            if self.errors:
                raise self.errors.pop(0)
            self.times[row] = self.times.get(row, 0) + 1
            text = self.answer(row, self.times[row])
            if isinstance(text, BaseException):
                raise text
            return Completion(
                text=text,
                prompt_tokens=self.count(prompt.messages),
                completion_tokens=len(text) // 4 + 1,
                seconds=self.delay,
                model=self.name,
            )
        finally:
            self.in_flight -= 1


def length(row, times):
    """The right answer for `CELL`."""
    return json.dumps({"length": len(json.loads(row)["text"])})


@pytest.fixture
def model():
    """Make a model: `model(answer, **options)`."""
    return lambda answer=length, **options: AnsweringModel(answer, **options)


@pytest.fixture
def start_map(tmp_path):
    """Start a map: `start_map(table, model, cell=…, names=…, person=…, **options)`."""
    path = str(tmp_path / "history.duckdb")

    def start(table, *models, cell=CELL, names=None, person=None, changed=lambda: None, **options):
        map_options, row_options = MapOptions.split(options)
        chosen = Options(**{"history": path, "sandbox": "process", "iterations": 3, **row_options})
        stages = [Adapters(model, ZygoteSandbox(isolation="process")) for model in models or [AnsweringModel(length)]]
        return launch_map(
            parse(cell, "task"),
            table,
            chosen,
            map_options,
            names,
            stages=stages,
            person=person or Person(),
            changed=changed,
        )

    start.history = path
    yield start
    open_history(path).close()
