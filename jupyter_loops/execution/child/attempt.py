"""Serves one candidate: execute, examine, deliver, each when the kernel asks."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from time import perf_counter
from typing import Any

from .confine import usage
from .describe import describe
from .fault import CANDIDATE
from .figures import Figures
from .guard import Guard
from .portray import portray
from .rehearsal import Script
from .targets import FRAME, Unfit, read_object
from .wire import Wire
from .world import World

Examiner = Callable[..., dict[str, Any]]
Exam = tuple[Examiner, Any]  # what runs a check, and what tells the candidate's classes from others

_ENOUGH = 1.0  # seconds after which a layer that has failed is not examined further


class Attempt:
    """What serves one candidate, in the process that will die with it."""

    def __init__(self, world: World, wire: Wire | Script, guard: Guard, figures: Figures, exam: Exam) -> None:
        self._world, self._wire, self._send = world, wire, wire.send
        self._guard, self._figures, (self._examiner, self._trust) = guard, figures, exam
        self._spent = usage()["cpu_seconds"]  # before the candidate came

    def serve(self) -> None:
        """Answer the kernel until it hangs up."""
        receive, acts = (
            self._wire.receive,
            {"execute": self._execute, "examine": self._examine, "test": self._test, "deliver": self._deliver},
        )
        while True:
            try:
                order, _, _ = receive()
            except (EOFError, OSError):
                return
            acts[order["do"]](order)

    def _execute(self, order: dict[str, Any]) -> None:
        reply: dict[str, Any] = {"said": "executed", "token": order["token"], "exit": "ok", "fault": None}
        try:
            _enter(order["scratch"])
            self._run(order["kind"], order["text"])
        except Unfit as unfit:
            reply |= {"exit": "invalid", "fault": {"type": "Invalid", "message": str(unfit), "frames": []}}
        except MemoryError as error:
            reply |= {"exit": "memory", "fault": self._world.sources.tell(error)}
        except BaseException as error:  # noqa: BLE001 - SystemExit and KeyboardInterrupt are the candidate's too
            reply |= {"exit": "raised", "fault": self._world.sources.tell(error)}
        left = self._guard.after_candidate()
        if left and reply["exit"] == "ok":
            message = f"the code leaves {left}; end what it starts before it is done"
            reply |= {"exit": "raised", "fault": {"type": "Leftover", "message": message, "frames": []}}
        self._reply(reply)
        self._guard.look()  # while the kernel writes the reply down

    def _run(self, kind: str, text: str) -> None:
        world = self._world
        if kind == "data":
            world.names.update(read_object(text, world.targets))
            return
        world.sources.add(CANDIDATE, text)
        program = compile(text, CANDIDATE, "exec", dont_inherit=True)
        exec(program, world.names)  # noqa: S102 - what we are for
        for target in world.targets:
            target.check(world.names)

    def _examine(self, order: dict[str, Any]) -> None:
        token, checks, exhausted, failed = order["token"], order["checks"], False, False
        self._accuse(token, self._guard.before_checks(checks))
        started = perf_counter()
        for each in checks:
            if failed and not order["all"] and perf_counter() - started > _ENOUGH:
                break
            ask = partial(self._ask, token, each["index"])
            self._trust.watch = self._guard.watch(each)
            verdict = self._examiner(each, self._world.names, self._world.sources, describe, ask, self._trust)
            failed = failed or not verdict["passed"]
            exhausted = exhausted or (verdict["fault"] or {}).get("type") == "MemoryError"
            tell = self._wire.hold if each is checks[-1] else self._send
            tell({"said": "verdict", "token": token, "verdict": verdict})
        self._accuse(token, self._guard.after_checks(checks))
        self._reply({"said": "examined", "token": token, "exit": "memory" if exhausted else "ok", "fault": None})

    def _accuse(self, token: str, findings: list[tuple[str, str]]) -> None:
        for kind, name in findings:
            self._send({"said": "tampered", "token": token, "kind": kind, "name": name[:200]})

    def _ask(self, token: str, check: int, site: int, value: object) -> object:
        """Ask the kernel what a check wants to know, and wait for the answer."""
        how, words = portray(value)
        self._send({"said": "ask", "token": token, "check": check, "site": site, "kind": how, "text": words})
        reply, _, _ = self._wire.receive()
        return reply["answer"]

    def _test(self, order: dict[str, Any]) -> None:
        """Run the user's tests."""
        reply: dict[str, Any] = {"said": "tested", "token": order["token"], "exit": "ok", "fault": None}
        targets = [target.name for target in self._world.targets]
        try:
            came = self._world.bench.run(order["tests"], order["roots"], self._world.names, targets)
            self._reply(reply | {"tests": came})
        except BaseException as error:  # noqa: BLE001 - whatever a test or a candidate raises, to be told
            self._reply(reply | {"exit": "raised", "fault": self._world.sources.tell(error)})

    def _deliver(self, order: dict[str, Any]) -> None:
        reply: dict[str, Any] = {"said": "delivered", "token": order["token"], "exit": "ok", "fault": None}
        values: dict[str, Any] = {}
        frames: dict[str, bytes] = {}
        try:
            for target in self._world.targets:
                if target.kind != "function":
                    value = target.export(self._world.names[target.name])
                    (frames if target.kind == FRAME else values)[target.name] = value
            self._reply(reply | {"values": values, "frames": list(frames)}, tuple(frames.values()))
        except Exception as error:  # noqa: BLE001 - a value that cannot cross is the candidate's fault, told as one
            self._reply(reply | {"exit": "raised", "fault": self._world.sources.tell(error)})

    def _reply(self, reply: dict[str, Any], blobs: tuple[bytes, ...] = ()) -> None:
        if not blobs and reply["said"] != "delivered":
            figures, blobs = self._figures.take()
            reply = reply | {"figures": figures}
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):  # the candidate may have closed or replaced it
                stream.flush()
        used = usage()
        self._send(reply | {"usage": used | {"cpu_seconds": used["cpu_seconds"] - self._spent}}, blobs)


def _enter(scratch: str) -> None:
    """Work in a folder of this candidate's own."""
    os.environ["HOME"] = os.environ["TMPDIR"] = scratch
    os.chdir(scratch)
