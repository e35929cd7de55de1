"""Candidates that mean harm, and what must become of each: the tests run them, the benchmark tables them.

A candidate prints HARM when it got what it wanted. `process` protects from accidents: code that sets out to
read other processes, the file system or the network as the same user succeeds there, and the table says where.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from jupyter_loops.core.candidate import Exit, Limits

ENDED = {Exit.DIED, Exit.GARBAGE}


@dataclass(frozen=True, kw_only=True)
class Case:
    """One hostile candidate, and what must become of it."""

    name: str
    text: str
    exits: frozenset[Exit] = frozenset({Exit.OK})  # of execution, or else of the check
    limits: dict[str, object] = field(default_factory=dict)
    harms: tuple[str, ...] = ()  # levels that cannot stop it
    check: str = "assert f(1) == 1"

    def text_at(self, place: Place, level: str) -> str:
        """The candidate, with the names of this machine's things in it."""
        text = self.text
        for name, value in {
            "{level}": level, "{kernel}": os.getpid(), "{home}": place.home, "{victim}": place.victim,
            "{port}": place.port, "{daemon}": place.daemon, "{notebook}": place.notebook, "{{": "{", "}}": "}",
        }.items():  # fmt: skip
            text = text.replace(name, str(value))
        return text

    @property
    def bounds(self) -> Limits:
        """Its limits; five seconds unless it says otherwise."""
        return Limits(**{"seconds": 5.0, **self.limits})


def case(name: str, text: str, *exits: Exit, harms: tuple[str, ...] = (), check: str = "", **limits: object) -> Case:
    return Case(
        name=name,
        text=text,
        exits=frozenset(exits or {Exit.OK}),
        limits=limits,
        harms=harms,
        check=check or "assert f(1) == 1",
    )


GOOD = "\ndef f(x): return x\n"
PROCESS = ("process",)
ROOT = hasattr(os, "geteuid") and os.geteuid() == 0  # who gives up what others of the same user keep


def reach(work: str, imports: str = "os", before: str = "") -> str:
    """A candidate that prints HARM when the expression works and is true."""
    return f"import {imports}\n{before}\ntry:\n if {work}: print('HARM')\nexcept OSError: pass{GOOD}"


SYSTEM_CALL = "libc = ctypes.CDLL(None, use_errno=True)"
MB = 1024**2

CASES = [
    # loops
    case("endless loop", "while True: pass", Exit.WALL, seconds=0.3),
    case("endless loop that swallows everything", "while True:\n try:\n  while True: pass\n except BaseException: pass",
         Exit.WALL, seconds=0.3),
    case("endless sleep", "import time; time.sleep(1e6)", Exit.WALL, seconds=0.3),
    case("endless loop in a check", "def f(x):\n while True: pass", Exit.WALL, seconds=0.3),
    case("endless loop in C", "sum(iter(int, 1))", Exit.WALL, seconds=0.3),
    case("endless regular expression", "import re; re.match('(a+)+b', 'a' * 64)", Exit.WALL, seconds=0.3),
    case("CPU time", "while True: pass", Exit.CPU, seconds=5.0, cpu_seconds=0.3),
    case("CPU time with the signal ignored",
         "import signal; signal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass", Exit.CPU, cpu_seconds=0.3),
    case("CPU time spread over processes",
         "import os\nfor _ in range(4): os.fork()\nwhile True: pass", Exit.CPU, cpu_seconds=0.5),
    # bombs
    case("memory in files without a name",
         "import os\nopen_ = []\nwhile True: open_.append(os.memfd_create('m')); os.write(open_[-1], b'x' * 5_000_000)",
         Exit.MEMORY, Exit.RAISED, memory_bytes=100 * MB),
    case("files until the disk is full",
         "n = 0\nwhile True:\n n += 1\n open(str(n), 'wb').write(b'x' * 5_000_000)", Exit.OUTPUT, disk_bytes=50 * MB),
    case("files without number", "n = 0\nwhile True:\n n += 1\n open(str(n), 'w').close()", Exit.OUTPUT, files=500),
    case("folders in folders without end", "import os\nwhile True: os.mkdir('d'); os.chdir('d')", Exit.OUTPUT,
         files=500),
    case("a link in the place of its folder",
         "import os\nown = os.getcwd()\nos.chdir('/'); os.rmdir(own); os.symlink('/etc', own)" + GOOD,
         Exit.OK, Exit.RAISED),
    case("links in the place of the shared folders",
         "import os\nfor name in ('tmp', 'shm', 'matplotlib'):\n"
         " os.rename(f'../{name}', f'../{name}-moved'); os.symlink('/etc', f'../{name}'); print('HARM')" + GOOD,
         Exit.RAISED, Exit.OK, harms=PROCESS),
    case("a namespace of its own",
         "import ctypes\nif ctypes.CDLL(None).unshare(0x10000000) == 0: print('HARM')" + GOOD),
    case("fork bomb", "import os\nwhile True: os.fork()", Exit.PROCESSES, Exit.CPU, processes=16),
    case("fork bomb of sleepers", "import os, time\nfor _ in range(200):\n if not os.fork(): time.sleep(100)",
         Exit.PROCESSES, Exit.OK, processes=16),
    case("subprocess bomb", "import subprocess\np = [subprocess.Popen(['sleep', '100']) for _ in range(60)]\n"
         "import time; time.sleep(100)", Exit.PROCESSES, processes=16),
    case("memory bomb", "x = []\nwhile True: x.append(bytearray(10_000_000))", Exit.MEMORY, memory_bytes=200 * MB),
    case("one huge allocation", "x = bytearray(1 << 42)", Exit.MEMORY, memory_bytes=200 * MB),
    case("memory bomb in a check", "def f(x): return len('x' * (1 << 40))", Exit.MEMORY, memory_bytes=200 * MB),
    case("memory spread over processes",
         "import os, time\nfor _ in range(6):\n if not os.fork():\n  x = b'x' * 50_000_000\n  time.sleep(100)\n"
         "time.sleep(100)",
         Exit.MEMORY, memory_bytes=150 * MB),
    case("exponential string", "x = 'x'\nwhile True: x += x", Exit.MEMORY, memory_bytes=200 * MB),
    case("big integer", "x = 9 ** 9 ** 9", Exit.WALL, Exit.MEMORY, seconds=0.5, memory_bytes=200 * MB),
    case("print flood", "while True: print('x' * 1000)", Exit.OUTPUT, output_bytes=10_000),
    case("flood on stderr in a check", "import sys\ndef f(x):\n while True: sys.stderr.write('x' * 1000)", Exit.OUTPUT,
         output_bytes=10_000),
    case("flood past Python", "import os\nwhile True: os.write(1, b'x' * 65536)", Exit.OUTPUT, output_bytes=10_000),
    case("huge file", "f = open('big', 'wb')\nwhile True: f.write(b'x' * MB)".replace("MB", "1_000_000"), Exit.RAISED,
         file_bytes=5_000_000),
    case("too many open files", "x = [open('/dev/null') for _ in range(10_000)]", Exit.RAISED, open_files=64),
    case("recursion", "def g(): g()\ng()", Exit.RAISED),
    case("recursion without a limit", "import sys; sys.setrecursionlimit(10**9)\ndef g(): g()\ng()", Exit.DIED,
         Exit.RAISED, Exit.MEMORY, Exit.WALL, seconds=0.5, memory_bytes=100 * MB),
    case("deeply nested source", "x = " + "(" * 5000 + ")" * 5000, Exit.RAISED, Exit.MEMORY),
    case("huge exception", "raise ValueError('x' * 50_000_000)", Exit.RAISED),
    case("file grown by a seek", "import os\nf = os.open('big', os.O_CREAT | os.O_WRONLY)\nos.ftruncate(f, 1 << 40)",
         Exit.RAISED, file_bytes=5_000_000),
    case("open files in a check", "def f(x): return [open('/dev/null') for _ in range(10_000)]", open_files=64),
    case("recursion in C", "x = None\nfor _ in range(500_000): x = (x,)\nhash(x)", Exit.DIED, Exit.RAISED, Exit.OK,
         Exit.INVALID),
    case("recursion in a check", "def f(x): return f(x) + 1"),
    case("huge return value", "def f(x): return 'x' * 100_000_000"),
    case("huge return value that shows itself", "class A:\n def __repr__(s): return 'x' * 100_000_000\n"
         "def f(x): return A()"),
    case("many keys", "def f(x): return dict.fromkeys(range(1_000_000))"),
    case("deep value in a check", "def f(x):\n v = []\n for _ in range(100_000): v = [v]\n return v", Exit.OK),
    # exits and signals
    case("os._exit", "import os; os._exit(0)", Exit.DIED),
    case("os._exit in a check", "import os\ndef f(x): os._exit(0)", Exit.DIED),
    case("sys.exit", "import sys; sys.exit(0)", Exit.RAISED),
    case("SystemExit in a check", "def f(x): raise SystemExit", Exit.OK),
    case("BaseException of its own", "class Gone(BaseException): pass\nraise Gone", Exit.RAISED),
    case("kills itself", "import os; os.kill(os.getpid(), 9)", Exit.DIED),
    case("stops itself", "import os; os.kill(os.getpid(), 19)", Exit.WALL, seconds=0.3),
    case("segmentation fault", "import ctypes; ctypes.string_at(0)", Exit.DIED),
    case("kills its parent", "import os; os.kill(os.getppid(), 9)\nimport time; time.sleep(5)",
         Exit.DIED, Exit.WALL, Exit.RAISED),
    case("kills its whole group", "import os; os.killpg(0, 9)", Exit.DIED),
    case("kills everybody it may", "import os\nif '{level}' == 'bubblewrap': os.kill(-1, 9)\nelse: os._exit(1)",
         Exit.DIED, Exit.INVALID),
    case("kills the kernel", "import os\ntry:\n os.kill({kernel}, 0); print('HARM')\nexcept OSError: pass" + GOOD,
         harms=PROCESS),
    # what is left behind
    case("thread left behind", "import threading, time\n"
         "threading.Thread(target=lambda: time.sleep(1e6)).start()" + GOOD, Exit.RAISED),
    case("daemon left behind",
         "import os, time\nif not os.fork():\n os.setsid()\n if os.fork(): os._exit(0)\n time.sleep(1e6)" + GOOD),
    case("daemon left behind by a candidate that is gone",
         "import os, time\nif not os.fork():\n os.setsid()\n if os.fork(): os._exit(0)\n time.sleep(1e6)\n"
         "os.wait()\nos._exit(0)",
         Exit.DIED),
    case("daemon that refuses to be adopted",
         "import ctypes, os, time\nctypes.CDLL(None).prctl(36, 0, 0, 0, 0)\nif not os.fork():\n os.setsid()\n"
         " if os.fork(): os._exit(0)\n time.sleep(1e6)" + GOOD),
    case("daemon whose zygote is killed",
         "import os, time\nif not os.fork():\n os.setsid()\n if os.fork(): os._exit(0)\n time.sleep(1e6)\nos.wait()\n"
         "os.kill(os.getppid(), 9)\ntime.sleep(5)", Exit.DIED, Exit.RAISED),
    case("at exit", "import atexit; atexit.register(lambda: print('HARM'))" + GOOD),
    # secrets
    case("reads its environment", "import os\nif 'hush' in repr(dict(os.environ)): print('HARM')" + GOOD),
    case("reads every environment",
         "import glob\nfor p in glob.glob('/proc/[0-9]*/environ'):\n try:\n"
         "  if b'hush' in open(p, 'rb').read(): print('HARM')\n"
         " except OSError: pass" + GOOD, harms=() if ROOT else PROCESS),
    case("reads the environment of the first process",
         "try:\n if b'hush' in open('/proc/1/environ', 'rb').read(): print('HARM')\nexcept OSError: pass" + GOOD),
    case("reads a key in the home folder",
         "try:\n open('{home}/.ssh/id_rsa').read(); print('HARM')\nexcept OSError: pass" + GOOD, harms=PROCESS),
    case("writes into the memory of its parent",
         "import os\ntry:\n m = open(f'/proc/{{os.getppid()}}/mem', 'r+b'); print('HARM')\n"
         "except OSError: pass" + GOOD),
    case("finds inherited descriptors",
         "import os\nfor n in range(3, 256):\n try:\n"
         "  if 'victim' in os.readlink(f'/proc/self/fd/{{n}}'): print('HARM')\n"
         " except OSError: pass" + GOOD),
    # the machine
    case("network", "import socket\ntry:\n socket.create_connection(('127.0.0.1', {port}), 1); print('HARM')\n"
         "except OSError: pass" + GOOD, harms=PROCESS),
    case("socket of a daemon", "import socket\ntry:\n"
         " s = socket.socket(socket.AF_UNIX); s.connect('{daemon}'); print('HARM')\n"
         "except OSError: pass" + GOOD, harms=PROCESS),
    case("deletes a file outside", "import os\ntry:\n os.unlink('{victim}'); print('HARM')\n"
         "except OSError: pass" + GOOD,
         harms=PROCESS),
    case("writes through a symlink",
         "import os\nos.symlink('{victim}', 'link')\ntry:\n open('link', 'w').write('x'); print('HARM')\n"
         "except OSError: pass"
         + GOOD, harms=PROCESS),
    case("edits the package that examines it",
         "try:\n import jupyter_loops; open(jupyter_loops.__file__, 'a').close(); print('HARM')\n"
         "except OSError: pass" + GOOD,
         harms=PROCESS),
    case("leaves a note for the next candidate",
         "import pathlib\nfor p in ('/tmp/note-{kernel}', '/dev/shm/note-{kernel}'):\n"
         " try: pathlib.Path(p).write_text('x')\n"
         " except OSError: pass" + GOOD),
    # the exam
    case("replaces builtins", "import builtins\n"
         "builtins.len = builtins.isinstance = builtins.repr = lambda *a: True" + GOOD),
    case("replaces a name of the checks", "EXPECTED = 7\ndef f(x): return 7", check="assert f(1) == EXPECTED"),
    case("equal to everything", "class A:\n __eq__ = lambda s, o: True\n __repr__ = lambda s: 1/0\n"
         "def f(x): return A()",
         check="assert f(1) is None"),
    case("hostile repr", "class A:\n def __repr__(s): raise SystemExit\ndef f(x): return A()"),
    case("endless repr", "class A:\n def __repr__(s):\n  while True: pass\n"
         "def f(x): return A()", Exit.WALL, seconds=0.3),
    case("hostile bool", "class A:\n def __eq__(s, o): return s\n def __bool__(s): raise KeyboardInterrupt\n"
         "def f(x): return A()"),
    case("import hook", "import sys\nclass H:\n def find_spec(s, *a): raise SystemExit\n"
         "sys.meta_path.insert(0, H())" + GOOD),
    case("trace function", "import sys\nsys.settrace(lambda *a: 1/0)" + GOOD, Exit.RAISED),
    case("closes every descriptor", "import os\nos.closerange(3, 300)" + GOOD, *ENDED, Exit.OK),
    case("closes its output", "import sys\nsys.stdout.close(); sys.stderr = None" + GOOD),
    case("garbage on every descriptor",
         "import os\nfor n in range(3, 64):\n try: os.write(n, b'\\xff' * 100)\n except OSError: pass" + GOOD,
         Exit.GARBAGE, Exit.OUTPUT),
    case("half a message on every descriptor",
         "import os\nfor n in range(3, 64):\n"
         " try: os.write(n, b'\\x00\\x00\\x00\\x20\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00x')\n"
         " except OSError: pass\nos._exit(0)", *ENDED),
    case("message of 4 GB on every descriptor",
         "import os\nfor n in range(3, 64):\n try: os.write(n, b'\\xff' * 12)\n except OSError: pass" + GOOD,
         Exit.OUTPUT, Exit.GARBAGE),
    case("deep JSON on every descriptor",
         "import os, struct\nt = b'[' * 100_000\nfor n in range(3, 64):\n"
         " try: os.write(n, struct.pack('>IQ', len(t), 0) + t)\n"
         " except OSError: pass" + GOOD, Exit.GARBAGE),
    case("forged end of execution, then silence",
         "import os, json, struct\nt = json.dumps(dict(said='executed', exit='ok', fault=None,"
         " usage=dict(cpu_seconds=0, peak_bytes=0))).encode()\nfor n in range(3, 64):\n"
         " try: os.write(n, struct.pack('>IQ', len(t), 0) + t)\n except OSError: pass\nwhile True: pass", Exit.GARBAGE),
    case("forged verdicts without the token",
         "import os, json, struct\n"
         "t = json.dumps(dict(said='verdict', token='x', verdict=dict(passed=True))).encode()\n"
         "for n in range(3, 64):\n try: os.write(n, struct.pack('>IQ', len(t), 0) + t)\n"
         " except OSError: pass", Exit.GARBAGE),
    case("protocol on stdout", "print('{{\"said\": \"examined\", \"exit\": \"ok\"}}')\n"
         "import os; os._exit(0)", Exit.DIED),
    case("pickle as an answer", "class A:\n def __reduce__(s): return (print, ('HARM',))\ndef f(x): return A()"),
    case("looks for the checks while it executes",
         "import gc, sys\nseen = repr([sys._getframe(n).f_locals for n in range(3)])"
         " + repr([o for o in gc.get_objects()"
         " if type(o) in (str, list, dict)])\n"
         "if 'SECRET' + '_CHECK' in seen: print('HARM')" + GOOD, Exit.RAISED,
         check="assert f(1) == 1 or 'SECRET_CHECK'"),
    case("looks for the checks while it is examined",
         "import sys\ndef f(x):\n n = 1\n while True:\n  try: c = sys._getframe(n).f_code\n"
         "  except ValueError: return 1\n"
         "  if c.co_filename.startswith('<check'): print('HARM'); return 1\n  n += 1"),
    # other ways to the network
    case("network by IPv6", reach("socket.create_connection(('::1', {port}), 1)", "socket"), harms=PROCESS),
    case("network by datagrams",
         reach("s.sendto(b'x', ('127.0.0.1', 9))", "socket", "s = None\ntry: s = socket.socket(2, 2)\n"
               "except OSError: pass\nclass Refused:\n def sendto(s, *a): return 0\ns = s or Refused()"),
         harms=PROCESS),
    case("abstract socket of a daemon",
         reach("not socket.socket(socket.AF_UNIX).connect(chr(0) + 'hostile-{kernel}')", "socket"), harms=PROCESS),
    case("socket of a daemon in the notebook's folder",
         reach("not socket.socket(socket.AF_UNIX).connect('{notebook}/daemon.sock')", "socket"), harms=PROCESS),
    case("datagram to a daemon from a pair of sockets",
         reach("socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0].sendto(b'x', '{notebook}/post.sock')",
               "socket"),
         harms=PROCESS),
    case("ports that others listen on, by /proc",
         reach("len(open('/proc/net/tcp').readlines()) > 1"), harms=PROCESS),
    # what lies on the disk
    case("secrets beside the notebook", reach("open('{notebook}/.env').read()"), harms=PROCESS),
    case("the notebook itself", reach("open('{notebook}/work.ipynb').read()"), harms=PROCESS),
    case("data that the cell does not name", reach("open('{notebook}/data.csv').read()"), harms=PROCESS),
    case("modules beside the notebook stay importable",
         "import sys; sys.path.insert(0, '{notebook}')\nimport beside\nassert beside.VALUE == 7" + GOOD),
    case("passwords of the system", reach("open('/etc/shadow').read()"), harms=PROCESS),
    case("logs of the system", reach("os.listdir('/var/log')"), harms=PROCESS),
    case("mounts tell where the home is", reach("'{home}' in open('/proc/self/mountinfo').read()")),
    case("command lines of others",
         "import glob\nfor p in glob.glob('/proc/[0-9]*/cmdline'):\n try:\n"
         "  if b'hostile-word' in open(p, 'rb').read(): print('HARM')\n except OSError: pass" + GOOD, harms=PROCESS),
    case("changes the mode of a file outside", reach("not os.chmod('{victim}', 0o777)"), harms=PROCESS),
    # its parents, and those who come after it
    case("limits its parent", reach("resource.prlimit(os.getppid(), resource.RLIMIT_NPROC, (1, 1))", "os, resource")),
    case("makes its parent slow", reach("not os.setpriority(os.PRIO_PROCESS, os.getppid(), 19)")),
    case("takes a processor from its parent", reach("not os.sched_setaffinity(os.getppid(), {{0}})")),
    case("makes its parent the first that the system kills",
         reach("open(f'/proc/{{os.getppid()}}/oom_score_adj', 'w').write('1000')"), harms=PROCESS),
    case("takes a descriptor of its parent",
         reach("libc.syscall(438, libc.syscall(434, os.getppid(), 0), 3, 0) >= 0", "ctypes, os", SYSTEM_CALL)),
    case("traces its parent", reach("libc.ptrace(16, os.getppid(), 0, 0) == 0", "ctypes, os", SYSTEM_CALL)),
    case("child of its parent instead of its own",
         "import ctypes, os\n" + SYSTEM_CALL + "\npid = libc.syscall(56, 0x8000 | 17, 0, 0, 0, 0)\n"
         "if pid == 0: os._exit(0)\nif pid > 0: print('HARM')" + GOOD),
    case("note in System V's shared memory",
         reach("libc.shmget(4711, 4096, 0o1600) >= 0", "ctypes", SYSTEM_CALL)),
    case("note in the keyring",
         reach("libc.syscall(248, b'user', b'note', b'x', 1, -4) >= 0", "ctypes", SYSTEM_CALL)),
    case("folders of its neighbours", reach("[n for n in os.listdir('..') if n.isdigit()]"), harms=PROCESS),
    # more than its share
    case("disk: files without a name",
         "import os, time\nheld = []\nfor n in range(15):\n held.append(open(f'x{{n}}', 'wb')); os.unlink(f'x{{n}}')\n"
         " held[-1].write(os.urandom(1 << 20) * 8); held[-1].flush()\n"
         " time.sleep(0.05)\ntime.sleep(4); print('HARM')" + GOOD, Exit.OUTPUT, disk_bytes=20 * MB),
    case("disk: in the folder above its own",
         "import os, time\ntry:\n for n in range(15):\n"
         "  open(f'../big{{n}}', 'wb').write(os.urandom(1 << 20) * 8); time.sleep(0.05)\n"
         "except OSError: os._exit(1)\ntime.sleep(4); print('HARM')" + GOOD,
         Exit.OUTPUT, Exit.DIED, disk_bytes=20 * MB),
    case("disk: files that are mapped and have neither a name nor a descriptor",
         "import ctypes, os, time\n" + SYSTEM_CALL + "\nlibc.mmap.restype = ctypes.c_void_p\n"
         "libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]\n"
         "for n in range(15):\n f = os.open(f'x{n}', os.O_CREAT | os.O_RDWR); os.write(f, os.urandom(1 << 20) * 8)\n"
         " libc.mmap(None, 8 << 20, 1, 1, f, 0); os.unlink(f'x{n}'); os.close(f); time.sleep(0.05)\n"
         "time.sleep(8); print('HARM')" + GOOD, Exit.OUTPUT, disk_bytes=20 * MB, seconds=20.0),
    case("disk: in the folder of fonts",
         "import os, time\nfor n in range(15):\n"
         " open(f'../matplotlib/x{n}', 'wb').write(os.urandom(1 << 20) * 8); time.sleep(0.05)\n"
         "time.sleep(8); print('HARM')" + GOOD, Exit.RAISED, Exit.OUTPUT, disk_bytes=20 * MB, seconds=20.0),
    case("disk: in a folder that nobody may list",
         "import os, time\nos.mkdir('d', 0o300)\nfor n in range(15):\n"
         " open(f'd/x{n}', 'wb').write(os.urandom(1 << 20) * 8); time.sleep(0.05)\n"
         "time.sleep(8); print('HARM')" + GOOD, Exit.OUTPUT, disk_bytes=20 * MB, seconds=20.0),
    case("disk: taken in one call before anybody looks",
         reach("libc.fallocate(os.open('x', os.O_CREAT | os.O_RDWR), 0, ctypes.c_long(0), ctypes.c_long(1 << 27)) == 0",
               "ctypes, os", SYSTEM_CALL)),
    case("descriptors of its own for a thread", reach("libc.syscall(436, 900, 901, 2) == 0", "ctypes", SYSTEM_CALL)),
    case("CPU time of a thread whose process seems dead",
         "import ctypes, os, threading, time\n" + SYSTEM_CALL + "\ndef burn():\n while True: pass\n"
         "if not os.fork():\n threading.Thread(target=burn).start()\n libc.syscall(60, 0)\n"
         "time.sleep(8); print('HARM')" + GOOD, Exit.CPU, cpu_seconds=0.5, seconds=20.0),
    case("thread left behind whose process seems dead",
         "import ctypes, os, threading, time\n" + SYSTEM_CALL + "\nif not os.fork():\n os.setsid()\n"
         " if os.fork(): os._exit(0)\n threading.Thread(target=time.sleep, args=(1e6,)).start()\n libc.syscall(60, 0)"
         + GOOD),
    case("hears of what others do with their files",
         reach("libc.inotify_add_watch(libc.inotify_init(), b'{notebook}', 0x100) >= 0", "ctypes", SYSTEM_CALL)),
    case("time of a file outside", reach("not os.utime('{victim}', (1, 1))"), harms=PROCESS),
    case("file of another to be opened without being read",
         reach("open('/proc/self/fd/%d' % os.open('{victim}', os.O_PATH)).read()"), harms=PROCESS),
    case("link out of its folder", reach("open('link/.env').read()", before="os.symlink('{notebook}', 'link')"),
         harms=PROCESS),
    case("io_uring", reach("libc.syscall(425, 8, ctypes.create_string_buffer(256)) >= 0", "ctypes", SYSTEM_CALL)),
    case("namespaces by clone3",
         reach("(pid := libc.syscall(435, struct.pack('=11Q', 0x10000000, 0, 0, 0, 17, *[0] * 6), 88)) > 0"
               " or (pid == 0 and os._exit(0))", "ctypes, os, struct", SYSTEM_CALL)),
    case("raises its limits",
         "import resource\nfor n in (resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE, resource.RLIMIT_CPU):\n"
         " hard = resource.getrlimit(n)[1]\n"
         " try: resource.setrlimit(n, (hard + 1, hard + 1)); print('HARM')\n except (OSError, ValueError): pass" + GOOD,
         harms=()),
    case("signal by the owner of a pipe",
         "import fcntl, os, signal\nr, w = os.pipe()\nfcntl.fcntl(r, fcntl.F_SETOWN, {kernel})\n"
         "fcntl.fcntl(r, 10, signal.SIGURG); fcntl.fcntl(r, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)\n"
         "os.write(w, b'x')" + GOOD, Exit.OK, Exit.RAISED),
    case("signal by a descriptor of the kernel",
         reach("libc.syscall(424, libc.syscall(434, {kernel}, 0), 0, 0, 0) == 0", "ctypes", SYSTEM_CALL),
         harms=PROCESS),
    case("leaves no death signal to its parent", "import ctypes\nctypes.CDLL(None).prctl(1, 0)\nwhile True: pass",
         Exit.WALL, seconds=0.3),
    case("a pipe with a name where files are looked for", "import os\nos.mkfifo('pipe')" + GOOD),
    case("a lease on a file that is to be kept",
         "import fcntl, os\nf = os.open('x', os.O_CREAT | os.O_RDWR)\nfcntl.fcntl(f, fcntl.F_SETLEASE, fcntl.F_WRLCK)"
         + GOOD, Exit.RAISED),
    case("memory: files without a name", reach("os.memfd_create('m')")),
    case("memory: on its way through a socket",
         reach("socket.send_fds((pair := socket.socketpair())[0], [b'x'], [0]) == 1", "socket"), harms=PROCESS),
    case("threads without number",
         "import threading, time\ngone = threading.Event()\ntry:\n for _ in range(1500):\n"
         "  threading.Thread(target=gone.wait, daemon=True).start()\nexcept RuntimeError: pass\n"
         "time.sleep(4); print('HARM')" + GOOD, Exit.PROCESSES, processes=16),
    case("the dead without number",
         "import os, time\nfor _ in range(300):\n if not os.fork(): os._exit(0)\ntime.sleep(4); print('HARM')" + GOOD,
         Exit.PROCESSES, processes=16),
    case("CPU time of children that nobody waits for",
         "import os, signal, time\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\nfor _ in range(60):\n"
         " if not os.fork():\n  while time.process_time() < 0.1: pass\n  os._exit(0)\n time.sleep(0.11)\n"
         "print('HARM')" + GOOD, Exit.CPU, cpu_seconds=0.5, seconds=10.0),
]  # fmt: skip


@dataclass(frozen=True)
class Place:
    """What there is to harm."""

    home: Path
    victim: Path
    port: int
    daemon: str
    notebook: Path


@contextmanager
def a_place() -> Iterator[Place]:
    """A home with a key, a secret in the environment, a daemon, a neighbour, an open file: all of it precious."""
    root = Path(tempfile.mkdtemp(prefix="hostile-", dir=Path(__file__).parent))  # not in /tmp, which is hidden anyway
    home, victim = root / "home", root / "victim"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh" / "id_rsa").write_text("key")
    victim.write_text("precious")
    notebook = root / "notebook"
    notebook.mkdir()
    for name, content in {".env": "KEY=1", "work.ipynb": "{}", "data.csv": "1", "beside.py": "VALUE = 7"}.items():
        (notebook / name).write_text(content)
    before = dict(os.environ)
    os.environ |= {"HOME": str(home), "OPENAI_API_KEY": "hush-hush"}
    daemon = home / "daemon.sock"
    inherited = os.open(victim, os.O_RDONLY)
    os.set_inheritable(inherited, True)
    neighbour = subprocess.Popen(
        ["sh", "-c", "sleep 600; true hostile-word"], env={"PATH": os.environ["PATH"], "OPENAI_API_KEY": "hush-hush"}
    )
    sys.path.insert(0, str(notebook))
    try:
        with ExitStack() as stack:
            server = stack.enter_context(socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True))
            for address in (str(daemon), str(notebook / "daemon.sock"), f"\0hostile-{os.getpid()}"):
                local = stack.enter_context(socket.socket(socket.AF_UNIX))
                local.bind(address)
                local.listen()
            post = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
            post.bind(str(notebook / "post.sock"))
            yield Place(home, victim, server.getsockname()[1], str(daemon), notebook)
    finally:
        sys.path.remove(str(notebook))
        neighbour.kill()
        neighbour.wait()
        os.close(inherited)
        os.environ.clear()
        os.environ |= before
        shutil.rmtree(root)


_IN_TWO_PROCESSES = {  # what came of these is another thing where the examiner is a process of its own
    "huge return value": Exit.OUTPUT,
    "thread left behind": Exit.OK,
    "replaces builtins": Exit.GARBAGE,
    "endless repr": Exit.OK,
    "half a message on every descriptor": Exit.OUTPUT,
    "deep JSON on every descriptor": Exit.OUTPUT,
    "forged end of execution, then silence": Exit.OUTPUT,
    "forged verdicts without the token": Exit.OUTPUT,
    "looks for the checks while it executes": Exit.OK,
}
CASES = [
    replace(case, exits=frozenset({_IN_TWO_PROCESSES[case.name]})) if case.name in _IN_TWO_PROCESSES else case
    for case in CASES
]
