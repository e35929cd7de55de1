"""One candidate in a separate child process, as the kernel controls it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any, TypeVar

from jupyter_loops.core.candidate import Candidate, Delivery, Exit, Observation, Verdict
from jupyter_loops.core.delivered_module import module_name
from jupyter_loops.core.host_question import Answering, HostAnswer
from jupyter_loops.core.ports import World
from jupyter_loops.core.recipe import Check
from jupyter_loops.core.redaction import redact
from jupyter_loops.errors import SandboxError

from . import artifacts, border
from .channel import GarbageError, HungUpError, OversizedError
from .conversation import OVER, Hear, Reply, converse
from .countdown import Countdown
from .ending import Ending, ending_of_status, explain
from .examination import Examination, Program
from .fork import Fork
from .isolation import FONTS, SHARED
from .namespace_payload import NamespacePayload
from .pool import PoolSlot
from .resource_watch import ResourceWatch
from .tests import digest

_T = TypeVar("_T")
_SHORT = 4000  # characters of checks: to compile fewer costs less than a thread
_GRACE = 0.05  # seconds for the last message of a child that has ended


class ChildAttempt:
    """Satisfies `core.ports.Attempt` with a child that is ready for the candidate."""

    def __init__(
        self,
        world: World,
        candidate: Candidate,
        isolation: str,
        scratch: Path,
        fork: Fork,
        *,
        program: Program,
        slot: PoolSlot,
        private: NamespacePayload | None = None,
    ) -> None:
        self._world, self._candidate = world, candidate
        self._isolation, self._scratch, self._fork, self._program = isolation, scratch, fork, program
        self._slot, self._private = slot, private
        self._hidden = False  # a hidden check has run: later output of the candidate may reveal it
        self._token = secrets.token_hex(16)
        self._countdown = Countdown(world.limits.seconds, lambda: self._reach(Exit.WALL))
        self._cpu = 0.0  # seconds, all orders together
        self.idle = True  # no order is under way, and none was aborted
        self._over: Ending | None = None
        self._loop = asyncio.get_running_loop()
        self._reached: asyncio.Future[Exit] = self._loop.create_future()
        folders = (scratch, *(scratch.parent / name for name in (*SHARED, FONTS)))
        self._watch = ResourceWatch(fork, world.limits, folders, self._reach)
        for output in (fork.stdout, fork.stderr):
            output.bound(world.limits.output_bytes, self._flooded)

    async def execute(self) -> Observation:
        """Run the candidate. A data candidate is validated against its types."""
        order: dict[str, Any] = {
            "do": "execute",
            "token": self._token,
            "kind": self._candidate.kind.value,
            "text": self._candidate.text,
            "scratch": str(self._scratch),
            "module": module_name(self._world.recipe.name, self._world.recipe.setup, self._candidate.text),
        }
        return await self._with_files(await self._act(order, "executed"))

    async def examine(
        self, checks: Sequence[Check], answering: Answering | None = None
    ) -> tuple[list[Verdict], Observation]:
        """Run the checks in order, as the port says. Raises what `answering` raises."""
        examination = Examination(self._world.recipe, checks, self._program)
        orders = await _on_thread_if_long(examination.orders, sum(len(check.source) for check in checks))
        order = {"do": "examine", "token": self._token, "checks": orders, "all": self._world.all_checks}
        self._hidden = self._hidden or any(check.hidden for check in checks)

        async def reply(message: dict[str, Any]) -> None:
            question = examination.question(message)
            if answering is None:
                raise GarbageError("a question where nobody answers")
            with self._countdown.paused():
                self._slot.release()
                answer = await answering(question)
                await self._slot.acquire()
            examination.add_answer(answer)
            await self._fork.channel.send({"answer": answer.value})

        act = self._act(order, "examined", examination.add_verdict, lambda message: self._unless_ended(reply(message)))
        observation = await act
        verdicts = examination.verdicts(self._over.message if self._over else "")
        return verdicts, _silent(observation) if self._hidden else await self._with_files(observation)

    async def test(self, tests: Sequence[str]) -> HostAnswer:
        """Run the user's own tests against the executed candidate, as the port says."""
        roots, answers = self._world.roots, list[HostAnswer]()
        order = {
            "do": "test",
            "token": self._token,
            "tests": [self._world.tests[test] for test in tests],
            "roots": list(roots),
        }
        observation = await self._act(
            order, "tested", lambda message, _: answers.append(border.tested(message.get("tests"), ", ".join(tests)))
        )
        if digest(roots) != self._world.tests_digest:
            return HostAnswer(value=False, note="the test files are not what they were when the run began")
        if observation.exit is not Exit.OK or not answers:
            why = self._over.message if self._over else observation.fault.message if observation.fault else ""
            return HostAnswer(value=False, note=f"the tests did not come to an end: {why or observation.exit.value}")
        return answers[0]

    async def deliver(self) -> Delivery:
        """The targets' values, encoded by the examiner. Raises SandboxError if they cannot be encoded."""
        delivered: list[Delivery] = []

        def hear(message: dict[str, Any], blobs: list[bytes]) -> None:
            names = border.field(message, "objects", list)
            if len(names) != len(blobs):
                raise GarbageError("objects without content")
            values = border.field(message, "values", dict)
            delivered.append(Delivery(values=values, objects=dict(zip(map(str, names), blobs, strict=True))))

        observation = await self._act({"do": "deliver", "token": self._token}, "delivered", hear)
        if observation.exit is not Exit.OK or not delivered:
            why = observation.fault.message if observation.fault else observation.exit.value
            raise SandboxError(f"the result could not be brought back: {why}")
        return delivered[0]

    async def call(self, frame: bytes, classes: Sequence[tuple[str, str]] | None) -> tuple[str, bytes, Observation]:
        """One function call under the limits of one call: how it ended, the encoded answer, and the observation."""
        results: list[tuple[str, bytes]] = []
        order = {"do": "call", "token": self._token, "classes": None if classes is None else [*classes]}
        self._countdown.renew(self._world.limits.seconds)
        self._watch.renew()

        def hear(message: dict[str, Any], blobs: list[bytes]) -> None:
            results.append((border.field(message, "how", str), b"".join(blobs)))

        observation = await self._act(order, "called", hear, blob=frame)
        return *(results[0] if results else ("", b"")), observation

    async def _with_files(self, observation: Observation) -> Observation:
        """Keep what the candidate has written, where that is asked for."""
        folder, limit = self._world.artifacts, self._world.limits.artifact_bytes
        if folder is None or not observation.files:
            return observation
        copies = await asyncio.to_thread(artifacts.copy_files, self._scratch, observation.files, folder, limit)
        return replace(observation, files=copies)

    async def _act(
        self, order: dict[str, Any], last: str, hear: Hear | None = None, reply: Reply | None = None, blob: bytes = b""
    ) -> Observation:
        """Send an order and listen until the message that ends it, or until the attempt is over."""
        if self._over is not None:
            return self._observe(Exit(self._over.exit), None, 0.0)
        await self._slot.acquire()
        used = self._countdown.used
        self.idle = False
        self._watch.start()
        self._countdown.start()
        self._fork.ended.add_done_callback(self._ended)
        try:
            message = await converse(self._fork.channel, (*self._with_private(order), blob), last, hear, reply)
            ended = None
        except (GarbageError, HungUpError, OversizedError) as error:
            noticed = min(perf_counter(), self._countdown.deadline)
            ended = await self._observed_ending(error)
        finally:
            self._fork.ended.remove_done_callback(self._ended)
            self._watch.stop()
            self._countdown.stop()
        seconds = self._countdown.used - used
        if ended is None and Exit(message["exit"]) in OVER:
            ended, noticed = self._reported_ending(message), perf_counter()
        if ended is None:
            self.idle = True
            self._slot.release()
            return self._observe(Exit(message["exit"]), message, seconds)
        await self._fork.kill()
        self._slot.release()
        self._over = Ending(*ended, None if ended[0] in _NOT_KILLED else perf_counter() - noticed)
        return self._observe(ended[0], None, seconds)

    def _with_private(self, order: dict[str, Any]) -> tuple[dict[str, Any], tuple[int, ...]]:
        """The order. The first order with a hidden check also gets the names that only hidden checks read."""
        payload = self._private if self._hidden else None
        if payload is None:
            return order, ()
        self._private = None
        return order | {"private": payload.order()}, () if payload.path else (payload.file.fileno(),)

    async def _unless_ended(self, replying: Coroutine[Any, Any, None]) -> None:
        """Reply, unless the attempt ends first. Raises HungUpError."""
        task = asyncio.ensure_future(replying)
        try:
            ways: list[asyncio.Future[Any]] = [task, self._reached, self._fork.ended]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise HungUpError
        finally:
            task.cancel()
            await asyncio.wait({task})  # a judge that was called has to record its cost
        task.result()

    def _reported_ending(self, message: dict[str, Any]) -> tuple[Exit, str]:
        """How the candidate's process ended, by the examiner's report."""
        if self._reached.done():
            return self._reached.result(), explain(self._reached.result(), self._world.limits)
        if self._fork.group is not None and self._fork.group.ran_out:
            return Exit.MEMORY, explain(Exit.MEMORY, self._world.limits)
        if "status" in message:
            return ending_of_status(border.field(message, "status", int), self._world.limits)
        fault = border.fault(message["fault"])
        why = explain(Exit(message["exit"]), self._world.limits)
        return Exit(message["exit"]), f"{why}: {fault.message}" if fault else why

    async def _observed_ending(self, error: Exception) -> tuple[Exit, str]:
        limits = self._world.limits
        if isinstance(error, OversizedError):
            return Exit.OUTPUT, explain(Exit.OUTPUT, limits)
        if isinstance(error, GarbageError):
            return Exit.GARBAGE, f"{explain(Exit.GARBAGE, limits)}: {error}"
        if not self._reached.done():
            await asyncio.wait({self._fork.ended}, timeout=10 * _GRACE)
        if self._reached.done():
            return self._reached.result(), explain(self._reached.result(), limits)
        if self._fork.ended.done():
            ran_out = self._fork.group is not None and self._fork.group.ran_out
            status = self._fork.ended.result()
            return (Exit.MEMORY, explain(Exit.MEMORY, limits)) if ran_out else ending_of_status(status, limits)
        return Exit.GARBAGE, explain(Exit.GARBAGE, limits)

    def _observe(self, exit_: Exit, reply: dict[str, Any] | None, seconds: float) -> Observation:
        self._fork.stdout.drain()
        self._fork.stderr.drain()
        (stdout, cut), (stderr, cut_too) = self._fork.stdout.take(), self._fork.stderr.take()
        watched_cpu_seconds = max(self._watch.cpu_seconds - self._fork.spent_cpu_seconds, 0.0)
        used = reply["usage"] if reply else {"cpu_seconds": watched_cpu_seconds, "peak_bytes": self._watch.peak_bytes}
        cpu, self._cpu = max(used["cpu_seconds"] - self._cpu, 0.0), max(used["cpu_seconds"], self._cpu)
        return Observation(
            exit=exit_,
            fault=border.fault(reply["fault"]) if reply else self._over.fault if self._over else None,
            stdout=redact(stdout),
            stderr=redact(stderr),
            clipped=cut or cut_too,
            seconds=seconds,
            cpu_seconds=cpu,
            peak_bytes=int(used["peak_bytes"]),
            kill_seconds=self._over.kill_seconds if self._over else None,
            isolation=self._isolation,
            files=artifacts.listed(self._scratch),
            figures=reply["figures"] if reply else (),
            notes=border.notes(reply) if reply else (),
        )

    def _reach(self, limit: Exit) -> None:
        if not self._reached.done():
            self._reached.set_result(limit)
            self._fork.channel.break_off()

    def _ended(self, _: object) -> None:
        """The child is dead. Its last message may still arrive, and its descendants may keep the channel open."""
        self._loop.call_later(_GRACE, self._fork.channel.break_off)

    def _flooded(self) -> None:
        self._reach(Exit.OUTPUT)


async def _on_thread_if_long(work: Callable[[], _T], characters: int) -> _T:
    """Do the work here, or on a thread if the text is so long that it would delay other runs."""
    return work() if characters < _SHORT else await asyncio.to_thread(work)


def _silent(observation: Observation) -> Observation:
    """The observation without any field that could reveal a hidden check."""
    return replace(observation, stdout="", stderr="", fault=None, files=(), figures=(), notes=())


_NOT_KILLED = frozenset({Exit.DIED})  # it ended before the kernel killed it
