"""Machines that lack something, and set-ups that need what candidates do not get: one clear line, never less held."""

from __future__ import annotations

import os
import struct
import sys

import pytest
from shut_in import run_in
from test_landlock import both, place, plan  # noqa: F401 - a fixture

from jupyter_loops.core.candidate import Exit
from jupyter_loops.errors import PreflightError, SetupError
from jupyter_loops.execution import grants, isolation
from jupyter_loops.execution.child import landlock, seccomp
from jupyter_loops.execution.child.syscalls import REFUSED
from jupyter_loops.execution.platform import Platform

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="of Linux")


def without(number: int, errno: int = 38) -> str:
    """The words that take a system call away, as a kernel or a container without it would."""
    instructions = [(0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, 0x00050000 | errno), (0x06, 0, 0, 0x7FFF0000)]
    packed = b"".join(struct.pack("=HBBI", *each) for each in instructions)
    return f"seccomp.install({packed!r})"


def own(name: str) -> int:
    column = seccomp._column()
    return {"seccomp": (317, 277), "landlock": (444, 444), **REFUSED}[name][column]


@linux
@pytest.mark.parametrize(
    ("name", "words"),
    [("landlock", "this kernel has no Landlock (Linux 5.13"), ("seccomp", "this kernel refuses seccomp")],
)
def test_a_kernel_that_lacks_it_refuses_the_level_and_says_what_else_there_is(name, words, tmp_path):
    if seccomp.available():
        pytest.skip(seccomp.available())
    text = """
from jupyter_loops.execution import isolation
from jupyter_loops.execution.platform import Platform
try: isolation.choose('landlock', None, Platform.here())
except Exception as error: print(type(error).__name__, error)
isolation._why_not_bubblewrap = lambda: 'bwrap is not installed'
print(*isolation.choose('auto', None, Platform.here()))
"""
    refused, chosen = run_in(without(own(name)), text, tmp_path)[:2]

    assert refused.startswith(f"PreflightError --sandbox landlock is not available: {words}")
    assert refused.endswith("; use --sandbox bubblewrap, container or process")
    assert chosen.startswith("process ")
    assert words in chosen
    assert "accidents" in chosen


def test_an_architecture_that_the_filter_does_not_know_refuses_the_level(monkeypatch):
    here = os.uname()
    monkeypatch.setattr(os, "uname", lambda: os.uname_result((*here[:4], "riscv64")))
    monkeypatch.setattr(landlock, "available", str)

    with pytest.raises(
        PreflightError, match=r"--sandbox landlock is not available: .* not made for riscv64; use --sand"
    ):
        isolation.choose("landlock", None, Platform.here())


@both
def test_where_nobody_may_make_namespaces_landlock_holds_and_says_what_is_missing(place):  # noqa: F811
    text = plan(place).replace(
        "from jupyter_loops.execution.child.shut_in import shut_in",
        "from jupyter_loops.execution.child.shut_in import ChildRestrictions\n"
        "def shut_in(made, folder):\n"
        "    held = ChildRestrictions(made)\n"
        "    print(*held.notes)\n"
        "    held.begin(); held.shut_in(folder)\n",
    )
    work = "attempt(lambda: open('own/new', 'w').write('x'))\nattempt(lambda: open('private/file'))\n"
    work += "attempt(lambda: os.chmod('seen/file', 0))"
    said = run_in(f"{without(own('unshare'), 1)}\n{text}", work, place)

    assert said[0].startswith("landlock without namespaces of one's own: ")
    assert said[1:] == ["done 1", "PermissionError 13", "PermissionError 1"]


@linux
def test_a_bubblewrap_that_may_make_no_namespaces_says_so(tmp_path):
    if isolation._why_not_bubblewrap():
        pytest.skip(isolation._why_not_bubblewrap())
    text = "from jupyter_loops.execution import isolation\nprint(isolation._why_not_bubblewrap())"
    restriction = "privileges.drop()\nseccomp.restrict(sockets=True)"

    assert run_in(restriction, text, tmp_path)[0].startswith("bwrap does not work here: ")


@both
def test_bubblewrap_on_a_kernel_without_landlock_says_what_it_does_not_hold(place):  # noqa: F811
    for name in ("tmp", "shm", "matplotlib"):
        (place / name).mkdir()
    made = grants.plan("bubblewrap", place)
    text = (
        "from jupyter_loops.execution.child.shut_in import ChildRestrictions\n"
        f"print(*ChildRestrictions({made!r}).notes)"
    )

    with_it, without_it = (run_in(word, text, place)[0] for word in ("", without(own("landlock"))))
    assert with_it == ""
    assert without_it.startswith("bubblewrap without landlock: candidates can read the notebook's folder")


NETWORK = "import urllib.request\ndef fetch(): return urllib.request.urlopen('http://127.0.0.1:9/').read()"


async def test_a_candidate_that_needs_a_socket_is_told_and_shown_the_way(level, open_sandbox, make_recipe):
    async with open_sandbox(level, make_recipe("assert f(1) == b''", setup=NETWORK)) as box:
        outcome = await box.run("def f(x): return fetch()")
        at_once = await box.run("import socket\nsocket.create_connection(('127.0.0.1', 9))\ndef f(x): ...")

    assert at_once.executed.exit is Exit.RAISED
    told = outcome.verdicts[0].message, at_once.executed.fault.message
    assert [("@tool" in words) for words in told] == [level != "process"] * 2, told


async def test_a_set_up_that_needs_the_network_is_told_the_way(open_sandbox, make_recipe):
    if isolation._why_not_bubblewrap():
        pytest.skip(isolation._why_not_bubblewrap())

    with pytest.raises(SetupError, match=r"^line \d: .* \(candidates have no network: make what needs it a @tool"):
        async with open_sandbox("bubblewrap", make_recipe("assert f(1)", setup=f"{NETWORK}\nfetch()")):
            pass
