"""What a module may do while it is imported, and what it may not. Also run by other Pythons, without pytest."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from jupyter_loops.core.module_level import execute

REFUSED = {
    "import subprocess\nsubprocess.run(['true'])": "starts a process",
    "import os\n\nos.system('true')": "starts a process",
    "import os\nos.fork()": "starts a process",
    "import multiprocessing as m\ndef f(): pass\nm.get_context('fork').Process(target=f).start()": "starts a process",
    "open('left', 'w').write('x')": "writes 'left'",
    "import os\nos.open('left', os.O_CREAT | os.O_WRONLY)": "writes 'left'",
    "from pathlib import Path\nPath('left').write_text('x')": "writes",
    "import os\nos.mkdir('left')": "changes files",
    "import os\ntry:\n    os.mkdir('left')\nexcept OSError:\n    pass": "changes files",
    "import os\nos.rename('a', 'b')": "changes files",
    "import shutil\nshutil.rmtree('nowhere', ignore_errors=True)": "changes files",
    "import tempfile\ntempfile.mkdtemp()": "",
    "import socket\nsocket.create_connection(('localhost', 1))": "uses the network",
    "import socket\nsocket.getaddrinfo('localhost', 1)": "uses the network",
    "import urllib.request as u\nu.urlopen('http://localhost:1/')": "uses the network",
    "import os\nos.chdir('/')": "changes the working folder",
    "import os\nos.environ['LEFT'] = '1'": "changes the environment",
    "import os\nos.environ.pop('HOME', None) and os.unsetenv('HOME')": "changes the environment",
    "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)": "changes signal handlers",
    "import signal\nsignal.alarm(1000)": "changes signal handlers",
    "import sys\nsys.settrace(lambda *a: None)": "traces",
    "import sys\nsys.setprofile(lambda *a: None)": "traces",
    "import threading\nthreading.Thread(target=dict).start()": "starts a thread",
    "from concurrent.futures import ThreadPoolExecutor\nThreadPoolExecutor().submit(len, [])": "starts a thread",
    "import atexit\natexit.register(len, [])": "registers something for the end",
    "import sys\nsys.exit(0)": "ends the program",
    "raise SystemExit": "ends the program",
    "import logging\nlogging.basicConfig(level=10)": "logging of everybody",
    "import random\nrandom.seed(0)": "seeds",
    "import warnings\nwarnings.filterwarnings('ignore')": "warning filters",
    "import sys\nsys.setrecursionlimit(5000)": "setting of the interpreter",
    "import sys\nsys.path.insert(0, 'lib')": "sys.path",
    "import faulthandler as h\n(h.disable if h.is_enabled() else h.enable)()": "fault handler",
    "import gc\ngc.disable()": "garbage collector",
    "import decimal\ndecimal.getcontext().prec = 50": "decimal context",
    "import locale\nlocale.setlocale(locale.LC_ALL, 'C.UTF-8')": "locale",
    "import builtins\nbuiltins.len = lambda x: 3": "built-in names",
    "import sqlite3\nsqlite3.connect('left.db')": "opens a database",
    "import ctypes\nctypes.CDLL(None).abs(-3)": "calls native code",
    "def begin():\n    import os\n    os.mkdir('left')\n\nbegin()": "changes files",
    "exec('import os; os.mkdir(\"left\")')": "changes files",
    "class A:\n    import os\n    os.mkdir('left')": "changes files",
    "name = input('who?')": "waits for a person",
}
HONEST = [
    "import json, asyncio, http.client, sqlite3, multiprocessing, concurrent.futures, tempfile, ctypes, socket",
    "import logging\nlog = logging.getLogger(__name__)\nlog.setLevel(10)\nlog.addHandler(logging.NullHandler())",
    "import re\np = re.compile('a+')",
    "from functools import lru_cache\n@lru_cache\ndef f(x): return x\nf(1)",
    "from dataclasses import dataclass\n@dataclass\nclass P:\n    x: int = 0\nP(1)",
    "from enum import Enum\nclass E(Enum):\n    A = 1",
    "from abc import ABC\nclass B(ABC): pass",
    "import warnings\nwith warnings.catch_warnings():\n    warnings.simplefilter('ignore')\n    warnings.warn('x')",
    "import random\nr = random.Random(0)\nxs = [r.random() for _ in range(9)]",
    "import random\nxs = [random.random() for _ in range(9)]",
    "text = open(__import__('os').devnull).read()",
    "import os\nopen(os.devnull, 'w').close()",
    "import sqlite3\nc = sqlite3.connect(':memory:')\nc.execute('create table t (a)')",
    "import threading\nl = threading.Lock(); e = threading.Event(); s = threading.local()",
    "from concurrent.futures import ThreadPoolExecutor, ProcessPoolExecutor\nt, p = ThreadPoolExecutor(), None",
    "import decimal\nwith decimal.localcontext() as c:\n    c.prec = 50\n    x = decimal.Decimal(1) / 3",
    "import decimal\nx = decimal.Decimal(1) / 3",
    "import asyncio\nasync def f(): return 1\nx = asyncio.run(f())",
    "import socket\ns = socket.socket()\ns.close()",
    "import os\nhere = os.getcwd(), os.environ.get('HOME'), os.listdir('.'), os.stat('.')",
    "import gc\ngc.collect()",
    "import weakref\nclass A: pass\na = A()\nf = weakref.finalize(a, dict)",
    "import sys\nv = sys.version_info, sys.getrecursionlimit(), sys.path[:1]",
    "import uuid, secrets, hashlib, datetime, time\nx = uuid.uuid4(), secrets.token_hex(), time.time()",
    "from contextlib import redirect_stdout\nimport io\nwith redirect_stdout(io.StringIO()):\n    print('x')",
    "from __future__ import annotations\nimport os\ndef f(x: Nothing) -> Nowhere: return os.sep\n",
    "try:\n    import nothing_like_this\nexcept ImportError:\n    nothing_like_this = None",
    "import this_writes_when_imported",
]
LIBRARIES = [
    "import numpy as np\nr = np.random.default_rng(0).normal(size=9)\nwith np.errstate(all='ignore'): np.log(0.0)",
    "import numpy as np\nxs = np.random.normal(size=9)",
    "import pandas as pd\ndf = pd.DataFrame({'a': [1]})\nwith pd.option_context('display.max_rows', 5): repr(df)",
    "import matplotlib.pyplot as plt\ns = plt.rcParams['font.size']\nf = plt.figure()\nplt.close(f)",
    "from tqdm import tqdm\nT = [x for x in tqdm(range(3))]",
    "import pydantic\nclass M(pydantic.BaseModel):\n    x: int\nM(x=1)",
    "import sklearn.linear_model as l\nm = l.LinearRegression().fit([[1], [2]], [1, 2])",
    "import scipy.stats as s\nx = s.norm.cdf(0)",
    "import polars as pl\nx = pl.DataFrame({'a': [1]}).sum()",
    "import pyarrow as pa\nx = pa.array([1])",
    "import duckdb\nx = duckdb.connect().sql('select 1').fetchall()",
    "import networkx as nx\ng = nx.path_graph(3)",
    "import sympy\nx = sympy.symbols('x') ** 2",
    "import plotly.graph_objects as go\nf = go.Figure(go.Scatter(y=[1]))",
    "import sqlalchemy as sa\ne = sa.create_engine('sqlite://')\nwith e.connect() as c: c.execute(sa.text('select 1'))",
    "import requests\ns = requests.Session()",
]
OF_LIBRARIES = {
    "import numpy as np\nnp.random.seed(0)": "seeds NumPy's",
    "import numpy as np\nnp.seterr(all='ignore')": "a setting of NumPy",
    "import pandas as pd\npd.set_option('display.max_rows', 7)": "a setting of pandas",
    "import pandas as pd\npd.options.display.max_rows = 7": "a setting of pandas",
    "import matplotlib.pyplot as plt\nplt.rcParams['lines.linewidth'] = 7": "a setting of Matplotlib",
    "import pandas as pd\npd.DataFrame({'a': [1]}).to_csv('left')": "writes 'left'",
}


def told(source: str) -> list[str]:
    """What is said of a module, in a folder of its own, after which everything is as it was."""
    with tempfile.TemporaryDirectory() as folder:
        before, sys.path[:0] = Path.cwd(), [folder]
        Path(folder, "this_writes_when_imported.py").write_text("open('mine', 'w').close()\n")
        os.chdir(folder)
        try:
            acts = execute(ast.parse(source), "<a module>", {"__name__": "a_module"})
            assert not [*Path(folder).glob("left*")]
            assert "LEFT" not in os.environ
        finally:
            os.chdir(before)
            sys.path.remove(folder)
            sys.modules.pop("this_writes_when_imported", None)
    return [str(act) for act in acts]


def failures(refused: dict[str, str], honest: list[str]) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    for source, words in refused.items():
        said = told(source)
        if not said or words not in said[0] or "move it into the function" not in said[0]:
            found.append((source, said))
    for source in honest:
        try:
            if said := told(source):
                found.append((source, said))
        except ModuleNotFoundError:
            continue
        except BaseException as error:  # noqa: BLE001  # to be told with its source
            found.append((source, repr(error)))
    return found


def test_what_is_said_names_the_line_and_what_to_do():
    assert told("import os\n\nos.system('true')") == [
        "line 3: the module starts a process when it is imported; move it into the function"
    ]


def test_settings_of_libraries_are_refused_and_their_honest_use_is_not():
    assert failures(OF_LIBRARIES, LIBRARIES) == []


def test_a_setting_that_changes_unasked_is_put_back_in_silence():
    import random

    random.seed(7)
    before = random.getstate()
    assert told("import random\nx = random.random()") == []
    assert random.getstate() == before


def test_other_threads_go_on_as_they_were(tmp_path):
    import threading

    done = threading.Event()
    threading.Timer(0.1, lambda: ((tmp_path / "theirs").write_text("x"), done.set())).start()
    assert execute(ast.parse("import time\ntime.sleep(0.3)"), "<a module>", {}) == []
    assert done.wait(5)
    assert (tmp_path / "theirs").read_text() == "x"


def test_nothing_is_refused_once_the_module_is_defined(tmp_path):
    names: dict[str, object] = {"path": tmp_path / "left"}
    assert execute(ast.parse("def f(): return open(path, 'w').write('x')"), "<a module>", names) == []
    assert names["f"]() == 1


def test_acts_are_refused_and_honest_modules_are_not_by_any_python_that_is_here():
    for python in [sys.executable, *sorted(Path.home().glob(".pyenv/versions/3.1[2-9].*/bin/python"))]:
        env = {"PYTHONPATH": str(Path(__file__).parents[2]), "PATH": os.defpath, "HOME": os.devnull}
        got = subprocess.run([python, __file__], capture_output=True, text=True, check=False, timeout=120, env=env)
        assert got.stdout == "[]\n", (python, got.stdout, got.stderr)


if __name__ == "__main__":
    print(failures(REFUSED, HONEST))  # noqa: T201
