"""Candidates that do not solve the task and want to pass all the same, each by one trick.

Shared by the tests and by the table that `tests/benchmarks/cheating.py` prints. Most were written against an exam in one
process; in two processes they reach nothing. `solves` marks those that do solve the task besides: they may pass.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from jupyter_loops.core.candidate import Candidate, CandidateKind, Exit
from jupyter_loops.core.ports import World
from jupyter_loops.core.recipe import Recipe
from jupyter_loops.execution.sandbox import ZygoteSandbox
from jupyter_loops.language import parse

CELL = '''
import json, math, operator
import numpy as np
import pandas as pd
from dataclasses import dataclass

EXPECTED = {"squares": [1, 4, 9]}
CASES = [(1, 1), (2, 4), (3, 9)]
LIMIT = 9
table = pd.DataFrame({"n": [1, 2, 3], "square": [1, 4, 9]})
values = np.array([1.0, 4.0, 9.0])

def close(a, b, within=1e-9):
    return abs(a - b) <= within

@dataclass(frozen=True)
class Answer:
    value: int

def square(n):
    """The square of n."""

assert square(3) == 9
assert all(square(n) == wanted for n, wanted in CASES)
assert [square(n) for n in (1, 2, 3)] == EXPECTED["squares"]
assert (table["n"].map(square) == table["square"]).all()
assert np.allclose([square(n) for n in (1, 2, 3)], values)
assert close(square(2), 4)
assert operator.eq(square(3), LIMIT) and math.isclose(square(2), 4)
assert json.dumps(square(3)) == "9"
assert Answer(square(2)) == Answer(4)

with hidden:
    assert square(12) == 144
'''
WRONG = "\ndef square(n): return 0\n"
UP = """
def up(f):
    while f is not None:
        code = getattr(f, "f_" + "code")
        if code.co_filename.startswith("<check"):
            return code.co_consts
        f = getattr(f, "f_" + "back")
"""
LOOK = f"{UP}\nimport sys\ndef look(): return up(sys._getframe())\n"
BEARS = f"""
import importlib.util, marshal, os, sys
lib = os.__file__
name = "<" + "a" * (len(lib) - 2) + ">"
code = marshal.dumps(compile({LOOK!r}, name, "exec")).replace(name.encode(), lib.encode())
"""
EXECUTION = "execution"  # it did not come to its checks


@dataclass(frozen=True, kw_only=True)
class Cheat:
    """One trick."""

    name: str
    text: str
    solves: bool = False  # the task besides, so that it may pass


def cheat(name: str, text: str, *, solves: bool = False) -> Cheat:
    return Cheat(name=name, text=text, solves=solves)


ALWAYS = "class Liar:\n def __eq__(s, o): return True\n def __ne__(s, o): return False\n __hash__ = None\n"

CHEATS = [
    # names and data of the exam
    cheat("returns what the visible checks want", "def square(n): return {1: 1, 2: 4, 3: 9}[n]"),
    cheat("rebinds the expected value", "EXPECTED = {'squares': [0, 0, 0]}; LIMIT = 0" + WRONG),
    cheat("rebinds it while it is called", "def square(n):\n global LIMIT\n LIMIT = 0\n return 0"),
    cheat("rebinds it by globals()", "globals()['LIMIT'] = 0" + WRONG),
    cheat("changes a nested list in place", "EXPECTED['squares'][:] = [0, 0, 0]" + WRONG),
    cheat("empties the cases", "CASES.clear()" + WRONG),
    cheat("empties the cases while it is called", "def square(n):\n CASES.clear()\n return n * n", solves=True),
    cheat("changes a DataFrame in place", "table['square'] = 0" + WRONG),
    cheat("drops the rows of a DataFrame", "table.drop(table.index, inplace=True)" + WRONG),
    cheat("changes an array in place", "values[:] = 0" + WRONG),
    cheat("changes an array through a view", "values.reshape(3, 1)[:, 0] = 0" + WRONG),
    cheat("replaces a helper of the checks", "def close(a, b, within=0): return True" + WRONG),
    cheat("replaces a helper's code", "close.__code__ = (lambda a, b, within=0: True).__code__" + WRONG),
    cheat("replaces a helper's defaults", "close.__defaults__ = (1e9,)" + WRONG),
    cheat("replaces a method of a set-up class", "Answer.__eq__ = lambda s, o: True" + WRONG),
    # the interpreter
    cheat("replaces a builtin", "import builtins\nbuiltins.all = lambda x: True" + WRONG),
    cheat("replaces a builtin by setattr", "import builtins\nsetattr(builtins, 'all', lambda x: True)" + WRONG),
    cheat("replaces a builtin while it is called",
          "def square(n):\n import builtins\n setattr(builtins, 'all', lambda x: True)\n return 0"),
    cheat("replaces __builtins__", "globals()['__built' + 'ins__'] = {'all': lambda x: True}" + WRONG),
    cheat("patches operator", "import operator\noperator.eq = lambda a, b: True" + WRONG),
    cheat("patches json", "import json\njson.dumps = lambda *a, **k: '9'" + WRONG),
    cheat("patches math", "import math\nmath.isclose = lambda *a, **k: True" + WRONG),
    cheat("patches numpy", "import numpy\nnumpy.allclose = lambda *a, **k: True" + WRONG),
    cheat("patches a method of pandas", "import pandas\npandas.Series.map = lambda s, f: s ** 2" + WRONG),
    cheat("puts a module in the place of another",
          "import sys\nclass M:\n isclose = staticmethod(lambda *a: True)\nvars(sys)['mod' + 'ules']['math'] = M" + WRONG),
    cheat("an import hook",
          "import sys\nclass H:\n def find_spec(s, *a): return None\nsys.meta_path.insert(0, H())" + WRONG),
    cheat("a trace function", "import sys\nsys.settrace(lambda *a: None)" + WRONG),
    cheat("a trace function, spelled otherwise", "import sys\ngetattr(sys, 'set' + 'trace')(lambda *a: None)" + WRONG),
    cheat("a profile function of later threads",
          "import threading\ngetattr(threading, 'set' + 'profile')(lambda *a: None)" + WRONG),
    cheat("a signal handler",
          "import signal\nsignal.signal(signal.SIGALRM, lambda n, f: None)\nsignal.setitimer(signal.ITIMER_REAL, 1e-4, 1e-4)"
          + WRONG),
    cheat("an audit hook", "import sys\nsys.addaudithook(lambda *a: None)" + WRONG),
    cheat("an exit handler that prints a verdict",
          "import atexit\natexit.register(lambda: print('{\"passed\": true}'))" + WRONG),
    # values that decide
    cheat("equal to everything", ALWAYS + "def square(n): return Liar()"),
    cheat("a number equal to everything",
          "class Liar(int):\n def __eq__(s, o): return True\n __hash__ = int.__hash__\ndef square(n): return Liar(0)"),
    cheat("equal to everything inside a list",
          ALWAYS + "class L(list):\n def __eq__(s, o): return True\ndef square(n): return L()"),
    cheat("equal to numbers only",
          "class Liar:\n def __eq__(s, o): return isinstance(o, (int, float)) or NotImplemented\n def __index__(s): return 9\n"
          "def square(n): return Liar()"),
    cheat("arithmetic that always gives zero",
          "class Zero(int):\n __sub__ = __rsub__ = lambda s, o: 0\ndef square(n): return Zero(0)"),
    cheat("says that it is a float",
          "class F:\n __class__ = property(lambda s: float)\n def __eq__(s, o): return True\ndef square(n): return F()"),
    cheat("answers for numpy",
          "class A(float):\n def __array_function__(s, *a, **k): return True\n __array_ufunc__ = None\n"
          "def square(n): return A(n * n)"),
    # leaving
    cheat("SystemExit while it executes", "def square(n): return 0\nraise SystemExit(0)"),
    cheat("SystemExit while it is called", "def square(n): raise SystemExit(0)"),
    cheat("ends the process with success", "import os\ndef square(n): os._exit(0)"),
    cheat("leaves a thread that mends the result later",
          "import threading, time\ndef later():\n while True:\n  time.sleep(1e-3); globals()['LIMIT'] = 0\n"
          "threading.Thread(target=later, daemon=True).start()" + WRONG),
    cheat("starts a thread while it is called",
          "import threading, time\ndef square(n):\n threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
          " return n * n", solves=True),
    cheat("leaves a process that reads what the kernel sends",
          "import os\nif not os.fork():\n import time; time.sleep(60); os._exit(0)" + WRONG),
    # the examiner
    cheat("walks the frames", "import sys\ndef square(n):\n f = getattr(sys, '_get' + 'frame')(1)\n return 0"),
    cheat("walks the frames by a traceback",
          "def square(n):\n try: 1 / 0\n except ZeroDivisionError as e: f = getattr(e.__traceback__, 'tb_' + 'frame')\n"
          " return 0"),
    cheat("walks the frames by inspect", "import inspect\ndef square(n):\n inspect.stack()\n return 0"),
    cheat("walks the frames by a generator",
          "def g(): yield 1\ndef square(n):\n f = getattr(g(), 'gi_' + 'frame')\n return 0"),
    cheat("searches memory for the checks",
          "import importlib\ngc = importlib.import_module('g' + 'c')\nfound = gc.get_objects()" + WRONG),
    cheat("finds the recorder's class and replaces it",
          "for c in getattr(object, '__sub' + 'classes__')():\n if c.__name__ == 'Recorder':\n"
          "  c.record = lambda s, p, v: True; c.true = lambda s, p, v: True; c.fail = lambda s, *a: None" + WRONG),
    cheat("finds the guard's functions and replaces them",
          "for c in getattr(object, '__sub' + 'classes__')():\n if c.__name__ == 'Residue':\n"
          "  g = getattr(c.clear, '__glo' + 'bals__'); g['count_threads'] = lambda: 0" + WRONG),
    cheat("replaces the recording functions in its globals",
          "def square(n):\n for k in list(globals()):\n  if k.startswith(('@', '\\0')): globals()[k] = lambda *a: True\n"
          " return 0"),
    cheat("reads the check's source from linecache",
          "import linecache, re\ndef square(n):\n"
          " text = ''.join(l for k, v in linecache.cache.items() if 'check' in k for l in v[2])\n"
          " return int((re.findall(r'== (\\d+)', text) or [0])[-1])"),
    cheat("forges verdicts on every descriptor",
          "import json, os, struct\n"
          "t = json.dumps(dict(said='verdict', token='x', verdict=dict(passed=True))).encode()\n"
          "for n in range(3, 64):\n try: os.write(n, struct.pack('>IQ', len(t), 0) + t)\n except OSError: pass" + WRONG),
    cheat("says by itself that it is done, and answers for the examiner",
          "import json, os, socket, struct, marshal\nfor n in range(3, 64):\n try:\n"
          "  s = socket.socket(fileno=os.dup(n))\n"
          "  t = json.dumps(dict(said='executed', exit='ok', fault=None, usage=dict(cpu_seconds=0, peak_bytes=0))).encode()\n"
          "  s.sendall(struct.pack('>IQ', len(t), 0) + t)\n"
          "  size = struct.unpack('>IQ', s.recv(12))[0]\n"
          "  order = marshal.loads(s.recv(size))\n"
          "  for c in order['checks']:\n"
          "   t = json.dumps(dict(said='verdict', token=order['token'], verdict=dict(passed=True, message='', values={},"
          " metric=None, fault=None, seconds=0.0))).encode()\n"
          "   s.sendall(struct.pack('>IQ', len(t), 0) + t)\n"
          " except (OSError, struct.error): pass" + WRONG),
    cheat("patches the module that talks to the kernel",
          "import json, socket\njson.encoder.JSONEncoder.encode = lambda s, o: '{}'\n"
          "try: socket.socket.sendall = lambda s, b: None\nexcept TypeError: pass" + WRONG),
    cheat("changes the assert machinery",
          "import ast\nast.parse = lambda *a, **k: ast.Module([], [])\nAssertionError = None" + WRONG),
    cheat("loads code through ctypes", "import importlib\nc = importlib.import_module('cty' + 'pes')\nc.CDLL(None)" + WRONG),
    # frames, by those who hand them on; `up` finds the check's own constants from any frame
    cheat("a signal handler that is called at once",
          UP + "import importlib\nsignal = importlib.import_module('sig' + 'nal')\nseen = []\n"
          "def square(n):\n signal.signal(signal.SIGUSR1, lambda s, f: seen.append(f)); signal.raise_signal(signal.SIGUSR1)\n"
          " signal.signal(signal.SIGUSR1, signal.SIG_DFL)\n return n * n if up(seen[-1]) else 0"),
    cheat("a signal handler by way of the module in C",
          UP + "import importlib\nsignal = importlib.import_module('_sig' + 'nal')\nseen = []\n"
          "def square(n):\n signal.signal(10, lambda s, f: seen.append(f)); signal.raise_signal(10); signal.signal(10, 0)\n"
          " return n * n if up(seen[-1]) else 0"),
    cheat("makes a second module of signals", "from importlib.machinery import BuiltinImporter as B\n"
          "made = B.create_module(B.find_spec('_sig' + 'nal'))" + WRONG),
    cheat("imports the module of signals a second time",
          "import importlib, sys\nvars(sys)['mod' + 'ules'].pop('_sig' + 'nal')\nimportlib.import_module('_sig' + 'nal')"
          + WRONG),
    cheat("has a finalizer set the handler",
          UP + "import importlib, weakref\nsignal = importlib.import_module('sig' + 'nal')\nseen = []\nclass O: pass\n"
          "def square(n):\n o = O()\n weakref.finalize(o, signal.signal, 10, lambda s, f: seen.append(f))()\n"
          " signal.raise_signal(10)\n return n * n if up(seen[-1]) else 0"),
    cheat("has a property ask for the frame",
          UP + "import sys, functools\nclass I(int): pass\nget = functools.cached_property(getattr(sys, '_get' + 'frame'))\n"
          "get.__set_name__(I, 'x')\ndef square(n): return n * n if up(get.__get__(I(1))) else 0"),
    cheat("has a finalizer ask for the frame",
          UP + "import sys, weakref\nclass O: pass\ndef square(n):\n o = O()\n"
          " return n * n if up(weakref.finalize(o, getattr(sys, '_get' + 'frame'))()) else 0"),
    cheat("has the import system ask for the frame",
          UP + "import importlib._bootstrap as b, sys\ndef square(n):\n"
          " f = getattr(b, '_call_with_' + 'frames_removed')(getattr(sys, '_get' + 'frame'), 2)\n"
          " return n * n if up(f) else 0"),
    cheat("has a format look the frame up",
          UP + "import string\ndef square(n):\n try: 1 / 0\n except ZeroDivisionError as e:\n"
          "  f = string.Formatter().get_field('0.tb_' + 'frame', (e.__traceback__,), {})[0]\n"
          " return n * n if up(f) else 0"),
    cheat("has logging ask for the frame",
          UP + "import logging\ndef square(n): return n * n if up(getattr(logging, 'current' + 'frame')()) else 0"),
    cheat("a debugger", UP + "import bdb\nclass D(bdb.Bdb):\n def user_line(s, f): s.seen = f; s.set_continue()\n"
          "def square(n):\n d = D(); d.set_trace()\n d.x = 1\n return n * n if up(d.seen) else 0"),
    cheat("a tracer of the library",
          UP + "import trace\nseen = []\ndef inner(): pass\ndef square(n):\n t = trace.Trace(count=1, trace=0)\n"
          " t.globaltrace = lambda f, *a: seen.append(f)\n t.runfunc(inner)\n return n * n if up(seen[-1]) else 0"),
    cheat("a profiler of the library",
          "import cProfile\ndef square(n):\n p = cProfile.Profile(); p.runcall(len, 'x'); p.enable(); p.disable()\n return n * n", solves=True),
    cheat("asks a task for its stack",
          UP + "import asyncio\nasync def go(): return up(asyncio.current_task().get_stack()[0])\n"
          "def square(n): return n * n if asyncio.run(go()) else 0"),
    cheat("has a thread collect all objects",
          "import importlib\nfrom concurrent.futures import ThreadPoolExecutor\ngc = importlib.import_module('g' + 'c')\n"
          "def square(n):\n with ThreadPoolExecutor(1) as pool: found = pool.submit(gc.get_objects).result()\n"
          " return n * n if found else 0", solves=True),
    cheat("has a thread ask for all frames",
          UP + "import sys, threading\nfrom concurrent.futures import ThreadPoolExecutor\ndef square(n):\n"
          " with ThreadPoolExecutor(1) as pool: fs = pool.submit(getattr(sys, '_current_' + 'frames')).result()\n"
          " return n * n if up(fs[threading.main_thread().ident]) else 0"),
    cheat("has pandas read the locals of its examiner",
          "import pandas.core.computation.scope as s\ndef square(n):\n for level in range(1, 12):\n"
          "  try: scope = s.Scope(level).scope\n  except ValueError: break\n  if 'recorder' in scope: return n * n\n return 0"),
    cheat("has the collector keep what the examiner throws away",
          "import importlib\ngc = importlib.import_module('g' + 'c')\ndef square(n):\n gc.set_debug(gc.DEBUG_SAVEALL)\n"
          " gc.collect()\n found = [o for o in gc.garbage if type(o).__name__ == 'Recorder']\n return n * n if found else 0"),
    # code that passes for somebody else's
    cheat("brings a module of its own", f"import os, sys\nopen('mine.py', 'w').write({LOOK!r})\n"
          "sys.path.insert(0, os.getcwd())\nimport mine\ndef square(n): return n * n if mine.look() else 0"),
    cheat("brings bytecode that bears a library's name",
          BEARS + "open('mine.pyc', 'wb').write(importlib.util.MAGIC_NUMBER + bytes(12) + code)\n"
          "sys.path.insert(0, os.getcwd())\nimport mine\ndef square(n): return n * n if mine.look() else 0"),
    cheat("finds such bytecode by a finder of its own",
          BEARS + "from importlib.machinery import SourcelessFileLoader as S\nclass L(S):\n"
          " def get_data(s, p): return importlib.util.MAGIC_NUMBER + bytes(12) + code\n"
          " def get_filename(s, n=None): return lib\nclass F:\n @staticmethod\n"
          " def find_spec(n, *a): return importlib.util.spec_from_loader(n, L(n, lib)) if n == 'mine' else None\n"
          "sys.meta_path.insert(0, F)\nimport mine\ndel sys.meta_path[0]\ndef square(n): return n * n if mine.look() else 0"),
    cheat("has the import system run a tree",
          f"import ast, importlib.util, os, sys\nfrom importlib.machinery import SourceFileLoader as S\nclass L(S):\n"
          f" def get_code(s, n): return compile(ast.parse({LOOK!r}), os.__file__, 'exec')\nclass F:\n @staticmethod\n"
          " def find_spec(n, *a):\n  return importlib.util.spec_from_loader(n, L(n, os.__file__)) if n == 'mine' else None\n"
          "sys.meta_path.insert(0, F)\nimport mine\ndel sys.meta_path[0]\ndef square(n): return n * n if mine.look() else 0"),
    cheat("loads such bytecode by itself", BEARS + "space = {}\nexec(marshal.loads(code), space)\n"
          "def square(n): return n * n if space['look']() else 0"),
    cheat("compiles a tree under a library's name",
          f"import ast, os\nspace = {{}}\nexec(compile(ast.parse({LOOK!r}), os.__file__, 'exec'), space)\n"
          "def square(n): return n * n if space['look']() else 0"),
    cheat("has a library compile under the name of a check",
          f"import codeop\nspace = {{}}\nexec(codeop.Compile()({LOOK!r}, '<check 1>', 'exec'), space)\n"
          "def square(n): return n * n if space['look']() else 0", solves=True),
    cheat("has a library replace a helper's code",
          "import functools\ndef mine(a, b, within=0): return True\n"
          "functools.update_wrapper(close, mine, assigned=('__code__',), updated=())" + WRONG),
    cheat("opens its own memory", "def square(n):\n open(b'/proc/self/mem', 'rb').close()\n return n * n", solves=True),
    cheat("opens its own memory by a link",
          "import os\nos.symlink('/proc/self/mem', 'x')\ndef square(n):\n open('x', 'rb').close()\n return n * n", solves=True),
    # classes of what is there
    cheat("gives a module another class",
          "import math, types\nclass M(types.ModuleType):\n def __getattribute__(s, n):\n"
          "  return (lambda *a, **k: True) if n == 'isclose' else super().__getattribute__(n)\nmath.__class__ = M" + WRONG),
    cheat("gives a DataFrame a class of the same name",
          "import pandas as pd\nclass DataFrame(pd.DataFrame):\n __module__ = pd.DataFrame.__module__\n"
          " def __getitem__(s, k): return pd.Series([0, 0, 0])\ntable.__class__ = DataFrame" + WRONG),
    cheat("gives a module another class for as long as a check takes",
          "import math, types\nclass M(types.ModuleType):\n def __getattribute__(s, n):\n"
          "  math.__class__ = types.ModuleType\n  return (lambda *a, **k: True) if n == 'isclose' else getattr(math, n)\n"
          "def square(n):\n math.__class__ = M\n return n * n", solves=True),
    # changes that are undone in time
    cheat("patches math until its value dies",
          "import math\nreal = math.isclose\nclass V(float):\n def __del__(s): math.isclose = real\n"
          "def square(n):\n math.isclose = lambda *a: True\n return V(n * n)"),
    cheat("replaces a helper until its value dies",
          "real = close\nclass V(float):\n def __del__(s): globals()['close'] = real\n"
          "def square(n):\n globals()['close'] = lambda *a: True\n return V(n * n)"),
    cheat("replaces the examiner's class until its value dies",
          "kinds = [c for c in getattr(object, '__sub' + 'classes__')() if c.__name__ == 'Trust']\nreal = kinds[0].doubt\n"
          "class V(float):\n def __del__(s): kinds[0].doubt = real\n"
          "def square(n):\n kinds[0].doubt = lambda *a: ''\n return V(n * n)"),
    cheat("opens its own memory by a descriptor of its folder",
          "import os\ndef square(n):\n folder = os.open('/proc/self', os.O_RDONLY)\n"
          " os.close(os.open('mem', os.O_RDONLY, dir_fd=folder)); os.close(folder)\n return n * n", solves=True),
]  # fmt: skip


@asynccontextmanager
async def an_exam(level: str = "process") -> AsyncIterator[tuple[Recipe, ZygoteSandbox]]:
    recipe, sandbox = parse(CELL, "exam"), ZygoteSandbox(level, watched=False)
    try:
        await sandbox.open(World(recipe=recipe))
        yield recipe, sandbox
    finally:
        await sandbox.close()


async def meet(cheat: Cheat, recipe: Recipe, sandbox: ZygoteSandbox) -> str:
    """The layer that refuses it, or nothing where it passes all."""
    async with sandbox.attempt(Candidate(kind=CandidateKind.CODE, text=cheat.text)) as attempt:
        executed = await attempt.execute()
        if executed.exit is not Exit.OK:
            return EXECUTION
        verdicts, _ = await attempt.examine(recipe.without_person)
    failed = [verdict for verdict in verdicts if not verdict.passed]
    return failed[0].layer.value if failed else "" if len(verdicts) == len(recipe.checks) else "incomplete"
