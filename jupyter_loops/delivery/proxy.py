"""Functions of the notebook that run in the sandbox. Arguments are copied there, and results come back as data."""

from __future__ import annotations

import ast
import asyncio
import atexit
import inspect
import os
import re
import sys
import weakref
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, wait
from functools import cache, partial, wraps
from typing import Any, NoReturn

from jupyter_loops.core.recipe import Target
from jupyter_loops.core.syntax_tree import parse_module
from jupyter_loops.engine import background
from jupyter_loops.errors import CallError
from jupyter_loops.execution.function_calls import RemoteCall, Shared
from jupyter_loops.execution.sandbox_service import SandboxService

_PATIENCE = 3.0  # seconds that sandboxes get to end, when the kernel does
_CACHE = re.compile(r"^(functools\.)?(lru_)?cache\b")
_open: weakref.WeakSet[Caller] = weakref.WeakSet()


class Caller:
    """Calls the functions of one candidate from any thread and any event loop of the notebook."""

    def __init__(self, service: SandboxService, names: Mapping[str, object]) -> None:
        self._service, self._names, self._owner = service, names, os.getpid()
        self._shared: Shared | None = None
        self.siblings: dict[int, str] = {}  # id of what is bound → name
        _open.add(self)
        _close_with_the_process()
        weakref.finalize(self, _close_service, service).atexit = False  # at exit `_close_all` waits for it

    def call(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call and wait. Raises what the function raises, and CallError."""
        if background.is_here():
            raise CallError(f"{name} runs in the sandbox: to wait for it here would hold up every run")
        remote_call, pending = self._begin(name, args, kwargs)
        try:
            how, answer, observed = pending.result()
        except KeyboardInterrupt:
            pending.cancel()
            raise
        _show(observed)
        return remote_call.read(how, answer)

    async def call_async(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The same, awaited."""
        remote_call, pending = self._begin(name, args, kwargs)
        how, answer, observed = await asyncio.wrap_future(pending)
        _show(observed)
        return remote_call.read(how, answer)

    def close(self) -> None:
        """End the processes. The next call starts new ones."""
        closing = self.begin_to_close()
        if closing is not None and not background.is_here():
            closing.result()

    def begin_to_close(self) -> Future[None] | None:
        """As `close`, without waiting. None in a forked process, which does not own the sandbox."""
        return background.submit(self._service.close()) if os.getpid() == self._owner else None

    def __reduce__(self) -> NoReturn:
        raise TypeError("a function that lives in the sandbox cannot be pickled: only its own kernel can call it")

    def _begin(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[RemoteCall, Any]:
        if os.getpid() != self._owner:
            raise CallError(f"{name} runs in the sandbox, and only its own kernel can call it: use threads")
        if self._shared is None:
            self._shared = Shared(self._names, self.siblings)
        made = RemoteCall(name, args, kwargs, self._shared)
        return made, background.submit(self._service.call(made.frame, self._shared.class_paths))


def proxies(
    targets: Iterable[Target], names: Mapping[str, Any], service: SandboxService, text: str
) -> dict[str, Callable[..., Any]]:
    """What is bound in the place of each function; `names` has their stubs, and `text` the functions themselves."""
    caller = Caller(service, names)
    made = {target.name: _proxy(target.name, names[target.name], caller) for target in targets}
    caller.siblings = {id(proxy): name for name, proxy in made.items()}
    for name in made.keys() & _cached(text):
        made[name].cache_info = partial(caller.call, f"{name}.cache_info", (), {})  # type: ignore[attr-defined] # as functools does
        made[name].cache_clear = partial(caller.call, f"{name}.cache_clear", (), {})  # type: ignore[attr-defined] # same
    return made


def _cached(text: str) -> set[str]:
    """The functions of a text that `functools` gives a cache."""
    functions = (each for each in parse_module(text).body if isinstance(each, ast.FunctionDef))
    return {each.name for each in functions if any(_CACHE.search(ast.unparse(by)) for by in each.decorator_list)}


def _proxy(name: str, stub: Callable[..., Any], caller: Caller) -> Callable[..., Any]:
    if inspect.iscoroutinefunction(stub):

        @wraps(stub)
        async def proxy_async(*args: Any, **kwargs: Any) -> Any:
            return await caller.call_async(name, args, kwargs)

        wrapper: Any = proxy_async
    else:

        @wraps(stub)
        def proxy(*args: Any, **kwargs: Any) -> Any:
            return caller.call(name, args, kwargs)

        wrapper = proxy
    wrapper.close = caller.close
    return wrapper  # type: ignore[no-any-return]


def _show(observed: Any) -> None:
    """Print what the call has printed."""
    for stream, text in ((sys.stdout, observed.stdout), (sys.stderr, observed.stderr)):
        if text:
            stream.write(text)


def _close_service(service: SandboxService) -> None:
    """Close a service whose proxies were garbage-collected. This can happen on any thread, so it must not wait."""
    background.submit(service.close())


@cache
def _close_with_the_process() -> None:
    atexit.register(_close_all)


def _close_all() -> None:
    wait([closing for caller in list(_open) if (closing := caller.begin_to_close())], _PATIENCE)
