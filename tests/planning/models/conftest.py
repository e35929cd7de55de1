"""What the model adapters are asked."""

import pytest

from jupyter_loops.core.message import Message, Prompt


@pytest.fixture
def question() -> Prompt:
    return Prompt(messages=(Message("system", "Be brief."), Message("user", "Say hello.")))
