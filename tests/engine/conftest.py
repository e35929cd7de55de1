"""The real cycle on the real sandbox and history; only the model replays a script."""

import pytest

from jupyter_loops.assemble import Adapters, Options, launch
from jupyter_loops.execution.sandbox import ZygoteSandbox
from jupyter_loops.history import open_history
from jupyter_loops.language import parse
from jupyter_loops.planning.models.replay import ReplayModel


class Ear:
    """Keeps what a listener hears."""

    def __init__(self):
        self.events, self.pieces, self.ledger, self.steps = [], [], [], []

    def heard(self, record):
        self.events.append(record.event)

    def text(self, run, piece):
        self.pieces.append(piece)

    def spent(self, run, usage, reserved):
        self.ledger.append((dict(usage), dict(reserved)))

    def preparing(self, run, step):
        self.steps.append(step)

    def of(self, kind):
        return [event for event in self.events if event.kind == kind]


@pytest.fixture
def ear():
    return Ear()


@pytest.fixture
def start(tmp_path, ear):
    """Start a run of `cell` whose model gives `answers`: `start(cell, *answers, iterations=3, ...)`."""
    path = str(tmp_path / "history.duckdb")

    def start(
        cell,
        *answers,
        names=None,
        delay=0.0,
        price=None,
        model=None,
        fallbacks=(),
        escalation=(),
        judge=None,
        person=None,
        box=None,
        **options,
    ):
        model = model or ReplayModel(answers, delay=delay, **({} if price is None else {"price": price}))
        options = Options(**{"history": path, "sandbox": "process", **options})
        adapters = Adapters(model, box or ZygoteSandbox(isolation=options.sandbox), fallbacks, judge, escalation)
        return launch(parse(cell, "task"), options, names, [ear], adapters, person=person)

    yield start
    open_history(path).close()
