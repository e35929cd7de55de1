"""Run one check in the examiner's process, which runs no line of a candidate."""

from __future__ import annotations

from marshal import loads
from time import perf_counter
from types import CodeType
from typing import Any, Protocol

from .assertion_recorder import Ask, AssertionRecorder, Describe, Failed
from .numbers import lacks, number

_COROUTINE = 0x80  # inspect.CO_COROUTINE, whose import takes long


class CheckSources(Protocol):
    """Remembers texts by filename, and tells exceptions by their lines."""

    def add(self, filename: str, text: str, *, secret: bool = False) -> None:
        """Remember a text, which a candidate may find unless it is secret."""
        ...

    def tell(self, error: BaseException) -> dict[str, Any]:
        """A Fault as JSON."""
        ...


def examine(
    check: dict[str, Any], names: dict[str, Any], sources: CheckSources, describe: Describe, ask: Ask | None = None
) -> dict[str, Any]:
    """Run one check in the namespace; the verdict as JSON. Never raises.

    `check` is what `program.program` made of it. `ask` answers its calls of judge, approve and pytest.
    """
    verdict: dict[str, Any] = {"passed": False, "message": "", "values": {}, "metric": None, "fault": None}
    started = perf_counter()
    recorder = AssertionRecorder(check, describe, ask)
    try:
        _run_prelude(check, names, sources)
        verdict["metric"] = _run(check, names, sources, recorder)
    except Failed as failed:
        verdict |= {"message": str(failed), "values": recorder.values(), "metric": recorder.metric()}
    except BaseException as error:  # noqa: BLE001 - SystemExit from a candidate is a failed check
        fault = sources.tell(error)
        verdict |= {"message": f"{fault['type']}: {fault['message']}", "fault": fault, "values": recorder.values()}
    else:
        verdict["passed"] = True
    return verdict | {"seconds": perf_counter() - started}


def _run_prelude(check: dict[str, Any], names: dict[str, Any], sources: CheckSources) -> None:
    prelude = check["prelude"]
    if prelude is not None:
        filename = f"<before check {check['index']}>"
        sources.add(filename, prelude["text"], secret=True)
        run(_linked(loads(prelude["code"]), filename, {}), names)  # noqa: S302 - from the kernel


def _run(
    check: dict[str, Any], names: dict[str, Any], sources: CheckSources, recorder: AssertionRecorder
) -> dict[str, Any] | None:
    filename = f"<check {check['index']}>"
    sources.add(filename, check["text"], secret=True)
    code = _linked(loads(check["code"]), filename, recorder.functions())  # noqa: S302 - from the kernel
    if check["kind"] == "assert":
        run(code, names)
        return recorder.metric()
    value = run(code, names)
    reached = number(value)
    if reached is None:
        gave = f"{check['expression']} gave {recorder.describe(value)}"
        raise Failed(f"{check['kind']} needs a number: {gave}, {lacks(value)}")
    return {"value": reached, "target": None, "direction": check["kind"]}


def run(code: CodeType, names: dict[str, Any]) -> Any:
    """Run the user's own statements or expression; those that await, to their end."""
    value = eval(code, names)  # noqa: S307 - the user's own
    if not code.co_flags & _COROUTINE:
        return value
    import asyncio

    return asyncio.run(value)


def _linked(code: CodeType, filename: str, functions: dict[str, Any]) -> CodeType:
    """The code, with the functions in place of the constants that name them."""

    def link(constant: Any) -> Any:
        if type(constant) is CodeType:
            return _linked(constant, filename, functions)
        return functions.get(constant, constant) if type(constant) is str else constant

    return code.replace(co_consts=tuple(map(link, code.co_consts)), co_filename=filename)
