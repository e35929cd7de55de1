"""What tests of several folders share."""

import pytest

from .endpoint import serving
from .kernels import RIGHT, WRONG, script_in


def pytest_collection_modifyitems(items):
    """The notebooks first: files are shared out among the cores, and these take longest."""
    items.sort(key=lambda item: "tests/notebooks/" not in item.nodeid)


@pytest.fixture
def endpoint():
    """A real OpenAI-compatible endpoint, well-mannered unless told otherwise."""
    with serving() as endpoint:
        yield endpoint


@pytest.fixture
def script(tmp_path):
    """Write a script for the model, and give the option that chooses it."""
    return script_in(tmp_path)


@pytest.fixture
def right():
    """A candidate that doubles."""
    return RIGHT


@pytest.fixture
def wrong():
    """A candidate that does not."""
    return WRONG
