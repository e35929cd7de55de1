"""What the model adapters are asked."""

import pytest

from jupyter_loops.core.message import Message, Prompt
from jupyter_loops.planning.models.openai_server import OpenAIServerModel
from jupyter_loops.planning.models.provider import LiteLLMModel
from tests.endpoint import serving


@pytest.fixture(params=[LiteLLMModel, OpenAIServerModel], ids=["litellm", "thin"])
def endpoint(request):
    """A real OpenAI-compatible endpoint, asked through each adapter."""
    with serving(adapter=request.param) as endpoint:
        yield endpoint


@pytest.fixture
def question() -> Prompt:
    return Prompt(messages=(Message("system", "Be brief."), Message("user", "Say hello.")))
