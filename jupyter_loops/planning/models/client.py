"""LiteLLM, imported once and late, without telemetry, downloads and printed advice."""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
import importlib.util
import os
import sys
import threading
import warnings
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from jupyter_loops.errors import PreflightError

from .response_filter import current
from .response_limits import install

_importing = threading.Lock()

# Read by LiteLLM while it is imported: its own price map instead of a download, and no reading of a
# `.env` file into the kernel's environment.
_SETTINGS = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_MODE": "PRODUCTION"}

# What the first call imports: better here than between a question and its answer.
_LATE = ("litellm._service_logger", "litellm.proxy._types", "litellm.llms.hosted_vllm.chat.transformation")

# A warning of pydantic about LiteLLM's own types, of no use in a notebook.
_ADVICE = "Items? .* on TypedDict class"


def load() -> ModuleType:
    """The litellm module. Blocks for about three seconds the first time; thread-safe. Raises PreflightError."""
    with _importing:
        return _load()


@functools.cache
def _load() -> ModuleType:
    if importlib.util.find_spec("litellm") is None:
        raise PreflightError(
            "models of providers need LiteLLM, which is not installed: pip install 'jupyter-loops[providers]'. Without "
            "it there are local models, and servers by --api-base"
        )
    os.environ.update(_SETTINGS)
    warnings.filterwarnings("ignore", message=_ADVICE, category=UserWarning)
    with _no_collections():
        import litellm

        for module in _LATE:
            with contextlib.suppress(ImportError):  # a later LiteLLM may have moved it
                importlib.import_module(module)
    litellm.telemetry = False
    litellm.suppress_debug_info = True  # it prints advice on errors
    litellm.disable_hf_tokenizer_download = True  # counting tokens must not reach for the network
    litellm.drop_params = True  # what a model cannot take is left out, not an error
    litellm.num_retries = 0
    _send_once()
    install()
    litellm.ModelResponse()  # types that are built on first use: better here than in the first call
    litellm.ModelResponseStream()
    return litellm


def _send_once() -> None:
    """LiteLLM's handler sends a request again when its connection breaks, which pays twice for one answer.

    A kernel may use LiteLLM for other things too; those are left as they are.
    """
    from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler

    original = getattr(AsyncHTTPHandler, "single_connection_post_request", None)
    if original is None:  # a later LiteLLM may do without it
        return

    @functools.wraps(original)
    async def resend(*args: Any, **kwargs: Any) -> Any:
        broken = sys.exc_info()[1]  # the fault that it is called for
        if current.get() is not None and broken is not None:
            raise broken
        return await original(*args, **kwargs)

    setattr(AsyncHTTPHandler, "single_connection_post_request", resend)  # noqa: B010  # mypy refuses the assignment


@contextlib.contextmanager
def _no_collections() -> Iterator[None]:
    """Pause the garbage collector: it finds nothing during an import, and takes a sixth of its time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
