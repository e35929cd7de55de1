"""The examiner's process: runs the checks, and never a line of the candidate.

It holds the targets as stand-ins that call the candidate's process. Only this process answers the kernel.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from time import perf_counter
from typing import Any

from jupyter_loops.execution.crossing.packing import pack
from jupyter_loops.execution.crossing.refusal import UnreadableError

from .call_service import ENDED, CallService
from .candidate_child import CandidateChild
from .candidate_client import CandidateEndedError
from .candidate_world import CandidateWorld
from .confine import usage
from .drawn_figures import Figures
from .kernel_connection import KernelConnection
from .portray import CODE, portray
from .settings_of_libraries import ignore_settings_of_candidates
from .stand_ins import StandIns, is_stand_in
from .target_contract import CLASS, FRAME, FUNCTION, TargetContract, UnfitError, read_object
from .value_text import describe

Examine = Callable[..., dict[str, Any]]
Done = tuple[str, dict[str, Any], tuple[bytes, ...]]  # a reply to the kernel: its event, content and blobs

_ENOUGH = 1.0  # seconds after which a layer that has failed is not examined further
_COUNTS = ("cpu_seconds", "peak_bytes")
_LARGEST = 1 << 60  # of a count that the candidate reports


class Examiner:
    """Serves the kernel until it hangs up."""

    def __init__(
        self,
        world: CandidateWorld,
        wire: KernelConnection,
        examine: Examine,
        candidate: CandidateChild,
        figures: Figures,
    ) -> None:
        self._world, self._wire, self._examine_check, self._candidate = world, wire, examine, candidate
        self._remote, self._figures = candidate.remote, figures
        self._stand_ins = StandIns(self._remote, world.names)
        self._text = ""  # of the module that the candidate runs
        self._values: dict[str, Any] = {}  # data target → JSON
        self._service = CallService(world)
        self._spent = usage()["cpu_seconds"]  # before the candidate started

    def serve(self) -> None:
        """Answer the kernel until it hangs up."""
        acts: dict[str, Callable[[dict[str, Any]], Done]] = {
            "execute": self._execute,
            "examine": self._examine,
            "test": self._test,
            "deliver": self._deliver,
            "call": self._call,
        }
        ignore_settings_of_candidates()
        while True:
            try:
                order, files, blob = self._wire.receive()
            except (EOFError, OSError):
                return
            order["blob"] = blob
            if "private" in order:
                self._world.receive_private(order["private"], files)
            event, content, blobs = acts[order["do"]](order)
            self._reply(order["token"], event, content, blobs)

    def _reply(self, token: str, event: str, content: dict[str, Any], blobs: tuple[bytes, ...]) -> None:
        used, figures = self._report()
        if not blobs and event not in {"delivered", "called"}:
            words, blobs = figures
            content = content | {"figures": words}
        if self._remote.end_reason:
            content = content | self._candidate.ending()
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):  # a check may have closed or replaced it
                stream.flush()
        reply = {"said": event, "token": token, "exit": "ok", "fault": None, "usage": used}
        self._wire.send(reply | content, blobs)

    # ---- orders

    def _execute(self, order: dict[str, Any]) -> Done:
        """Run the module in the candidate's process, or read the data."""
        content: dict[str, Any] = {}
        os.chdir(order["scratch"])
        try:
            if order["kind"] == "data":
                values, self._values = read_object(order["text"], self._world.targets)
                self._world.names.update(values)
            else:
                self._define(order["text"], order["scratch"], order["module"])
        except UnfitError as unfit:
            content = {"exit": "invalid", "fault": {"type": "Invalid", "message": str(unfit), "frames": []}}
        except CandidateEndedError:
            pass
        except BaseException as error:  # noqa: BLE001 - SystemExit and KeyboardInterrupt are the candidate's too
            content = self._raised(error)
        return "executed", content, ()

    def _define(self, text: str, scratch: str, module: str) -> None:
        self._text = text
        bound = self._remote.ask("define", text, scratch, module)
        for target in self._world.targets:
            if type(bound) is not dict or target.name not in bound:
                raise UnfitError(target.missing)
            value = self._stand_in(target, *_read_abilities(bound[target.name]))
            self._world.names[target.name] = value
            if target.kind not in {FUNCTION, CLASS}:
                self._world.names[target.name], content = target.take(value)
                self._values.update(content)

    def _stand_in(self, target: TargetContract, callable_: object, abilities: tuple[str, ...]) -> Any:
        if target.kind in {FUNCTION, CLASS}:
            if callable_ is not True:
                raise UnfitError(f"{target.name} must be a {target.kind}, and is something that cannot be called")
            if target.kind == FUNCTION:
                return self._stand_ins.function(target.name, target.source, abilities)
            return self._stand_ins.cls(target.name, target.source, abilities)
        try:
            return self._remote.ask("fetch", target.name)
        except UnreadableError as error:
            raise UnfitError(f"{target.name} cannot be brought out of the code's process: {error}") from error

    def _examine(self, order: dict[str, Any]) -> Done:
        token, checks, exhausted, failed = order["token"], order["checks"], False, False
        self._world.names.setdefault("seconds", self._stand_ins.seconds)
        started = perf_counter()
        for check in checks:
            if failed and not order["all"] and perf_counter() - started > _ENOUGH:
                break
            for name in check["changes"]:
                self._remote.unshare(name)
            ask = partial(self._ask, token, check["index"])
            verdict = self._examine_check(check, self._world.names, self._world.sources, describe, ask)
            if self._remote.end_reason:  # even if the check swallowed the error
                break
            failure = self._remote.take_failure()
            if failure is not None and verdict["passed"]:
                verdict |= {"passed": False, "message": str(failure)}
            failed = failed or not verdict["passed"]
            exhausted = exhausted or (verdict["fault"] or {}).get("type") == "MemoryError"
            send = self._wire.send_with_next if check is checks[-1] else self._wire.send
            send({"said": "verdict", "token": token, "verdict": verdict})
        return "examined", {"exit": "memory" if exhausted else "ok", "notes": self._remote.take_notes()}, ()

    def _ask(self, token: str, check: int, site: int, value: object) -> object:
        """Send a question of a check to the kernel, and wait for the answer."""
        how, words = (CODE, self._text) if self._is_the_candidates(value) else portray(value)
        self._wire.send({"said": "ask", "token": token, "check": check, "site": site, "kind": how, "text": words})
        reply, _, _ = self._wire.receive()
        return reply["answer"]

    def _is_the_candidates(self, value: object) -> bool:
        return is_stand_in(value) or id(value) in self._remote.named

    def _test(self, order: dict[str, Any]) -> Done:
        """Run the user's tests."""
        targets = [target.name for target in self._world.targets]
        try:
            report = self._world.bench.run(order["tests"], order["roots"], self._world.names, targets)
        except CandidateEndedError:
            return "tested", {}, ()
        except BaseException as error:  # noqa: BLE001 - whatever a test raises is reported
            return "tested", self._raised(error), ()
        return "tested", {"tests": report}, ()

    def _deliver(self, _order: dict[str, Any]) -> Done:
        """The values of the targets, encoded again: data as JSON, objects as `crossing` packs them."""
        objects: dict[str, bytes] = {}
        try:
            for target in self._world.targets:
                value = self._world.names[target.name]
                if target.kind == FRAME and not is_stand_in(value):
                    objects[target.name] = pack(value)
        except Exception as error:  # noqa: BLE001 - a value that cannot cross is the candidate's fault
            return "delivered", self._raised(error), ()
        return "delivered", {"values": self._values, "objects": list(objects)}, tuple(objects.values())

    def _call(self, order: dict[str, Any]) -> Done:
        """One call of a delivered function, for the notebook: arguments are trusted, the answer is encoded again."""
        try:
            how, answer = self._service.perform(order["classes"], order["blob"])
        except CandidateEndedError:
            return "called", {"how": ENDED}, ()
        return "called", {"how": how}, (answer,)

    # ---- reports

    def _raised(self, error: BaseException) -> dict[str, Any]:
        exhausted = isinstance(error, MemoryError)
        return {"exit": "memory" if exhausted else "raised", "fault": self._world.sources.tell(error)}

    def _report(self) -> tuple[dict[str, float], tuple[Any, tuple[bytes, ...]]]:
        """The usage and figures of both processes. The candidate's counts are recorded, and limit nothing."""
        used, reported = usage(), {}
        words, blobs = self._figures.take()
        used["cpu_seconds"] -= self._spent
        if self._text and not self._remote.end_reason:
            with suppress(CandidateEndedError, Exception):
                reported, candidate_figures, candidate_blobs = self._remote.ask("report")
                words, blobs = [*words, *candidate_figures], (*blobs, *candidate_blobs)
        for name in _COUNTS:
            count = reported.get(name) if isinstance(reported, dict) else None
            if isinstance(count, int | float) and 0 <= count < _LARGEST:
                used[name] = used[name] + count if name == "cpu_seconds" else max(used[name], count)
        return used, (words, blobs) if all(type(blob) is bytes for blob in blobs) else ([], ())


def _read_abilities(reported: object) -> tuple[object, tuple[str, ...]]:
    """Whether a target is callable, and its abilities, as the candidate reports them."""
    callable_, abilities = reported if isinstance(reported, tuple) and len(reported) == 2 else (False, ())  # noqa: PLR2004
    able = abilities if isinstance(abilities, tuple) else ()
    return callable_, tuple(ability for ability in able if isinstance(ability, str))
