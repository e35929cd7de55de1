"""The source of a candidate that prints a line of JSON for each attempt. It runs only in a sandbox."""

from __future__ import annotations

import ctypes
import glob
import json
import multiprocessing
import os
import socket
import subprocess
import sys
from collections.abc import Callable


def main(bait: dict[str, str]) -> None:
    """Try everything on the prepared targets."""
    attempts: dict[str, Callable[[], object]] = {
        "home": lambda: _read(bait["home"]),
        "project": lambda: _read(bait["project"]),
        "write": lambda: _append(bait["project"]),
        "network": lambda: _connect(socket.AF_INET, ("127.0.0.1", int(bait["port"]))),
        "socket": lambda: _connect(socket.AF_UNIX, bait["socket"]),
        "processes": lambda: _any_process_has("cmdline", f"{bait['token']}-seen"),
        "environment": lambda: _any_process_has("environ", f"{bait['token']}-secret"),
        "note": _leave_note,
        "program": lambda: subprocess.run([sys.executable, "-c", ""], check=True, capture_output=True),
        "locks": lambda: multiprocessing.get_context("fork").Lock().acquire(),
        "outlive": lambda: _outlive(f"{bait['token']}-outlive"),
    }
    for name, attempt in attempts.items():
        try:
            result = [name, bool(attempt()), ""]
        except Exception as error:  # noqa: BLE001 - what stops it is the result
            result = [name, False, getattr(error, "strerror", None) or type(error).__name__]
        print(json.dumps(result))  # noqa: T201 - the kernel reads it


def _read(path: str) -> str:
    with open(path) as file:  # noqa: PTH123 - as candidates do
        return file.read()


def _append(path: str) -> int:
    with open(path, "a") as file:  # noqa: PTH123 - as candidates do
        return file.write("x")


def _connect(family: int, address: object) -> bool:
    with socket.socket(family) as end:
        end.settimeout(2)
        end.connect(address)  # type: ignore[arg-type] # of either family
    return True


def _any_process_has(name: str, words: str) -> bool:
    """Whether a file of this name of any process holds the words."""
    if not os.listdir("/proc"):  # noqa: PTH208 - raises if it may not be listed
        return False
    for path in glob.glob(f"/proc/[0-9]*/{name}"):  # noqa: PTH207 - as candidates do
        try:
            with open(path, "rb") as file:  # noqa: PTH123 - as candidates do
                if words.encode() in file.read():
                    return True
        except OSError:
            continue
    return False


def _leave_note() -> bool:
    library = ctypes.CDLL(None, use_errno=True)
    number = library.shmget(0, 4096, 0o1600)
    if number < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    library.shmctl(number, 0, None)  # and remove it again
    return True


def _outlive(word: str) -> bool:
    command = [sys.executable, "-c", "import time; time.sleep(600)", word]
    subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
    return True
