"""Landlock, privileges and both with the filter, on real processes."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
from pathlib import Path

import pytest
from shut_in import run_in

from jupyter_loops.execution import grants
from jupyter_loops.execution.child import landlock, seccomp

pytestmark = pytest.mark.skipif(bool(landlock.available()), reason=landlock.available() or "it works")
both = pytest.mark.skipif(bool(seccomp.available()), reason=seccomp.available() or "it works")

PYTHON = [sys.prefix, sys.base_prefix, "/usr", "/lib", "/lib64", "/etc/ld.so.cache"]


@pytest.fixture
def place():
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:  # not in /tmp, which candidates have of their own
        place = Path(folder)
        for name in ("seen", "own", "private"):
            (place / name).mkdir()
            (place / name / "file").write_text(name)
        yield place


def restriction(place: Path, **more: object) -> str:
    named = "".join(f", {name}={value!r}" for name, value in more.items())
    return f"landlock.restrict({[*PYTHON, str(place / 'seen')]!r}, [{str(place / 'own')!r}]{named})"


@pytest.mark.parametrize(
    ("work", "came"),
    [
        ("open('seen/file').read()", "done seen"),
        ("open('own/file', 'w').write('x')", "done 1"),
        ("open('own/file').read()", "done own"),
        ("os.mkdir('own/new') or os.rename('own/file', 'own/new/file')", "done None"),
        ("os.truncate('own/file', 0)", "done None"),
        ("os.mkfifo('own/pipe')", "done None"),
        ("open('seen/file', 'w')", "PermissionError 13"),
        ("os.unlink('seen/file')", "PermissionError 13"),
        ("os.truncate('seen/file', 0)", "PermissionError 13"),
        ("os.symlink('x', 'seen/link')", "PermissionError 13"),
        ("open('private/file')", "PermissionError 13"),
        ("os.listdir('private')", "PermissionError 13"),
        ("os.mkdir('private/new')", "PermissionError 13"),
        ("os.rename('own/file', 'seen/other')", "PermissionError 13"),
        ("os.symlink('../private/file', 'own/link') or open('own/link')", "PermissionError 13"),
        ("os.link('private/file', 'own/link')", "OSError 18"),
        ("os.mknod('own/null', 0o020666, os.makedev(1, 3))", "PermissionError 13"),
        ("open('/proc/self/environ')", "PermissionError 13"),
        ("subprocess.run(['/usr/bin/env', 'true']).returncode", "done 0"),
        ("subprocess.run(['cat', 'private/file'], capture_output=True).returncode", "done 1"),
    ],
)  # fmt: skip
def test_only_what_is_granted_can_be_used(work, came, place):
    assert run_in(restriction(place), f"import os, subprocess\nattempt(lambda: {work})", place)[0] == came


def test_paths_that_are_not_there_are_left_out(place):
    granted = f"landlock.restrict({[*PYTHON, str(place / 'missing'), str(place / 'seen/file')]!r}, [])"
    text = "attempt(lambda: open('seen/file').read())\nattempt(lambda: open('seen/file', 'a'))"
    assert run_in(granted, text, place) == ["done seen", "PermissionError 13"]


def test_a_folder_that_may_be_listed_is_not_read(place):
    granted = f"landlock.Rules({PYTHON!r}, [], listed=[{str(place)!r}]).ruleset().enforce()"
    text = "import os\nattempt(lambda: sorted(os.listdir('.')))\nattempt(lambda: open('seen/file'))"
    assert run_in(granted, text, place) == ["done ['own', 'private', 'seen']", "PermissionError 13"]


@pytest.mark.skipif(landlock.abi() < 4, reason="Landlock before ABI 4 does not know TCP")
def test_tcp_is_refused_unless_it_is_allowed(place):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        text = f"""
import socket
attempt(lambda: socket.create_connection(('127.0.0.1', {port})).close())
attempt(lambda: socket.create_server(('127.0.0.1', 0)).close())
"""

        assert run_in(restriction(place), text, place) == ["PermissionError 13"] * 2
        assert run_in(restriction(place, tcp=True), text, place) == ["done None"] * 2


@pytest.mark.skipif(landlock.abi() < 6, reason="Landlock before ABI 6 has no scopes")
def test_signals_and_abstract_sockets_stay_inside(place):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"\0jupyter-loops-test-{os.getpid()}")
        server.listen()
        text = f"""
import os, signal, socket, subprocess
attempt(lambda: os.kill({os.getpid()}, 0))
attempt(lambda: socket.socket(socket.AF_UNIX).connect({server.getsockname()!r}))
child = subprocess.Popen(['sleep', '60'])
attempt(child.kill)
"""
        assert run_in(restriction(place), text, place) == ["PermissionError 1", "PermissionError 1", "done None"]


def test_it_cannot_be_widened_again(place):
    text = f"attempt(lambda: landlock.restrict(['/'], ['/']))\nattempt(lambda: open({str(place / 'private/file')!r}))"
    assert run_in(restriction(place), text, place) == ["done None", "PermissionError 13"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root has privileges to give up")
def test_root_gives_its_privileges_up_for_good(place):
    text = """
import subprocess
for line in open('/proc/self/status'):
    if line.startswith('Cap'): print(line.split()[1].strip('0') or 'none')
print(subprocess.run(['grep', '-c', '^Cap.*:.*[1-9a-f]', '/proc/self/status'], capture_output=True).stdout)
"""
    assert set(run_in("privileges.drop()", text, place)) == {"none", "b'0\\n'"}
    assert run_in("privileges.drop(privileges.FILES)", text, place)[:5] == ["none", "6", "6", "6", "none"]


def _with_folders(place: Path) -> Path:
    for name in ("tmp", "shm", "matplotlib"):
        (place / name).mkdir()
    return place


def plan(place: Path, **more: object) -> str:
    made = grants.plan("landlock", _with_folders(place), **more)
    return f"""
import os
from jupyter_loops.execution.child.shut_in import shut_in
here = os.getcwd()
shut_in({made!r}, {str(place / "own")!r})
os.chdir(here)
"""


@both
@pytest.mark.parametrize(
    "work",
    [
        "open('private/file')", "open('seen/file', 'a')", "os.listdir(os.path.expanduser('~'))", "open('/etc/shadow')",
        "os.listdir('/var')", "open('/proc/1/cmdline')", "open('/proc/self/mountinfo')",
        "os.listdir('/proc')", "open(f'/proc/{os.getppid()}/mem', 'rb')", "os.listdir('/')",
        "socket.socket()", "socket.socket(socket.AF_UNIX)", "os.kill(os.getppid(), 0)", "os.chmod('/etc/hosts', 0o777)",
        "open('/sys/class/dmi/id/product_name')", "os.mkdir('sibling')", "os.listdir('/work')",
    ],
)  # fmt: skip
def test_shut_in_leaves_nothing_to_reach(work, place):
    said = run_in(plan(place), f"import os, socket\nattempt(lambda: {work})", place)
    assert said[0] in {"PermissionError 1", "PermissionError 13", "FileNotFoundError 2", "OSError 30"}


HONEST = {
    "numpy": "import numpy as n\nprint(int((n.ones((5, 2)) @ n.ones((2, 1))).sum()))",
    "pandas": "import pandas as p\n"
    "p.DataFrame({'a': [1, 9]}).to_csv('own/a.csv'); print(p.read_csv('own/a.csv').a.sum())",
    "matplotlib": "import matplotlib; matplotlib.use('Agg')\nimport matplotlib.pyplot as p\np.plot([1, 2])\n"
    "p.savefig('own/a.png'); print(10)",
    "polars": "import polars as p\nprint(p.DataFrame({'a': [1, 9]})['a'].sum())",
    "sklearn": "from sklearn.linear_model import LinearRegression as L\n"
    "print(round(L().fit([[1], [2]], [1, 2]).predict([[10]])[0]))",
    "scipy": "from scipy.optimize import minimize\nprint(round(minimize(lambda x: (x[0] - 10) ** 2, [0.0]).x[0]))",
    "joblib": "import joblib\n"
    "print(sum(joblib.Parallel(n_jobs=2, prefer='threads')(joblib.delayed(abs)(n) for n in range(-4, 1))))",
    "plotly": "import plotly.graph_objects as g\nprint(len(g.Figure(g.Bar(y=[1, 2])).to_json()) and 10)",
    "pydantic": "import pydantic\nclass A(pydantic.BaseModel):\n a: int\nprint(A(a='10').a)",
    "duckdb": "import duckdb\nprint(duckdb.connect().execute('select 10').fetchone()[0])",
    "zoneinfo": "import zoneinfo, datetime\n"
    "print(datetime.datetime(2020, 1, 1, 10, tzinfo=zoneinfo.ZoneInfo('Europe/Rome')).hour)",
    "subprocess": "import subprocess, sys\n"
    "print(subprocess.run([sys.executable, '-c', 'print(10)'], capture_output=True, text=True).stdout.strip())",
    "threads": "import concurrent.futures as c\n"
    "with c.ThreadPoolExecutor(4) as p: print(sum(p.map(abs, range(-4, 1))))",
    "fork": "import os\nr, w = os.pipe()\n"
    "if not os.fork(): os.write(w, b'10'); os._exit(0)\nos.wait(); print(os.read(r, 9).decode())",
    "ssl": "import ssl, hashlib, secrets\nssl.create_default_context(); secrets.token_hex(); print(10)",
    "pool": "import multiprocessing as m\nwith m.Pool(2) as p: print(sum(p.map(abs, range(-4, 1))))",
    "queue": "import multiprocessing as m\nq = m.Queue(); q.put(10); print(q.get())",
    "modes": "import shutil\nopen('own/a', 'w').write('x'); shutil.copytree('own', 'own/b/c'); print(10)",
    "/tmp": "open('/tmp/a', 'w').write('x'); print(10 * open('/tmp/a').read().count('x'))",
    "tempfile": "import tempfile\ntempfile.tempdir = 'own'\n"
    "with tempfile.NamedTemporaryFile() as f: print(f.write(b'x' * 10))",
}


@both
@pytest.mark.parametrize("name", HONEST)
def test_honest_code_does_not_notice(name, place):
    if name not in {"zoneinfo", "subprocess", "threads", "fork", "ssl", "tempfile", "pool", "queue", "modes", "/tmp"}:
        pytest.importorskip(name)
    text = f"import os; os.environ['MPLCONFIGDIR'] = 'matplotlib'\n{HONEST[name]}"
    said = run_in(plan(place), text, place)
    assert said[0] == "10", said


@both
def test_of_a_project_only_modules_can_be_read_and_what_the_cell_names(place, monkeypatch):
    project = place / "private"
    for name, content in {
        "helper.py": "VALUE = 10", ".env": "KEY=1", "work.ipynb": "{}", "data.csv": "a", "named.csv": "b",
        "package/__init__.py": "", "package/part.py": "VALUE = 11", "package/data.json": "{}",
        "tests/test_it.py": "assert secret",
    }.items():  # fmt: skip
        path = project / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    monkeypatch.chdir(project)
    monkeypatch.syspath_prepend("")
    named = grants.named_files(["read_csv('named.csv')", "open('..')", "'.'", "'missing'", "x = ''"])
    text = """
import os, sys
sys.path.insert(0, os.getcwd())
import helper, package.part
print(helper.VALUE, package.part.VALUE, open('named.csv').read())
for name in ('.env', 'work.ipynb', 'data.csv', 'package/data.json', 'tests/test_it.py'):
    attempt(lambda: open(name))
"""
    said = run_in(plan(place, named=named, hidden=[project / "tests"]), text, project)

    assert named == [project / "named.csv"]
    assert said == ["10 11 b", *["PermissionError 13"] * 5]


def test_a_kernel_without_it_says_so(monkeypatch):
    monkeypatch.setattr(landlock, "abi", lambda: 0)

    assert "Linux 5.13" in landlock.available()


@both
@pytest.mark.parametrize(("version", "said"), [(5, True), (6, False)])
def test_a_landlock_that_does_not_hold_signals_says_so(version, said, place):
    made = grants.plan("landlock", _with_folders(place))
    text = f"""
from jupyter_loops.execution.child.shut_in import ChildRestrictions
landlock.abi = lambda: {version}
print(any('end processes of yours' in note for note in ChildRestrictions({made!r}).notes))
"""
    assert run_in("", text, place)[0] == str(said)


@both
def test_what_must_be_and_is_not_to_be_had_ends_the_process(place):
    text = (
        plan(place)
        .replace("\nshut_in(", "\nlandlock.abi = lambda: 0\nattempt(lambda: shut_in(")
        .replace("\nos.chdir", ")\nos.chdir")
    )

    assert run_in(text, "", place)[0].startswith("OSError")
