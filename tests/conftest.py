"""What tests of several folders share."""

import pytest

from .endpoint import serving


@pytest.fixture
def endpoint():
    """A real OpenAI-compatible endpoint, well-mannered unless told otherwise."""
    with serving() as endpoint:
        yield endpoint
