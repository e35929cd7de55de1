"""Real kernels on a history file of their own."""

from __future__ import annotations

import pytest

from tests import kernels as driver

SECRET = "sk-test-4f9aQ2mZx81LbN7cT0vRkW3s"
BODY = '''def double(n: int) -> int:
    """Twice the number."""
    ...

assert double(2) == 4
'''


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("faults")


@pytest.fixture(scope="module")
def kernels(folder):
    """Start kernels; each extra argument is a variable of the environment, None takes it away."""
    started = []

    def start(**extra):
        started.append(driver.start(folder, **extra))
        return started[-1]

    yield start
    for kernel in started:
        kernel.close()


@pytest.fixture
def cell(script):
    """The text of a %%loop cell whose model gives these answers."""

    def text(*answers, name="twice", options="", body=BODY, delay=0.0):
        return f"%%loop {name} {script(*answers, delay=delay)} --fresh {options}\n{body}"

    return text


@pytest.fixture
def secret():
    return SECRET
