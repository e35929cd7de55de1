"""The isolation levels of a child, and the command line and environment of each."""

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
FONTS = "matplotlib"  # in the scratch folder: the font list, so that no candidate has to build it
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
SHARED = ("tmp", "shm")  # in the scratch folder, bound over the folders of that name
PRIVATE = {Path("/tmp"): "tmp", Path("/dev/shm"): "shm"}  # noqa: S108 - replaced, not used
_PROBE_SECONDS = 10
_ALTERNATIVES = {
    "bubblewrap": "install it (Debian: apt install bubblewrap), or use --sandbox landlock or process",
    "landlock": "use --sandbox bubblewrap, container or process",
}
_NAMESPACES = ("--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv")
_NO_MORE_NAMESPACES = ("--unshare-user", "--disable-userns")  # inside the sandbox; since bubblewrap 0.8
_ROOT = ("--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc")


def choose(level: str, image: str | None, platform: Platform) -> tuple[str, tuple[str, ...]]:
    """The level to use, and notes on it for the user. Raises PreflightError if the level is not available.

    A container is chosen only if the user names an image, because only the user knows what an image contains.
    """
    if level not in LEVELS:
        raise PreflightError(f"there is no sandbox {level!r}; choose one of {', '.join(LEVELS)}")
    if level == "container":
        return _contained(image or container.IMAGE)
    if level == "process":
        return "process", platform.notes
    levels = ("bubblewrap", "landlock") if level == "auto" else (level,)
    missing = {name: _why_not_here(name, platform) for name in levels}
    if not missing[levels[0]]:
        return levels[0], ()
    if level != "auto":
        raise PreflightError(f"--sandbox {level} is not available: {missing[level]}; {_ALTERNATIVES[level]}")
    if image is not None and not container.why_not(image):
        return "container", ()
    if not missing["landlock"]:
        return "landlock", ()
    note = f"sandbox: process, which protects from accidents and not from malice ({'; '.join(missing.values())})"
    return "process", (note, *platform.notes)


def stronger(level: str) -> list[str]:
    """The stronger levels: how to use those that are available, and why others are not."""
    checks = {"bubblewrap": _why_not_bubblewrap, "landlock": _why_not_landlock}
    above = list(checks)[: {"process": 2, "landlock": 1}.get(level, 0)]
    missing = [(name, checks[name]()) for name in above]
    return [f"{name} ({why}; {_ALTERNATIVES[name]})" if why else f"{name} (--sandbox {name})" for name, why in missing]


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


def environment(scratch: Path, variables: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The child's full environment: an allow-list of the kernel's variables, so that it holds no secret."""
    allowed = {name: value for name, value in variables.items() if name in _ALLOWED or name.startswith("LC_")}
    if os.name == "nt":
        allowed["USERPROFILE"] = str(scratch)
    return allowed | _FIXED | {"HOME": str(scratch), "TMPDIR": str(scratch), "MPLCONFIGDIR": str(scratch / FONTS)}


def bubblewrap(
    command: Iterable[str], scratch: Path, needed: Iterable[Path], variables: Mapping[str, str]
) -> list[str]:
    """`command` under bwrap: no network, a read-only system, no home. Of hidden folders only `needed` is visible."""
    line = ["bwrap", *_NAMESPACES, *(() if _why_not(_NO_MORE_NAMESPACES) else _NO_MORE_NAMESPACES), *_ROOT]
    for name, value in variables.items():
        line += ["--setenv", name, value]
    existing = [folder for folder in secluded() if folder.is_dir()]
    hidden = [folder for folder in existing if not _inside(folder, PRIVATE)]
    for folder in hidden:
        line += ["--tmpfs", str(folder)]
    for place, folder_name in PRIVATE.items():
        if place.is_dir():
            line += ["--bind", str(scratch / folder_name), str(place)]
    shown = visible(needed, [*hidden, *PRIVATE])
    for path in shown:
        line += ["--ro-bind", str(path), str(path)]
    for folder in existing:
        if folder not in hidden and _inside(folder, shown):  # a home below a bound path, such as /tmp
            hidden.append(folder)
            line += ["--tmpfs", str(folder)]
    for place in (scratch, *(scratch / name for name in (*SHARED, FONTS))):  # mounts: a link cannot replace them
        line += ["--bind", str(place), str(place)]
    for folder in (*hidden, Path("/dev")):
        line += ["--remount-ro", str(folder)]
    return [*line, "--chdir", str(scratch), "--", *command]


def visible(needed: Iterable[Path], hidden: Iterable[Path]) -> list[Path]:
    """Needed paths that lie in a hidden folder and contain none: to bind a full home would show it."""
    concealed = list(hidden)
    paths = {Path(os.path.abspath(path)) for path in needed if path.exists()}  # noqa: PTH100 - symlinks stay
    inside = [path for path in paths if any(path.is_relative_to(folder) and path != folder for folder in concealed)]
    return sorted(path for path in inside if not any(folder.is_relative_to(path) for folder in concealed))


def interpreter_paths() -> list[Path]:
    """Paths that the child needs to run Python and to import what the kernel can import."""
    real = Path(sys.executable).resolve()
    prefixes = [Path(sys.prefix), Path(sys.base_prefix), Path(sys.exec_prefix), real.parent.parent]
    return [*prefixes, *map(Path, import_paths())]


def import_paths() -> list[str]:
    """The kernel's `sys.path`, absolute, with this package's own root in it."""
    root = str(Path(__file__).parents[2])
    paths = [str(Path(entry or ".").absolute()) for entry in sys.path]
    return list(dict.fromkeys([*paths, root]))


def secluded() -> list[Path]:
    """Folders with secrets, or with sockets of daemons that would act for this user."""
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
    """Empty if bubblewrap works here, also with these options; otherwise the reason. Tried once a process."""
    program = shutil.which("bwrap")
    if program is None:
        return "bwrap is not installed"
    command = [program, *_NAMESPACES, *more, *_ROOT, "--", "true"]
    try:
        completed = subprocess.run(  # noqa: S603 - our own words
            command, capture_output=True, timeout=_PROBE_SECONDS, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"bwrap does not start: {error}"
    if completed.returncode == 0:
        return ""
    lines = completed.stderr.decode(errors="replace").strip().splitlines()
    return f"bwrap does not work here: {lines[-1] if lines else completed.returncode}"


def setup_folder(isolation: str, scratch: Path) -> Path:
    """Where the set-up runs: the notebook's folder, if it is visible, so that relative paths work."""
    if isolation == "container":
        return scratch
    here = Path.cwd()
    hidden = [*secluded(), *PRIVATE]
    if isolation in {"process", "landlock"} or not any(here.is_relative_to(folder) for folder in hidden):
        return here
    shown = visible(interpreter_paths(), hidden)
    return here if any(here.is_relative_to(path) for path in shown) else scratch
