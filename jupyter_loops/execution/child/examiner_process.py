"""The examiner's process: runs the checks, and never a line of the candidate.

It holds the targets as stand-ins that call the candidate's process. It alone answers the kernel.
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

from .call_service import GONE, CallService
from .candidate_child import CandidateChild
from .candidate_client import CandidateGoneError
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
Done = tuple[str, dict[str, Any], tuple[bytes, ...]]  # what is said to the kernel: the word, its content, its blobs

_ENOUGH = 1.0  # seconds after which a layer that has failed is not examined further
_COUNTS = ("cpu_seconds", "peak_bytes")
_LARGEST = 1 << 60  # of a count that the candidate says


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
        self._world, self._wire, self._examine_one, self._candidate = world, wire, examine, candidate
        self._remote, self._figures = candidate.remote, figures
        self._stand_ins = StandIns(self._remote, world.names)
        self._text = ""  # of the module that the candidate runs
        self._values: dict[str, Any] = {}  # data target → JSON
        self._service = CallService(world)
        self._spent = usage()["cpu_seconds"]  # before the candidate came

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
            said, content, blobs = acts[order["do"]](order)
            self._reply(order["token"], said, content, blobs)

    def _reply(self, token: str, said: str, content: dict[str, Any], blobs: tuple[bytes, ...]) -> None:
        used, figures = self._report()
        if not blobs and said not in {"delivered", "called"}:
            words, blobs = figures
            content = content | {"figures": words}
        if self._remote.gone:
            content = content | self._candidate.ending()
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):  # a check may have closed or replaced it
                stream.flush()
        reply = {"said": said, "token": token, "exit": "ok", "fault": None, "usage": used}
        self._wire.send(reply | content, blobs)

    # ---- acts

    def _execute(self, order: dict[str, Any]) -> Done:
        """Have the module defined, or read the data."""
        content: dict[str, Any] = {}
        os.chdir(order["scratch"])
        try:
            if order["kind"] == "data":
                values, self._values = read_object(order["text"], self._world.targets)
                self._world.names.update(values)
            else:
                self._define(order["text"], order["scratch"])
        except UnfitError as unfit:
            content = {"exit": "invalid", "fault": {"type": "Invalid", "message": str(unfit), "frames": []}}
        except CandidateGoneError:
            pass
        except BaseException as error:  # noqa: BLE001 - SystemExit and KeyboardInterrupt are the candidate's too
            content = self._raised(error)
        return "executed", content, ()

    def _define(self, text: str, scratch: str) -> None:
        self._text = text
        found = self._remote.ask("define", text, scratch)
        for target in self._world.targets:
            if type(found) is not dict or target.name not in found:
                raise UnfitError(target.missing)
            value = self._stand_in(target, *_found(found[target.name]))
            self._world.names[target.name] = value
            if target.kind not in {FUNCTION, CLASS}:
                self._world.names[target.name], given = target.take(value)
                self._values.update(given)

    def _stand_in(self, target: TargetContract, callable_: object, abilities: tuple[str, ...]) -> Any:
        if target.kind in {FUNCTION, CLASS}:
            if callable_ is not True:
                raise UnfitError(f"{target.name} must be a {target.kind}, and is something that cannot be called")
            if target.kind == FUNCTION:
                return self._stand_ins.function(target.name, target.source, attributes="attributes" in abilities)
            return self._stand_ins.cls(target.name, target.source, abilities)
        try:
            return self._remote.ask("fetch", target.name)
        except UnreadableError as error:
            raise UnfitError(f"{target.name} cannot be brought out of the code's process: {error}") from error

    def _examine(self, order: dict[str, Any]) -> Done:
        token, checks, exhausted, failed = order["token"], order["checks"], False, False
        self._world.names.setdefault("seconds", self._stand_ins.seconds)
        started = perf_counter()
        for each in checks:
            if failed and not order["all"] and perf_counter() - started > _ENOUGH:
                break
            for name in each["changes"]:
                self._remote.unshare(name)
            ask = partial(self._ask, token, each["index"])
            verdict = self._examine_one(each, self._world.names, self._world.sources, describe, ask)
            if self._remote.gone:  # also where the check has swallowed that
                break
            failure = self._remote.take_failure()
            if failure is not None and verdict["passed"]:
                verdict |= {"passed": False, "message": str(failure)}
            failed = failed or not verdict["passed"]
            exhausted = exhausted or (verdict["fault"] or {}).get("type") == "MemoryError"
            tell = self._wire.hold if each is checks[-1] else self._wire.send
            tell({"said": "verdict", "token": token, "verdict": verdict})
        return "examined", {"exit": "memory" if exhausted else "ok", "notes": self._remote.take_notes()}, ()

    def _ask(self, token: str, check: int, site: int, value: object) -> object:
        """Ask the kernel what a check wants to know, and wait for the answer."""
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
            came = self._world.bench.run(order["tests"], order["roots"], self._world.names, targets)
        except CandidateGoneError:
            return "tested", {}, ()
        except BaseException as error:  # noqa: BLE001 - whatever a test raises, to be told
            return "tested", self._raised(error), ()
        return "tested", {"tests": came}, ()

    def _deliver(self, _order: dict[str, Any]) -> Done:
        """Values encoded anew: data as JSON, objects as `crossing` packs them."""
        objects: dict[str, bytes] = {}
        try:
            for target in self._world.targets:
                value = self._world.names[target.name]
                if target.kind == FRAME and not is_stand_in(value):
                    objects[target.name] = pack(value)
        except Exception as error:  # noqa: BLE001 - a value that cannot cross is the candidate's fault, told as one
            return "delivered", self._raised(error), ()
        return "delivered", {"values": self._values, "objects": list(objects)}, tuple(objects.values())

    def _call(self, order: dict[str, Any]) -> Done:
        """One call of a delivered function, for the notebook: arguments are trusted, the answer is encoded anew."""
        try:
            how, answer = self._service.perform(order["classes"], order["blob"])
        except CandidateGoneError:
            return "called", {"how": GONE}, ()
        return "called", {"how": how}, (answer,)

    # ---- telling

    def _raised(self, error: BaseException) -> dict[str, Any]:
        exhausted = isinstance(error, MemoryError)
        return {"exit": "memory" if exhausted else "raised", "fault": self._world.sources.tell(error)}

    def _report(self) -> tuple[dict[str, float], tuple[Any, tuple[bytes, ...]]]:
        """What both processes have used, and what the candidate has drawn; what it says is only for the books."""
        own, said = usage(), {}
        words, blobs = self._figures.take()
        own["cpu_seconds"] -= self._spent
        if self._text and not self._remote.gone:
            with suppress(CandidateGoneError, Exception):
                said, theirs, theirs_blobs = self._remote.ask("report")
                words, blobs = [*words, *theirs], (*blobs, *theirs_blobs)
        for name in _COUNTS:
            count = said.get(name) if isinstance(said, dict) else None
            if isinstance(count, int | float) and 0 <= count < _LARGEST:
                own[name] = own[name] + count if name == "cpu_seconds" else max(own[name], count)
        return own, (words, blobs) if all(type(blob) is bytes for blob in blobs) else ([], ())


def _found(told: object) -> tuple[object, tuple[str, ...]]:
    """Whether a target can be called, and what objects of it can do, as the candidate says."""
    callable_, abilities = told if isinstance(told, tuple) and len(told) == 2 else (False, ())  # noqa: PLR2004
    able = abilities if isinstance(abilities, tuple) else ()
    return callable_, tuple(ability for ability in able if isinstance(ability, str))
