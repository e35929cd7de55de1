"""What a server refuses is bought once, and not again by the next kernel."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from jupyter_loops.assemble import Options, launch
from jupyter_loops.history import open_history
from jupyter_loops.language import parse
from jupyter_loops.planning.models import features
from tests.endpoint import Manners

CELL = '''def double(n: int) -> int:
    """Twice n."""

assert double(2) == 4
'''
CODE = ("```python\n", "def double(n):\n    return 2 * n\n", "```")
SEED = "Unrecognized request argument supplied: seed"
CAP = "max_tokens is too large: this model supports at most 256 completion tokens"


@pytest.fixture
def kernel(monkeypatch):
    """Forget what this process knows, as a new kernel does."""

    def kernel():
        for known in ("_refused", "_caps", "_retried"):
            monkeypatch.setattr(features, known, {})

    kernel()
    return kernel


@pytest.fixture
def pursue(endpoint, tmp_path):
    endpoint.manners.words = CODE
    path = str(tmp_path / "h.duckdb")

    def pursue(*refusals):
        asked = len(endpoint.manners.requests)
        acts = [Manners(status=400, body=json.dumps({"error": {"message": text}})) for text in refusals]
        endpoint.scripts[""].extend(acts)
        options = Options(
            model="echo", api_base=endpoint.base, price="0,0", history=path, sandbox="process", seed=7, fresh=True
        )
        run = launch(parse(CELL, "task"), options, {})
        assert run.wait(60).reason == "verified", run.termination.message
        run.history.flush()
        return endpoint.manners.requests[asked:]

    yield pursue
    open_history(path).close()


def test_the_next_kernel_does_not_buy_a_refusal_again(pursue, kernel, tmp_path):
    assert [len(pursue(SEED, CAP)), len(pursue())] == [3, 1]
    kernel()
    [request] = pursue()

    assert "seed" not in request
    assert request["max_tokens"] == 256


def test_a_refusal_is_remembered_for_thirty_days(pursue, tmp_path):
    pursue(SEED)
    history = open_history(str(tmp_path / "h.duckdb"))
    now = datetime.now(UTC)

    assert [one["feature"] for one in history.refusals()] == [features.SEED]
    assert history.refusals(now + timedelta(days=29))
    assert not history.refusals(now + timedelta(days=31))


def test_a_refusal_can_be_forgotten_and_a_server_that_takes_it_again_is_found_out(pursue, kernel):
    pursue(SEED, CAP)

    assert features.retry("echo") == [features.SEED, features.longer(256)]
    [request] = pursue()
    assert request["seed"]
    assert request["max_tokens"] > 256
    kernel()
    [request] = pursue()
    assert request["seed"]
    assert request["max_tokens"] > 256


def test_what_is_refused_once_more_stays_refused(pursue, kernel):
    pursue(SEED)
    features.retry("echo")
    assert len(pursue(SEED)) == 2
    kernel()
    [request] = pursue()

    assert "seed" not in request
