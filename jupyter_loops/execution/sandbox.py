"""The sandbox: one warm child a run, one fork of it a candidate."""

from __future__ import annotations

import asyncio
import shutil
import stat
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any

from jupyter_loops.core.candidate import Candidate
from jupyter_loops.core.imports import Imports
from jupyter_loops.core.mutation import changed_by_functions
from jupyter_loops.core.ports import Readiness, World
from jupyter_loops.core.recipe import Check
from jupyter_loops.errors import SandboxError

from .attempt import ChildAttempt
from .cargo import Cargo, pack
from .channel import HungUp
from .container import IMAGE
from .examination import Program
from .fork import Fork
from .isolation import FONTS, choose, import_paths, setup_folder
from .platform import Platform
from .start import Start
from .tests import shown
from .worker import Worker

_EXAMINER = "jupyter_loops.verification.examiner"  # of the child: examine, Trust
_PROGRAM = "jupyter_loops.verification.program"  # of the kernel: program
_REHEARSAL = Check(name="", source="assert rehearsed(7) == 50", line=2)  # of the candidate in child/rehearsal.py
_TRIES = 2
_PRIVATE = 0o700
_SHARED = ("tmp", "shm", FONTS)  # two are bound over /tmp and /dev/shm; emptied after every candidate
_FONTS = 4 * 1024**2  # bytes of a list of fonts


class ZygoteSandbox:
    """Satisfies `core.ports.Sandbox`. Open it on a thread that lives as long as it does."""

    def __init__(
        self,
        isolation: str = "auto",
        examiner: str = _EXAMINER,
        *,
        image: str | None = None,
        platform: Platform | None = None,
    ) -> None:
        self._level, self._examiner, self._image = isolation, examiner, image
        self._platform = platform or Platform.here()
        self._program: Program = import_module(_PROGRAM).program
        self._numbers = count(1)
        self._running = 0
        self._folders: list[Path] = []
        self._kept: frozenset[Path] = frozenset()  # mount points, and what the set-up wrote to /tmp
        self._worker: Worker | None = None
        self._cargo: Cargo | None = None
        self._scratch: Path | None = None
        self._spare: asyncio.Future[Fork] | None = None
        self._finishing: set[asyncio.Future[None]] = set()
        self._renewing = asyncio.Lock()

    async def open(self, world: World) -> Readiness:
        """Start the warm child and run the set-up. Raises SetupError, PreflightError, SandboxError."""
        self._isolation, notes = await asyncio.to_thread(choose, self._level, self._image, self._platform)
        self._world = world
        self._scratch = _scratch_folder()
        self._worker = self._new_worker(self._scratch)
        folder = None if self._platform.passes_files else self._scratch
        packing = asyncio.create_task(asyncio.to_thread(pack, world.names, folder))
        try:
            await self._worker.start()
            self._cargo = await packing
            report = await self._worker.build(self._order(self._scratch), self._cargo)
        except BaseException:
            packing.add_done_callback(_unpack)
            await self.close()
            raise
        printed = self._worker.printed()
        self._kept = frozenset(path for name in _SHARED for path in (self._scratch / name).iterdir())
        self._prepare()
        if not self._worker.forks:
            notes += (_why_restarted(report["threads"]),)
        return Readiness(
            isolation=self._isolation,
            schemas=report["schemas"],
            stdout=printed,
            notes=notes,
            fingerprint=self._cargo.fingerprint + world.tests_digest,
        )

    @asynccontextmanager
    async def attempt(self, candidate: Candidate) -> AsyncIterator[ChildAttempt]:
        """A pristine world for one candidate; leaving the context kills everything in it, cancellation included."""
        if self._scratch is None:
            raise SandboxError("the sandbox is closed")
        folder = self._folders.pop() if self._folders else _folder(self._scratch / str(next(self._numbers)))
        self._running += 1
        taking = asyncio.ensure_future(self._take())
        attempt = None
        try:
            fork = await asyncio.shield(taking)
            attempt = ChildAttempt(self._world, candidate, self._isolation, folder, fork, program=self._program)
            yield attempt
        finally:
            finishing = asyncio.ensure_future(self._finish(taking, folder))
            if attempt is not None and attempt.idle and fork.strike():
                self._finishing.add(finishing)  # it is as good as dead; its burial need not be waited for
                finishing.add_done_callback(self._finishing.discard)
            else:
                await asyncio.shield(finishing)

    async def close(self) -> None:
        """Leave no process and no file behind. Idempotent."""
        worker, cargo, scratch, spare = self._worker, self._cargo, self._scratch, self._spare
        self._worker = self._cargo = self._scratch = self._spare = None
        await asyncio.gather(*self._finishing)
        if spare is not None:
            spare.cancel()
            await asyncio.wait({spare})
            await _discard(spare)
        if worker is not None:
            await worker.close()
        if cargo is not None:
            cargo.close()
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)

    async def _finish(self, taking: asyncio.Future[Fork], folder: Path) -> None:
        try:
            await _discard(taking)
        finally:
            self._running -= 1
            self._tidy(folder)
            self._prepare()

    def _prepare(self) -> None:
        """Have a child waiting before the next candidate is there: the model thinks for longer than a fork takes."""
        if self._scratch is not None and self._spare is None:
            self._spare = asyncio.ensure_future(self._forked())

    async def _take(self) -> Fork:
        """The child that is waiting, or else a new one."""
        spare, self._spare = self._spare, None
        if spare is not None:
            await asyncio.wait({spare})
            if spare.exception() is None and spare.result().alive:
                return spare.result()
            await _discard(spare)  # an earlier candidate has hurt it; the next one starts anew
        return await self._forked()

    async def _forked(self) -> Fork:
        for _ in range(_TRIES):
            async with self._renewing:
                worker = await self._usable_worker()
            try:
                return await worker.fork(self._world.limits.result_bytes)
            except HungUp:
                await worker.close()
        raise SandboxError("the sandbox dies before a candidate can start in it")

    async def _usable_worker(self) -> Worker:
        """The worker, or a new one in its place."""
        if self._worker is None or not self._worker.usable:
            if self._worker is not None and self._worker.forks:
                await self._worker.close()
            self._worker = await self._renewed()
        return self._worker

    def _tidy(self, folder: Path) -> None:
        """Remove what one candidate wrote; the shared folders too, once nobody else uses them."""
        if _is_untouched(folder):
            self._folders.append(folder)  # to make and remove one takes as long as to run a small candidate
        else:
            _remove(folder)
        if self._scratch is not None and self._running == 0:
            for name in _SHARED:
                for left in set((self._scratch / name).iterdir()) - self._kept:
                    _remove(left)

    async def _renewed(self) -> Worker:
        assert self._scratch is not None
        assert self._cargo is not None
        worker = self._new_worker(self._scratch)
        try:
            await worker.start()
            await worker.build(self._order(self._scratch), self._cargo)
        except BaseException:
            await worker.close()
            raise
        worker.printed()
        return worker

    def _new_worker(self, scratch: Path) -> Worker:
        start = Start(
            isolation=self._isolation,
            scratch=scratch,
            limits=self._world.limits,
            shown=tuple(shown(self._world.roots, self._world.tests.values())),
            image=self._image or IMAGE,
            platform=self._platform,
        )
        return Worker(start)

    def _order(self, scratch: Path) -> dict[str, Any]:
        """What the child needs to know to build its world; of the checks, nothing."""
        recipe, cargo = self._world.recipe, self._cargo
        assert cargo is not None
        return {
            "path": [] if self._isolation == "container" else import_paths(),
            "python": list(sys.version_info[:2]),
            "cargo": None if cargo.path is None else str(cargo.path),
            "holds": self._platform.holds,
            "prefix": sys.prefix,
            "examiner": self._examiner,
            "rehearsal": self._program(_REHEARSAL, 0),
            "imports": _import_rules(self._world.imports),
            "fork": self._platform.forks,
            "names": cargo.names,
            "pickled": cargo.pickled,
            "buffers": cargo.buffers,
            "tests": bool(self._world.tests),
            "loop": recipe.name,
            "setup": recipe.setup,
            "state": sorted(changed_by_functions(recipe.setup)),
            "setup_name": f"<loop {recipe.name}>",
            "setup_cwd": str(setup_folder(self._isolation, scratch)),
            "targets": [
                {"name": each.name, "kind": each.kind.value, "annotation": each.annotation, "line": each.line}
                for each in recipe.targets
            ],
        }


def _import_rules(imports: Imports) -> dict[str, Any] | None:
    """The lists as the child needs them to refuse what only shows at run time; None where there are none."""
    if not imports:
        return None
    allowed = None if imports.allowed is None else sorted(imports.allowed)
    return {"allowed": allowed, "denied": sorted(imports.denied), "rule": imports.rule}


def _scratch_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="jupyter-loops-"))
    for name in _SHARED:
        (folder / name).mkdir()
    for fonts in (Path.home() / ".cache" / "matplotlib").glob("fontlist-*.json"):
        if fonts.stat().st_size < _FONTS:
            shutil.copy(fonts, folder / FONTS)
    return folder


async def _discard(fork: asyncio.Future[Fork]) -> None:
    """End a child, once it is known whether there is one."""
    await asyncio.wait({fork})
    if not fork.cancelled() and fork.exception() is None:
        await fork.result().end()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _folder(path: Path) -> Path:
    path.mkdir(mode=_PRIVATE)
    return path


def _is_untouched(folder: Path) -> bool:
    try:
        return not any(folder.iterdir()) and stat.S_IMODE(folder.lstat().st_mode) == _PRIVATE
    except OSError:
        return False


def _why_restarted(threads: list[str]) -> str:
    why = f"the set-up started threads ({', '.join(threads)[:200]})" if threads else "this platform cannot fork"
    return f"each candidate gets a restarted child instead of a fork: {why}"


def _unpack(packing: asyncio.Task[Cargo]) -> None:
    """Free what was packed for a child that never came."""
    if not packing.cancelled() and packing.exception() is None:
        packing.result().close()
