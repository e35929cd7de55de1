"""How strongly the child is kept apart, and the command line and environment that do it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from jupyter_loops.errors import PreflightError

from . import container
from .child import landlock, seccomp
from .platform import Platform

LEVELS = ("auto", "bubblewrap", "landlock", "container", "process")
FONTS = "matplotlib"  # in the scratch folder; without the list in it, each candidate that draws would look for fonts
_ALLOWED = frozenset(
    {"PATH", "LANG", "LANGUAGE", "TZ", "TERM", "VIRTUAL_ENV", "CONDA_PREFIX", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES"}
    | {"SYSTEMROOT", "WINDIR", "COMSPEC", "PATHEXT"}  # without them Windows starts no process
)
_FIXED = {
    "MPLBACKEND": "Agg",
    # Native thread pools do not survive a fork; one thread each keeps the zygote single-threaded.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
}
SHARED = ("tmp", "shm")  # in the scratch folder, bound over what is used by that name
PRIVATE = {Path("/tmp"): "tmp", Path("/dev/shm"): "shm"}  # noqa: S108 - replaced, not used
_PROBE_SECONDS = 10
_WAYS_OUT = {
    "bubblewrap": "install it (Debian: apt install bubblewrap), or use --sandbox landlock or process",
    "landlock": "use --sandbox bubblewrap, container or process",
}
_NAMESPACES = ("--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv")
_NO_MORE_NAMESPACES = ("--unshare-user", "--disable-userns")  # within; since bubblewrap 0.8
_ROOT = ("--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc")


def choose(level: str, image: str | None, platform: Platform) -> tuple[str, tuple[str, ...]]:
    """The level to use, and what a person should know of it. Raises PreflightError where it is not to be had.

    A container is chosen for nobody who has not named an image: what an image holds, only a person knows.
    """
    if level not in LEVELS:
        raise PreflightError(f"there is no sandbox {level!r}; choose one of {', '.join(LEVELS)}")
    if level == "container":
        return _contained(image or container.IMAGE)
    if level == "process":
        return "process", platform.notes
    ways = ("bubblewrap", "landlock") if level == "auto" else (level,)
    missing = {way: _why_not_here(way, platform) for way in ways}
    if not missing[ways[0]]:
        return ways[0], ()
    if level != "auto":
        raise PreflightError(f"--sandbox {level} is not available: {missing[level]}; {_WAYS_OUT[level]}")
    if image is not None and not container.why_not(image):
        return "container", ()
    if not missing["landlock"]:
        return "landlock", ()
    note = f"sandbox: process, which protects from accidents and not from malice ({'; '.join(missing.values())})"
    return "process", (note, *platform.notes)


def stronger(level: str) -> list[str]:
    """The levels above this one that are not to be had here, and why not; those that are, and how."""
    ways = {"bubblewrap": _why_not_bubblewrap, "landlock": _why_not_landlock}
    above = list(ways)[: {"process": 2, "landlock": 1}.get(level, 0)]
    missing = [(way, ways[way]()) for way in above]
    return [f"{way} ({why}; {_WAYS_OUT[way]})" if why else f"{way} (--sandbox {way})" for way, why in missing]


def _why_not_here(level: str, platform: Platform) -> str:
    if not platform.passes_files:
        return f"there is none for {platform.name}"
    return _why_not_bubblewrap() if level == "bubblewrap" else _why_not_landlock()


def _why_not_landlock() -> str:
    return landlock.available() or seccomp.available()


def _contained(image: str) -> tuple[str, tuple[str, ...]]:
    missing = container.why_not(image)
    if missing:
        raise PreflightError(f"--sandbox container is not available: {missing}")
    return "container", ()


def environment(scratch: Path, own: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The child's whole environment: an allow-list of the kernel's, so that no secret is in it."""
    kept = {name: value for name, value in own.items() if name in _ALLOWED or name.startswith("LC_")}
    if os.name == "nt":
        kept["USERPROFILE"] = str(scratch)
    return kept | _FIXED | {"HOME": str(scratch), "TMPDIR": str(scratch), "MPLCONFIGDIR": str(scratch / FONTS)}


def bubblewrap(
    command: Iterable[str], scratch: Path, needed: Iterable[Path], variables: Mapping[str, str]
) -> list[str]:
    """`command` under bwrap: no network, a read-only system, no home, and of the hidden folders only what is needed."""
    line = ["bwrap", *_NAMESPACES, *(() if _why_not(_NO_MORE_NAMESPACES) else _NO_MORE_NAMESPACES), *_ROOT]
    for name, value in variables.items():
        line += ["--setenv", name, value]
    existing = [folder for folder in secluded() if folder.is_dir()]
    hidden = [folder for folder in existing if not _inside(folder, PRIVATE)]
    for folder in hidden:
        line += ["--tmpfs", str(folder)]
    for place, own in PRIVATE.items():
        if place.is_dir():
            line += ["--bind", str(scratch / own), str(place)]
    shown = visible(needed, [*hidden, *PRIVATE])
    for path in shown:
        line += ["--ro-bind", str(path), str(path)]
    for folder in existing:
        if folder not in hidden and _inside(folder, shown):  # a home below /tmp that has just been shown again
            hidden.append(folder)
            line += ["--tmpfs", str(folder)]
    for place in (scratch, *(scratch / name for name in (*SHARED, FONTS))):  # mounted: a link cannot take its place
        line += ["--bind", str(place), str(place)]
    for folder in (*hidden, Path("/dev")):
        line += ["--remount-ro", str(folder)]
    return [*line, "--chdir", str(scratch), "--", *command]


def visible(needed: Iterable[Path], hidden: Iterable[Path]) -> list[Path]:
    """Those needed paths that lie in a hidden folder and do not hold one: binding a whole home back would show it."""
    concealed = list(hidden)
    paths = {Path(os.path.abspath(path)) for path in needed if path.exists()}  # noqa: PTH100 - symlinks stay
    inside = [path for path in paths if any(path.is_relative_to(folder) and path != folder for folder in concealed)]
    return sorted(path for path in inside if not any(folder.is_relative_to(path) for folder in concealed))


def interpreter_paths() -> list[Path]:
    """What the child needs to see of the file system to run Python and to import what the kernel can."""
    real = Path(sys.executable).resolve()
    prefixes = [Path(sys.prefix), Path(sys.base_prefix), Path(sys.exec_prefix), real.parent.parent]
    return [*prefixes, *map(Path, import_paths())]


def import_paths() -> list[str]:
    """The kernel's `sys.path`, absolute, with this package's own root in it."""
    root = str(Path(__file__).parents[2])
    paths = [str(Path(entry or ".").absolute()) for entry in sys.path]
    return list(dict.fromkeys([*paths, root]))


def secluded() -> list[Path]:
    """Folders with secrets or with sockets of daemons that would act for us."""
    home = Path.home()
    folders = [Path("/root"), Path("/home"), Path("/run"), Path("/mnt"), Path("/media")]
    folders += [Path("/var/tmp"), home]  # noqa: S108 - hidden
    return [folder for folder in dict.fromkeys(folders) if folder != Path("/") and not _inside(folder, folders)]


def _inside(folder: Path, others: Iterable[Path]) -> bool:
    return any(folder != other and folder.is_relative_to(other) for other in others)


def _why_not_bubblewrap() -> str:
    return _why_not(())


@cache
def _why_not(more: tuple[str, ...]) -> str:
    """Empty when bubblewrap works here, with these options too; tried once a process."""
    program = shutil.which("bwrap")
    if program is None:
        return "bwrap is not installed"
    command = [program, *_NAMESPACES, *more, *_ROOT, "--", "true"]
    try:
        tried = subprocess.run(  # noqa: S603 - our own words
            command, capture_output=True, timeout=_PROBE_SECONDS, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"bwrap does not start: {error}"
    words = tried.stderr.decode(errors="replace").strip().splitlines()
    return "" if tried.returncode == 0 else f"bwrap does not work here: {words[-1] if words else tried.returncode}"


def setup_folder(isolation: str, scratch: Path) -> Path:
    """Where the set-up runs: the notebook's own folder, so that its relative paths work, where that can be seen."""
    if isolation == "container":
        return scratch
    here = Path.cwd()
    hidden = [*secluded(), *PRIVATE]
    if isolation in {"process", "landlock"} or not any(here.is_relative_to(folder) for folder in hidden):
        return here
    shown = visible(interpreter_paths(), hidden)
    return here if any(here.is_relative_to(path) for path in shown) else scratch
