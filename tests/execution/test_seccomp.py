"""The filter, on real processes that take it."""

from __future__ import annotations

import os
import platform
import struct

import pytest
from shut_in import run_in

from jupyter_loops.execution.child import seccomp
from jupyter_loops.execution.child.syscalls import (
    CLONE,
    CLONE3,
    CLOSE_RANGE,
    COMMANDS,
    FALLOCATE,
    METADATA,
    OF_ITSELF,
    REFUSED,
    SOCKETPAIR,
    SOCKETS,
)

pytestmark = pytest.mark.skipif(bool(seccomp.available()), reason=seccomp.available() or "it works")

FILTER = "seccomp.restrict(sockets=False)"
COLUMN = {"x86_64": 0, "aarch64": 1}.get(platform.machine(), 0)
CALLS = sorted(name for name, number in REFUSED.items() if number[COLUMN] is not None)


def test_every_call_of_the_table_is_refused(tmp_path):
    numbers = [REFUSED[name][COLUMN] for name in CALLS]
    text = f"""
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
for number in {numbers}:
    print(libc.syscall(number, -1, 0, 0, 0, 0, 0), ctypes.get_errno())
"""
    assert dict(zip(CALLS, run_in(FILTER, text, tmp_path), strict=True)) == dict.fromkeys(CALLS, "-1 1")


@pytest.mark.parametrize(
    "work",
    [
        "socket.socket()", "socket.socket(socket.AF_INET6)", "socket.socket(socket.AF_UNIX)",
        "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)", "socket.create_connection(('127.0.0.1', 1))",
        "socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)", "os.memfd_create('m')",
        "resource.prlimit(os.getppid(), resource.RLIMIT_AS)", "os.sched_setaffinity(os.getppid(), {0})",
        "os.setpriority(os.PRIO_PROCESS, os.getppid(), 19)", "socket.send_fds(*pair, [0])",
        "os.sched_setscheduler(os.getppid(), os.SCHED_IDLE, os.sched_param(0))",
    ],
)  # fmt: skip
def test_a_candidate_reaches_nobody(work, tmp_path):
    text = f"""
import os, resource, socket
pair = socket.socketpair()[0], [b'x']
attempt(lambda: {work})
"""
    assert run_in(FILTER, text, tmp_path)[0] in {"PermissionError 1", "gaierror 1"}


@pytest.mark.parametrize("flags", [0x8000, 0x10000000, 0x20000, 0x40000000, 0x2000, 0x800000])
def test_no_process_is_cloned_into_a_namespace_or_to_another_parent(flags, tmp_path):
    text = f"""
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
came = libc.syscall({CLONE[COLUMN]}, {flags} | 17, 0, 0, 0, 0)
if came == 0: os._exit(0)
print(came, ctypes.get_errno())
"""
    assert run_in(FILTER, text, tmp_path)[0] == "-1 1"


@pytest.mark.parametrize(("flags", "came"), [(0x00010900, "-1 1"), (0x00010D00, "-1 22")])
def test_a_thread_has_no_open_files_of_its_own(flags, came, tmp_path):
    """Of the second, the system itself says that the stack is missing or the flags are not whole."""
    text = f"""
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
print(libc.syscall({CLONE[COLUMN]}, {flags} & ~0x800, 0, 0, 0, 0), ctypes.get_errno())
"""
    assert run_in(FILTER, text, tmp_path)[0] == came


def test_descriptors_are_closed_and_not_parted_with(tmp_path):
    text = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
for flags in (0, 2, 4): print(libc.syscall(436, 900, 901, flags), ctypes.get_errno())
"""
    assert run_in(FILTER, text, tmp_path) == ["0 0", "-1 1", "0 1"]


@pytest.mark.parametrize(
    "work",
    ["os.utime('file', (1, 1))", "os.fchmod(os.open('file', 0), 0)", "os.fchown(os.open('file', 0), 0, 0)",
     "os.chmod('file', 0)"],
)  # fmt: skip
def test_what_landlock_does_not_see_is_refused_where_nothing_else_holds_it(work, tmp_path):
    (tmp_path / "file").write_text("x")
    text = f"import os\nattempt(lambda: {work})"

    assert run_in("seccomp.restrict(sockets=False, metadata=False)", text, tmp_path)[0] == "PermissionError 1"
    assert run_in(FILTER, text, tmp_path)[0] == "done None"


@pytest.mark.parametrize("metadata", [True, False])
def test_no_attribute_of_a_file_is_changed_that_nothing_puts_back(metadata, tmp_path):
    (tmp_path / "file").write_text("x")
    text = """
import array, fcntl, os
file = os.open('file', os.O_RDWR)
flags = array.array('l', [0])
attempt(lambda: os.setxattr('file', 'user.a', b'x'))
attempt(lambda: os.setxattr(file, 'user.a', b'x'))
attempt(lambda: os.removexattr('file', 'user.a'))
attempt(lambda: fcntl.ioctl(file, 0x40086602, flags))
attempt(lambda: fcntl.fcntl(file, 1036, (2).to_bytes(8, 'little')))
"""

    lines = run_in(f"seccomp.restrict(sockets=False, metadata={metadata})", text, tmp_path)
    assert lines == ["PermissionError 1"] * 5


def test_nobody_waits_for_a_candidate_to_give_back_a_file(tmp_path):
    (tmp_path / "file").write_text("x")
    text = """
import fcntl, os
file, folder = os.open('file', os.O_RDONLY), os.open('.', os.O_RDONLY)
attempt(lambda: fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK))
attempt(lambda: fcntl.fcntl(folder, fcntl.F_NOTIFY, fcntl.DN_CREATE))
attempt(lambda: fcntl.fcntl(file, fcntl.F_GETFD))
attempt(lambda: fcntl.lockf(file, fcntl.LOCK_SH))
"""

    assert run_in(FILTER, text, tmp_path) == ["PermissionError 1", "PermissionError 1", "done 1", "done None"]


def test_room_on_the_disk_is_taken_by_writing_only(tmp_path):
    text = f"""
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
file = os.open('x', os.O_CREAT | os.O_RDWR)
print(libc.syscall({FALLOCATE[COLUMN]}, file, 0, 0, ctypes.c_long(1 << 20)), ctypes.get_errno())
os.posix_fallocate(file, 0, 1 << 20)
print(os.fstat(file).st_size)
"""
    assert run_in(FILTER, text, tmp_path) == ["-1 95", "1048576"]


def test_clone3_is_not_there_so_that_libraries_use_the_older_call(tmp_path):
    text = "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\nprint(libc.syscall(435, 0, 0), ctypes.get_errno())"
    assert run_in(FILTER, text, tmp_path)[0] == "-1 38"


@pytest.mark.skipif(platform.machine() != "x86_64", reason="only x86-64 has a second numbering")
def test_the_second_numbering_of_the_same_calls_is_refused(tmp_path):
    text = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
for number in (41, 0x40000000 | 41, 0x40000000 | 39, -1):
    print(libc.syscall(number, 2, 1, 0), ctypes.get_errno())
"""
    assert run_in(FILTER, text, tmp_path) == ["-1 1", "-1 1", "-1 1", "-1 1"]


def test_programs_that_it_starts_are_held_too(tmp_path):
    text = """
import subprocess, sys
print(subprocess.run([sys.executable, '-c', 'import socket; socket.socket()'], capture_output=True).returncode)
print(subprocess.run(['true']).returncode)
"""
    assert run_in(FILTER, text, tmp_path) == ["1", "0"]


HONEST = {
    "threads": "import concurrent.futures as c\n"
    "with c.ThreadPoolExecutor(4) as p: print(sum(p.map(abs, range(-4, 0))))",
    "asyncio": "import asyncio\nasync def main():\n await asyncio.sleep(0)\n return await asyncio.to_thread(int, 10)\n"
    "print(asyncio.run(main()))",
    "asyncio subprocess": "import asyncio\nasync def main():\n"
    " p = await asyncio.create_subprocess_exec('echo', '10', stdout=-1)\n return (await p.communicate())[0].decode()\n"
    "print(asyncio.run(main()).strip())",
    "pool": "import multiprocessing as m\nwith m.Pool(2) as p: print(sum(p.map(abs, range(-4, 0))))",
    "processes": "import concurrent.futures as c\n"
    "with c.ProcessPoolExecutor(2) as p: print(sum(p.map(abs, range(-4, 0))))",
    "queue and lock": "import multiprocessing as m\nq, l = m.Queue(), m.Lock()\n"
    "def work():\n with l: q.put(10)\np = m.Process(target=work); p.start(); print(q.get()); p.join()",
    "shared memory": "from multiprocessing.shared_memory import SharedMemory\ns = SharedMemory(create=True, size=10)\n"
    "print(len(bytes(s.buf[:10]))); s.close(); s.unlink()",
    "subprocess": "import subprocess\n"
    "print(subprocess.run(['echo', '10'], capture_output=True, text=True).stdout.strip())",
    "sqlite": "import sqlite3\nc = sqlite3.connect('a.db'); c.execute('create table t as select 10 as n')\n"
    "print(c.execute('select n from t').fetchone()[0])",
    "files": "import tempfile, mmap, os, shutil, pathlib\nf = tempfile.TemporaryFile(); f.write(b'x' * 10); f.flush()\n"
    "pathlib.Path('a').write_text('x'); shutil.copyfile('a', 'b'); print(len(mmap.mmap(f.fileno(), 10)))",
    "socket pair": "import socket\na, b = socket.socketpair(); a.sendall(b'10'); print(b.recv(9).decode())",
    "its own limits": "import resource, os\nresource.setrlimit(resource.RLIMIT_NOFILE, (100, 100)); os.nice(1)\n"
    "os.sched_setaffinity(0, os.sched_getaffinity(0)); print(10)",
    "numpy": "import numpy as n\nprint(int((n.ones((5, 2)) @ n.ones((2, 1))).sum()))",
    "pandas": "import pandas as p\np.DataFrame({'a': [1, 9]}).to_csv('a.csv'); print(p.read_csv('a.csv').a.sum())",
    "matplotlib": "import matplotlib; matplotlib.use('Agg')\nimport matplotlib.pyplot as p\np.plot([1, 2]); "
    "p.title('a'); p.savefig('a.png'); print(10)",
}


@pytest.mark.parametrize("name", HONEST)
def test_honest_code_does_not_notice(name, tmp_path):
    for library in ("numpy", "pandas", "matplotlib"):
        if name == library:
            pytest.importorskip(library)
    assert run_in(FILTER, HONEST[name], tmp_path)[0] == "10"


def test_mode_and_owner_of_files_may_be_left_to_nobody(tmp_path):
    (tmp_path / "mine").write_text("x")
    text = """
import os
attempt(lambda: os.chmod('mine', 0o600))
attempt(lambda: os.chown('mine', 0, 0))
"""

    assert run_in("seccomp.restrict(sockets=False, metadata=False)", text, tmp_path) == ["PermissionError 1"] * 2
    assert run_in(FILTER, text, tmp_path)[0] == "done None"


def test_with_sockets_the_network_is_there(tmp_path):
    text = "import socket\nattempt(lambda: socket.socket().close())\nattempt(lambda: socket.socketpair() and 1)"
    assert run_in("seccomp.restrict(sockets=True)", text, tmp_path) == ["done None", "done 1"]


def test_what_the_system_does_not_take_raises(tmp_path):
    assert run_in("attempt(lambda: seccomp.install(b'x' * 8))", "", tmp_path)[0] == "OSError 22"


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_decides_each_number_as_the_table_says(machine):
    column = {"x86_64": 0, "aarch64": 1}[machine]
    instructions = seccomp.assemble(machine, sockets=False, metadata=False)
    refused = {number[column] for number in (REFUSED | METADATA | SOCKETS).values()}
    others = (CLONE, CLONE3, CLOSE_RANGE, FALLOCATE, SOCKETPAIR, *(each for each, _ in OF_ITSELF.values()))
    others = (*others, *(number for number, *_ in COMMANDS.values()))
    asks = {each[column] for each in others}

    for number in range(512):
        came = decide(instructions, number, {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}[machine])
        if number not in asks:
            assert came == (0x50001 if number in refused else 0x7FFF0000), number
    assert decide(instructions, 39, 0x40000003) == 0x50001, "a foreign architecture"


def decide(instructions: bytes, number: int, architecture: int) -> int:
    """What the program returns: classic BPF, as far as it is used here."""
    data = struct.pack("=iIQ6Q", number, architecture, 0, *[0] * 6)
    program, at, value = list(struct.iter_unpack("=HBBI", instructions)), 0, 0
    while True:
        code, true, false, constant = program[at]
        at += 1
        if code == 0x06:
            return constant
        if code == 0x20:
            value = struct.unpack_from("=I", data, constant)[0]
        elif code == 0x54:
            value &= constant
        else:
            is_so = {0x15: value == constant, 0x35: value >= constant, 0x45: bool(value & constant)}[code]
            at += true if is_so else false


def test_an_unknown_machine_is_told(monkeypatch):
    here = os.uname()
    monkeypatch.setattr(os, "uname", lambda: os.uname_result((*here[:4], "riscv64")))

    assert seccomp.available() == "the seccomp filter is not made for riscv64"
