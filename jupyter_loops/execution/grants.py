"""What a candidate may read and write under file restrictions: Python, the system's libraries, and its own folders.

Of a project it may read the Python modules, and the files that the cell names.
"""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterable
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Any

from jupyter_loops.core.syntax_tree import parse_module

from .child.privileges import FILES
from .isolation import FONTS, PRIVATE, import_paths, secluded

_OF_A_PREFIX = ("bin", "lib", "lib32", "lib64", "libexec", "include", "share", "ssl", "etc", "pyvenv.cfg")
_SYSTEM = ("/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin", "/nix/store", "/gnu/store", "/var/cache/fontconfig")
_ETC = (
    *("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "timezone", "ssl/certs", "ssl/openssl.cnf", "pki/tls"),
    *("fonts", "mime.types", "passwd", "group", "nsswitch.conf", "hosts", "alternatives", "matplotlibrc"),
)
_MACHINE = (
    *("/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/loadavg"),
    *("/proc/sys/vm/overcommit_memory", "/sys/devices/system/cpu", "/sys/devices/system/node"),
    *("/sys/kernel/mm/transparent_hugepage", "/sys/fs/cgroup"),
)
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
_INSTALLED = frozenset({"site-packages", "dist-packages", "lib-dynload"})
_MODULE = (".py", ".so", ".pyi")
_MOST = 200  # paths of projects: each needs an open descriptor
_MOST_ENTRIES = 2000  # entries of one folder
_PACKAGE = Path(__file__).parents[1]


def plan(level: str, scratch: Path, *, hidden: Iterable[Path] = (), named: Iterable[Path] = ()) -> dict[str, Any]:
    """The restrictions of a candidate's process, as plain data for `child.shut_in`.

    Only the examiner reads `hidden`, though it lies inside readable folders. `named` is data of the cell. If the
    project or the scratch folder lies in /tmp, candidates have no /tmp: a rule for it would allow all that is in it.
    """
    shut = level in {"bubblewrap", "landlock"}
    needed, hidden = "always" if level == "landlock" else "if it can", [*hidden]
    modules, listed = project_modules(hidden) if shut else ([], [])
    others = [scratch, Path.cwd(), *listed, *hidden]
    private = {str(place): str(scratch / name) for place, name in PRIVATE.items() if not _holds(place, others)}
    return {
        "level": level,
        "capabilities": 0 if shut else FILES,
        "sockets": not shut,
        "seccomp": needed,
        "landlock": needed if shut else "never",
        "readable": [*map(str, _outermost([*_readable(), *modules, *named])), str(scratch / FONTS)],
        "listed": list(map(str, listed)),
        "scratch": [str(scratch)],
        "view": private if level == "landlock" else {},
        "writable": [*private.values(), *(private if level == "bubblewrap" else ()), *_DEVICES],
    }


def project_modules(hidden: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """Files and folders of uninstalled Python modules on the import path, and the folders that may be listed.

    A folder replaces its files if it holds only modules.
    """
    unseen, installed = {str(path.resolve()) for path in hidden}, _readable()
    folders = [path for path in (Path(entry).resolve() for entry in import_paths()) if path.is_dir()]
    folders = [path for path in folders if not any(path.is_relative_to(entry) for entry in installed)]
    modules = [(path.count("/") - len(folder.parts), path) for folder in folders for path in _modules(folder, unseen)]
    return [Path(path) for _, path in sorted(modules, key=itemgetter(0))][:_MOST], folders  # the nearest first


def named_files(sources: Iterable[str]) -> list[Path]:
    """Files and folders that the sources name in string literals, except those that could contain secrets."""
    paths = [Path(text).expanduser() for source in sources for text in _texts(source)]
    existing = [Path(os.path.abspath(path)) for path in paths if _exists(path)]  # noqa: PTH100 - symlinks stay
    return [path for path in existing if not _holds(path, [Path.cwd(), *secluded()])]


def _readable() -> list[Path]:
    real = Path(sys.executable).resolve()
    prefixes = {Path(sys.prefix), Path(sys.base_prefix), Path(sys.exec_prefix), real.parent.parent}
    interpreter = [prefix / name for prefix in prefixes for name in _OF_A_PREFIX]
    packages = [path for path in map(Path, import_paths()) if path.name in _INSTALLED or path.is_file()]
    etc = [Path("/etc") / name for name in _ETC]
    every = [*map(Path, _SYSTEM), *interpreter, *packages, *etc, *map(Path, _MACHINE), _PACKAGE]
    return _outermost(path for path in every if path.exists())


def _modules(folder: Path, hidden: set[str]) -> list[str]:
    """The modules below a folder, without hidden ones."""
    modules, folders, _ = _contents(str(folder), hidden)
    return modules + [path for inner in folders for path in _package(inner, hidden)]


def _package(folder: str, hidden: set[str]) -> list[str]:
    """The folder itself if it holds only modules; its modules if it is a package; otherwise nothing."""
    modules, folders, others = _contents(folder, hidden)
    if not modules or (others and f"{folder}/__init__.py" not in modules):
        return []
    packages = [(inner, _package(inner, hidden)) for inner in folders]
    if not others and all(paths == [inner] for inner, paths in packages):
        return [folder]
    return modules + [path for _, paths in packages for path in paths]


def _contents(folder: str, hidden: set[str]) -> tuple[list[str], list[str], list[str]]:
    """Modules, folders that may be packages, and other entries, without `__pycache__`."""
    modules: list[str] = []
    folders: list[str] = []
    others: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for entry in islice(entries, _MOST_ENTRIES):
                if entry.name == "__pycache__":
                    continue
                if entry.path in hidden or entry.is_symlink():
                    others.append(entry.path)  # a rule for the folder would not cover the link's target
                if entry.path not in hidden:
                    is_folder = entry.is_dir(follow_symlinks=False) and entry.name.isidentifier()
                    kind = folders if is_folder else modules if entry.name.endswith(_MODULE) else others
                    kind.append(entry.path)
    except OSError:
        others.append(folder)
    return modules, folders, others


def _texts(source: str) -> list[str]:
    try:
        nodes = list(ast.walk(parse_module(source)))
    except SyntaxError:
        return []
    return [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def _exists(path: Path) -> bool:
    try:
        return str(path) not in {"", "."} and path.exists()
    except (OSError, ValueError):  # a name that is too long, or that holds a NUL
        return False


def _outermost(paths: Iterable[Path]) -> list[Path]:
    """The resolved paths that lie in no other of them."""
    resolved = {path.resolve() for path in paths}
    return sorted(path for path in resolved if not resolved.intersection(path.parents))


def _holds(path: Path, others: Iterable[Path]) -> bool:
    return any(other.is_relative_to(path) for other in others)
