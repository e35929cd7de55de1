"""Honest candidates whose libraries ask the interpreter for callers, code and frames. It is not held against them."""

from __future__ import annotations

HONEST = {
    "a query on a frame": """
import pandas as pd

def work(n):
    t = pd.DataFrame({'a': [n]})
    k = n
    assert len(t.query('a == @k')) == 1
    t.eval('b = a * 2')
    pd.eval('k + 1')
""",
    "warnings of pandas": """
import pandas as pd, warnings

def work(n):
    pd.to_datetime(['x1', '2020-13-01'], errors='coerce')
    pd.Series([1]).groupby([1]).apply(lambda x: x)
""",
    "logs with its stack": """
import logging
logging.basicConfig()

def work(n):
    logging.getLogger('a').warning('x %s', n, stack_info=True)
    logging.exception('e')
""",
    "asyncio that debugs": """
import asyncio

async def a():
    await asyncio.gather(*(asyncio.sleep(0) for _ in range(3)))
    asyncio.current_task()

def work(n):
    asyncio.run(a(), debug=True)
""",
    "generated classes": """
import dataclasses, typing, enum, collections, functools

@dataclasses.dataclass(slots=True, order=True)
class A:
    x: int = 0
    y: list = dataclasses.field(default_factory=list)

class P(typing.Protocol):

    def f(self):
        ...

class T(typing.TypedDict):
    a: int

class F(enum.Flag):
    A = 1
    B = 2
N = collections.namedtuple('N', 'a b')

class M(typing.NamedTuple):
    a: int

@functools.singledispatch
def g(x):
    return x

@g.register
def _(x: int):
    return x
G = typing.TypeVar('G')

def work(n):
    A(n)
    F.A | F.B
    N(1, 2)._replace(a=3)
    M(1)
    g(n)
    dataclasses.make_dataclass('Q', ['a'])(1)
    dataclasses.asdict(A(1))
    dataclasses.replace(A(1), x=2)
""",
    "evaluates an expression": """
import ast

def work(n):
    t = ast.parse(f'{n}*{n}', mode='eval')
    assert eval(compile(t, '<expr>', 'eval')) == n * n
    exec('z = 1', {})
""",
    "prints tracebacks": """
import traceback, sys

def work(n):
    try:
        1 / 0
    except ZeroDivisionError as e:
        traceback.format_exc()
        traceback.print_exc()
        traceback.extract_tb(e.__traceback__)
        ''.join(traceback.format_exception(e))
        traceback.TracebackException.from_exception(e).format()
""",
    "pools of threads and processes": """
from concurrent.futures import ThreadPoolExecutor, ProcessPoolExecutor
import multiprocessing as mp

def one(x):
    return x

def work(n):
    with ThreadPoolExecutor(2) as p:
        list(p.map(one, range(3)))
    with mp.get_context('fork').Pool(1) as p:
        p.map(one, [1])
""",
    "numpy's own tests": """
import numpy as np, numpy.testing as t

def work(n):
    t.assert_allclose([n], [n])
    np.vectorize(lambda x: x)([1])
    np.save('x.npy', np.arange(3))
    np.load('x.npy')
    np.linalg.inv(np.eye(2))
    np.random.default_rng(0).normal()
""",
    "files, pickles and a database": """
import sqlite3, csv, io, json, pickle, copy, tempfile, pathlib, shutil, zipfile, gzip

def work(n):
    c = sqlite3.connect(':memory:')
    c.execute('create table t(a)')
    c.close()
    csv.writer(io.StringIO()).writerow([1])
    pickle.loads(pickle.dumps({1: 2}))
    copy.deepcopy([1])
    with tempfile.TemporaryDirectory() as d:
        pathlib.Path(d, 'mem').write_text('x')
""",
    "unittest and mock": """
import unittest, unittest.mock as m, contextlib, warnings, timeit, string, operator

class T(unittest.TestCase):

    def test(self):
        self.assertEqual(1, 1)

def work(n):
    unittest.TextTestRunner(stream=open('o', 'w')).run(unittest.defaultTestLoader.loadTestsFromTestCase(T))
    with m.patch('os.getcwd', return_value='x'):
        pass
    timeit.timeit('1+1', number=2)
    string.Template('$a').substitute(a=1)
    '{0.real}'.format(n)
    string.Formatter().format('{0.real}', n)
    warnings.warn('x', DeprecationWarning, stacklevel=2)
""",
    "imports as it is called": """
import plotly.graph_objects as go

def work(n):
    go.Figure(go.Scatter(y=[n])).to_json()
""",
    "the standard library": """
import decimal, fractions, statistics, random, re, uuid, hashlib, secrets, datetime, zoneinfo, calendar
import locale, difflib, heapq, bisect, array, struct, weakref, abc, types

class O:
    pass

def work(n):
    o = O()
    weakref.finalize(o, print, 'x')
    del o
    types.SimpleNamespace(a=1)
    types.new_class('X')
    types.MethodType(work, 1)
    hashlib.sha256(b'').hexdigest()
    uuid.uuid4()
    datetime.datetime.now(zoneinfo.ZoneInfo('UTC'))
""",
}
