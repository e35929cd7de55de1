"""What a process keeps outside of its memory and its folder's names is found and counted."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from jupyter_loops.core.candidate import Exit, Limits
from jupyter_loops.execution import storage_usage, tree
from jupyter_loops.execution.storage_usage import StorageUsage

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it reads /proc")
MB = 1 << 20


@contextmanager
def a_process(text, folder):
    """One that has done what the text says, and waits."""
    program = f"{text}\nprint('ready', flush=True)\ninput()"
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout.readline() == b"ready\n"
            yield process.pid
        finally:
            process.kill()


MAPPED = """
import ctypes, os
libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
f = os.open('x', os.O_CREAT | os.O_RDWR)
os.write(f, b'x' * (8 << 20))
libc.mmap(None, 8 << 20, 1, 1, f, 0)
os.unlink('x'); os.close(f)
"""
KEPT = {
    "open and without a name": "f = open('x', 'wb'); f.write(b'x' * (8 << 20)); f.flush(); import os; os.unlink('x')",
    "mapped and without a name": MAPPED,
    "never had a name": "import os; f = os.open('.', os.O_TMPFILE | os.O_RDWR); os.write(f, b'x' * (8 << 20))",
    "beside": "open('../x', 'wb').write(b'x' * (8 << 20))",
    "below": "import os; os.makedirs('a/b'); open('a/b/x', 'wb').write(b'x' * (8 << 20))",
}


@pytest.fixture
def own(tmp_path):
    (tmp_path / "own").mkdir()
    return tmp_path / "own"


@pytest.mark.parametrize("name", KEPT)
def test_files_count_wherever_they_are_kept(name, own):
    with a_process(KEPT[name], own) as pid:
        assert _looked(own, pid, Limits(disk_bytes=4 * MB)) is Exit.OUTPUT
        assert _looked(own, pid, Limits(disk_bytes=64 * MB)) is None


def test_what_others_give_back_hides_nothing(own, monkeypatch):
    monkeypatch.setattr(storage_usage, "_disk", lambda _: (0, 0))

    with a_process(KEPT["below"], own) as pid:
        assert _looked(own, pid, Limits(disk_bytes=4 * MB)) is Exit.OUTPUT


def test_of_a_nearly_full_disk_half_is_left_to_others(own, monkeypatch):
    with a_process(KEPT["below"].replace("8 <<", "40 <<"), own) as pid:
        for free, exit_ in ((70 * MB, Exit.OUTPUT), (90 * MB, None)):
            looks = iter([(0, free), (0, free - 40 * MB)])
            monkeypatch.setattr(storage_usage, "_disk", lambda _, looks=looks: next(looks))
            assert StorageUsage([own], Limits()).look([pid]) is exit_


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root reads everything")
def test_a_folder_that_cannot_be_read_counts_as_full(own):
    (own / "d").mkdir(0o300)
    assert _looked(own, os.getpid(), Limits()) is Exit.OUTPUT


def test_what_may_wait_in_sockets_counts_as_memory(own):
    text = "import socket; kept = [socket.socketpair() for _ in range(100)]"
    with a_process(text, own) as pid:
        assert _looked(own, pid, Limits(memory_bytes=64 * MB)) is Exit.MEMORY
        assert _looked(own, pid, Limits(memory_bytes=512 * MB)) is None


def _looked(own, pid, limits):
    """What comes of as many looks as it takes for the closest one."""
    looks = StorageUsage([own], limits)
    return next(filter(None, (looks.look([pid]) for _ in range(storage_usage._CLOSER))), None)


def test_a_process_lives_while_one_of_its_threads_does(tmp_path):
    text = "import ctypes, threading, time\nthreading.Thread(target=time.sleep, args=(600,)).start()\n"
    program = f"{text}print('ready', flush=True)\nctypes.CDLL(None).syscall(60, 0)"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        deadline = time.monotonic() + 30
        while _state(process.pid) != "Z" and time.monotonic() < deadline:
            pass
        seemed, alive = _state(process.pid), tree.alive(process.pid)
        while tree.kill_tree(process.pid) and time.monotonic() < deadline:
            pass
        assert (seemed, alive, process.wait(30)) == ("Z", True, -9)
    assert not tree.alive(process.pid)


def _state(pid):
    return (tree._stat(pid) or ["gone"])[0]
