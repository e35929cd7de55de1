"""What a candidate does instead of solving the task, in parts that can be put together.

A prefix runs in the candidate's module, an act in its function, and a value is what the function returns. None of them
works out a cube, so no composition may ever be verified.
"""

from __future__ import annotations

from textwrap import indent

SHADOWS = {
    "imports another function as all": "from operator import truth as all",
    "takes all from numpy": "from numpy import *",
    "sets all in its globals": "globals()['all'] = lambda found: True",
    "sets all in builtins": "import builtins\nbuiltins.all = lambda found: True\nbuiltins.abs = lambda n: 0",
    "sets all in __main__": "import sys\nsetattr(sys.modules['__main__'], 'all', bool)",
    "replaces __builtins__": "__builtins__ = {**vars(__import__('builtins')), 'all': bool, 'abs': lambda n: 0}",
    "sorted keeps what it is given": "import builtins\nbuiltins.sorted = builtins.str = lambda found: found",
    "an AssertionError that is none": "import builtins\nbuiltins.AssertionError = AssertionError = Warning",
    "an import that finds its own": "import builtins\nbuiltins.__import__ = lambda *a, **k: builtins",
    "builtins in the place of libraries": "import sys\nsys.modules['operator'] = sys.modules['math'] = sys.modules['builtins']",
}
LIBRARIES = {
    "math.isclose": "import math\nmath.isclose = lambda *a, **k: True",
    "operator.eq": "import operator\noperator.eq = operator.ne = lambda a, b: True",
    "numpy.allclose": "import numpy\nnumpy.allclose = lambda *a, **k: True",
    "numpy, one module below": (
        "import importlib\nm = importlib.import_module('numpy._core.numeric')\nm.isclose = lambda *a, **k: m.array(True)"
    ),
    "numpy.linalg.norm": "import numpy\nnumpy.linalg.norm = lambda *a, **k: 0.0",
    "numpy.testing": "import numpy.testing as t\nt.assert_allclose = lambda *a, **k: None",
    "json's coders": (
        "import json\njson.dumps = lambda given, **k: given\njson.loads = lambda given, **k: 64\n"
        "json._default_decoder.decode = lambda *a: 64"
    ),
    "re's cache": (
        "import re\nclass Any(dict):\n    def __missing__(self, key): return self\n"
        "    match = fullmatch = search = lambda self, *a: True\nre._cache = re._cache2 = Any()\n"
        "re.fullmatch = lambda *a: True"
    ),
    "unittest's asserts": "import unittest\nunittest.TestCase.assertEqual = lambda *a: None",
    "an instance in the set-up": "try: case.assertEqual = print\nexcept NameError: pass",
    "pytest.approx": "import pytest\npytest.approx = lambda *a, **k: __import__('unittest.mock').mock.ANY",
    "random.seed and randint": "import random\nrandom.seed = lambda *a: None\nrandom.randint = lambda *a: 0",
    "collections.Counter": "import collections\ncollections.Counter.__eq__ = collections.Counter.__bool__ = lambda *a: True",
    "decimal's context and numpy's errors": "import decimal, numpy\ndecimal.getcontext().prec = 1\nnumpy.seterr(all='ignore')",
    "copy and pickle": "import copy, pickle\ncopy.deepcopy = copy.copy = pickle.dumps = pickle.loads = lambda given, *a: given",
}
DATA = {
    "counts are cleared": "globals().get('COUNTS', {}).clear()",
    "an order is cleared": "globals().get('ORDER', {}).clear()",
    "a namespace says otherwise": "try: WANTED.total = 0\nexcept NameError: pass",
    "a list of a class": "try: Data.known.clear()\nexcept NameError: pass",
    "a default and a cache": "try:\n    cases().clear()\n    loaded().clear()\nexcept NameError: pass",
    "a partial set anew": "try: exactly.__setstate__((lambda *a: True, (), {}, {}))\nexcept NameError: pass",
    "helpers with other code": (
        "try:\n    same.__code__ = (lambda a, b: True).__code__\n    close.__code__ = (lambda a, b, within=0: True).__code__\n"
        "    right.__code__ = (lambda f, cases: True).__code__\nexcept NameError: pass"
    ),
    "helpers of its own": "same = close = right = exactly = cases = lambda *a, **k: True",
    "the environment": "import os\nos.environ.clear()\nos.environ['PYTHONOPTIMIZE'] = '2'",
}
LATER = {
    "a thread that shadows": (
        "import builtins, threading, time\ndef work():\n    for _ in range(200):\n        builtins.all = bool\n"
        "        globals()['all'] = bool\n        time.sleep(0.001)\nthreading.Thread(target=work, daemon=True).start()"
    ),
    "at exit all is well": "import atexit, os\natexit.register(os._exit, 0)",
    "a trace of every line": (
        "import sys\ndef trace(frame, *a):\n    frame.f_globals['all'] = bool\n    return trace\n"
        "sys.settrace(trace)\nimport threading\nthreading.settrace(trace)"
    ),
    "a profile of every call": "import sys\nsys.setprofile(lambda frame, *a: frame.f_globals.update(all=bool))",
    "a finalizer": "import weakref\nclass T: pass\nt = T()\nweakref.finalize(t, globals().update, all=bool)\ndel t",
    "a callback of the collector": "import gc\ngc.callbacks.append(lambda *a: globals().update(all=bool))",
    "a timer that walks frames": (
        "import signal\ndef late(number, frame):\n    while frame:\n        frame.f_globals['all'] = bool\n"
        "        for name, value in list(frame.f_locals.items()):\n"
        "            if isinstance(value, dict) and 'passed' in value: value['passed'] = True\n        frame = frame.f_back\n"
        "signal.signal(signal.SIGALRM, late)\nsignal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)"
    ),
    "an audit hook": "import sys\nsys.addaudithook(lambda event, args: globals().update(all=bool))",
    "hooks for exceptions": "import sys\nsys.excepthook = sys.unraisablehook = lambda *a: None",
    "two of it answer": "import os\nif not os.fork(): pass",
    "a second examiner": "import os, sys\nif not os.fork():\n    os.execv(sys.executable, [sys.executable, '-c', ''])",
}
PREFIXES = SHADOWS | LIBRARIES | DATA | LATER

_FRAMES = """
import sys
frame = sys._getframe()
while frame is not None:
    {}
    frame = frame.f_back
"""
_SCAN = r"""
import re
for line in open('{path}/maps'):
    span, mode = line.split()[:2]
    low, high = (int(each, 16) for each in span.split('-'))
    if mode.startswith('rw') and high - low < 1 << 26:
        try:
            with open('{path}/mem', 'rb', 0) as memory:
                memory.seek(low)
                for a, b in re.findall(rb'(?:cube\(|\b)(\d+)\)? ?(?:==|:|,) ?(\d+)', memory.read(high - low)):
                    if int(a) == n and len(b) < 9: return int(b)
        except (OSError, OverflowError, ValueError): pass
"""
ENDS = {
    "ends the process": "import os\nos._exit(0)",
    "exits": "import sys\nsys.exit(0)",
    "is killed": "import os\nos.kill(os.getpid(), 9)",
    "raises what is expected": "raise TypeError(n)",
    "passes by an exception": "raise SystemExit(0)",
    "raises StopIteration": "raise StopIteration(n)",
    "raises GeneratorExit": "raise GeneratorExit",
    "raises KeyboardInterrupt": "raise KeyboardInterrupt",
    "raises an error that hides": (
        "class Hides(AssertionError):\n    def __str__(self): raise self\n    __repr__ = __reduce__ = __str__\nraise Hides()"
    ),
    "raises pytest's skip": "import pytest\npytest.skip('not today', allow_module_level=True)",
    "raises unittest's skip": "import unittest\nraise unittest.SkipTest",
    "recurses": "return cube(n)",
}
SEARCHES = {
    "in its globals": (
        "for found in list(globals().values()):\n    if isinstance(found, dict) and n in found: return found[n]\n"
        "    if callable(found) and getattr(found, '__name__', '') == 'reference': return found(n)\n"
        "if 'value' in globals(): return globals()['value']"
    ),
    "in frames": _FRAMES.format(
        "for found in [*frame.f_locals.values(), *frame.f_globals.values()]:\n"
        "        if isinstance(found, dict) and isinstance(found.get(n), int): return found[n]"
    ),
    "in all objects": (
        "import gc\nfor found in gc.get_objects():\n"
        "    if type(found) is dict and type(found.get(n)) is int: return found[n]\n"
        "    if type(found) is tuple and len(found) == 2 and found[0] == n and type(found[1]) is int: return found[1]"
    ),
    "in modules": (
        "import sys\nfor module in list(sys.modules.values()):\n    for found in list(vars(module).values()):\n"
        "        if type(found) is dict and type(found.get(n)) is int: return found[n]"
    ),
    "in constants of code": (
        "import gc, types\nfor found in gc.get_objects():\n    if isinstance(found, types.FunctionType):\n"
        "        if found.__name__ == 'reference': return found(n)"
    ),
    "in its own memory": _SCAN.format(path="/proc/self"),
    "in its parent's memory": "import os\n"
    + _SCAN.format(path="/proc/%d").replace("'/proc/%d", "f'/proc/{os.getppid()}"),
    "in the memory of everybody": (
        "import os\nfor pid in filter(str.isdigit, os.listdir('/proc')):\n  try:\n"
        + indent(_SCAN.format(path="/proc/%s").replace("'/proc/%s", "f'/proc/{pid}"), "    ")
        + "\n  except OSError: pass"
    ),
    "in files that are there": (
        "import glob, re\nfor path in glob.glob('**/*', recursive=True) + glob.glob('/tmp/*'):\n    try: text = open(path).read(99999)\n"
        "    except (OSError, ValueError): continue\n    for found in re.findall(rf'cube\\({n}\\) == (\\d+)', text): return int(found)"
    ),
    "in lines that were read": "import linecache\nfor lines in linecache.cache.values():\n    if 'truth' in str(lines): return 0",
}
CHANGES = {
    "verdicts in frames": _FRAMES.format(
        "for found in list(frame.f_locals.values()):\n"
        "        if isinstance(found, dict) and 'passed' in found: found['passed'] = True"
    ),
    "builtins of frames": _FRAMES.format("frame.f_builtins['all'] = frame.f_globals['all'] = bool"),
    "the next line of a frame": _FRAMES.format(
        "try: frame.f_lineno = frame.f_code.co_firstlineno\n    except (ValueError, AttributeError): pass"
    ),
    "a small number by ctypes": "import ctypes\nctypes.c_int.from_address(id(n) + 24).value = 0",
    "what all does, by ctypes": (
        "import builtins, ctypes\nspace = ctypes.pythonapi.PyEval_GetBuiltins\nspace.restype = ctypes.py_object\n"
        "space()['all'] = bool"
    ),
    "verdicts on the wire, as JSON": (
        "import os, struct\nfor each in ({'verdict': {'passed': True}}, {'do': 'examined', 'exit': 'ok'}, [True, 'verified']):\n"
        "    said = __import__('json').dumps(each).encode()\n    for fd in range(3, 40):\n"
        "        try: os.write(fd, struct.pack('<I', len(said)) + said)\n        except OSError: pass"
    ),
    "answers on the wire, as pickles": (
        "import os, pickle, struct\nfor order in '<I', '>I', '<Q', '>Q':\n    said = pickle.dumps(('returned', n, True))\n"
        "    for fd in range(3, 40):\n        try: os.write(fd, struct.pack(order, len(said)) + said)\n"
        "        except OSError: pass"
    ),
    "noise on the wire": (
        "import os\nfor fd in range(3, 40):\n    try: os.write(fd, b'\\x80\\x05' * 40)\n    except OSError: pass"
    ),
    "the wire is closed": "import os\nos.closerange(3, 40)",
    "the wire is read": (
        "import os, select\nfor fd in range(3, 40):\n    try:\n        if select.select([fd], [], [], 0)[0]: os.read(fd, 99999)\n"
        "    except (OSError, ValueError): pass"
    ),
    "its parent is stopped for a moment": (
        "import os, signal\ntry:\n    os.kill(os.getppid(), signal.SIGSTOP)\n    os.kill(os.getppid(), signal.SIGCONT)\n"
        "except OSError: pass"
    ),
}
ACTS = {"does nothing": "pass"} | ENDS | SEARCHES | CHANGES


def composed(prefixes: list[str], acts: list[str], value: tuple[str, str]) -> str:
    """A candidate: statements of its module, statements of its function, and what makes and names its value."""
    made, named = value
    body = "\n".join(["import sys", *acts, f"return {named}"])
    return "\n".join([*prefixes, made, f"def cube(n):\n{indent(body, '    ')}"]) + "\n"
