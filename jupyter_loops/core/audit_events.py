"""Which audit events of the interpreter are acts on the world, in the words that a model is told."""

from __future__ import annotations

import os
from typing import Any

_PROCESS = "starts a process"
_FILES = "changes files"
_NETWORK = "uses the network"
_BY_EVENT = {
    **dict.fromkeys(
        (
            *("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty"),
            *("pty.spawn", "os.startfile", "os.startfile/2", "_winapi.CreateProcess"),
        ),
        _PROCESS,
    ),
    **dict.fromkeys(
        (
            *("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.chmod", "os.chown", "os.link", "os.symlink"),
            *("os.truncate", "os.utime", "os.setxattr", "os.removexattr", "os.lockf", "os.chflags"),
            *("shutil.rmtree", "shutil.move", "shutil.copyfile", "shutil.copymode", "shutil.copystat"),
            *("shutil.copytree", "shutil.make_archive", "shutil.unpack_archive", "shutil.chown"),
            *("tempfile.mkstemp", "tempfile.mkdtemp"),
        ),
        _FILES,
    ),
    **dict.fromkeys(
        (
            *("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo"),
            *("socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo", "socket.sethostname"),
            *("urllib.Request", "http.client.connect", "ftplib.connect", "smtplib.connect", "imaplib.open"),
            *("poplib.connect", "telnetlib.Telnet.open", "nntplib.connect", "webbrowser.open"),
        ),
        _NETWORK,
    ),
    **dict.fromkeys(("os.chdir", "os.fchdir"), "changes the working folder"),
    **dict.fromkeys(("os.putenv", "os.unsetenv"), "changes the environment"),
    **dict.fromkeys(("os.kill", "os.killpg", "signal.pthread_kill"), "sends a signal"),
    **dict.fromkeys(("resource.setrlimit", "resource.prlimit"), "changes a limit of the process"),
    **dict.fromkeys(("sys.settrace", "sys.setprofile", "sys.monitoring.register_callback"), "traces the program"),
    **dict.fromkeys(("_thread.start_new_thread", "_thread.start_joinable_thread"), "starts a thread"),
    **dict.fromkeys(("ctypes.dlopen", "ctypes.dlsym", "ctypes.call_function"), "calls native code"),
    **dict.fromkeys(("builtins.input", "builtins.breakpoint"), "waits for a person"),
    "sys.addaudithook": "adds an audit hook",
}
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_LETTERS = frozenset("wax+")


def words(event: str, arguments: tuple[Any, ...]) -> str:
    """What the event does; empty where it only looks."""
    if event == "open":
        return _opens(*arguments[:3])
    if event == "sqlite3.connect":
        return "" if _is_in_memory(arguments[0]) else "opens a database"
    return _BY_EVENT.get(event, "")


def _opens(path: object, mode: object, flags: object) -> str:
    by_letter = isinstance(mode, str) and not _LETTERS.isdisjoint(mode)
    by_flag = isinstance(flags, int) and bool(flags & _WRITES)
    if not (by_letter or by_flag) or path == os.devnull:
        return ""
    return f"writes {path!r:.80}" if isinstance(path, str | bytes | os.PathLike) else _FILES


def _is_in_memory(path: object) -> bool:
    text = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else ""
    return text in {"", ":memory:"} or (text.startswith("file:") and (":memory:" in text or "mode=" in text))
