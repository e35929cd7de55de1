"""What candidates leave in their folders is taken away, whatever it is, and nothing else."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time

import pytest

from jupyter_loops.execution import artifacts
from jupyter_loops.execution.removal import remove
from jupyter_loops.execution.scratch import Scratch

DEEP = 1200  # more than Python can descend


def build_deep(folder, deep=50):
    here = os.open(folder, os.O_RDONLY)
    for _ in range(deep):
        os.mkdir("d", dir_fd=here)
        there = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = there
    os.close(os.open("f", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)


@pytest.fixture(autouse=True)
def swept(tmp_path):
    """pytest itself cannot remove what is as deep."""
    yield
    subprocess.run(["rm", "-rf", *map(str, tmp_path.iterdir())], check=False)


@pytest.fixture
def scratch():
    scratch = Scratch()
    scratch.retain()
    yield scratch
    scratch.close()
    scratch.close()
    assert not scratch.root.parent.exists()


def test_a_folder_of_any_depth_is_removed(tmp_path):
    (tmp_path / "top").mkdir()
    build_deep(tmp_path / "top", DEEP)
    remove(tmp_path / "top")

    assert not list(tmp_path.iterdir())


def test_links_are_removed_and_what_they_lead_to_stays(tmp_path):
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("x")
    for place in (tmp_path / "link", tmp_path / "folder/link"):
        place.parent.mkdir(exist_ok=True)
        place.symlink_to(precious)
    remove(tmp_path / "link")
    remove(tmp_path / "folder")
    remove(tmp_path / "nothing")

    assert [path.name for path in tmp_path.iterdir()] == ["precious"]
    assert (precious / "file").read_text() == "x"


@pytest.mark.parametrize("mode", [0o000, 0o444, 0o111])
def test_a_folder_that_nobody_may_enter_is_removed(mode, tmp_path):
    inner = tmp_path / "top/closed/inner"
    inner.mkdir(parents=True)
    (inner / "file").write_text("x")
    for folder in (inner, inner.parent, inner.parents[1]):
        folder.chmod(mode)
    remove(tmp_path / "top")

    assert not list(tmp_path.iterdir())


def test_what_a_candidate_leaves_anywhere_in_the_folder_of_the_run_is_gone_before_the_next(scratch):
    folder = scratch.acquire()
    for place in (folder / "own", scratch.root / "beside", scratch.root / "tmp/x", scratch.root / "shm/y"):
        place.write_text("secret")
    (scratch.root / "tmp/deep").mkdir()
    build_deep(scratch.root / "tmp/deep")
    began = time.perf_counter()
    scratch.release(folder)

    assert time.perf_counter() - began < 0.1, "to be removed later, out of sight"
    assert scratch.has_waste
    assert {path.name for path in scratch.root.rglob("*")} <= {"tmp", "shm", "matplotlib"} | _fonts(scratch)
    scratch.clear()
    assert not scratch.has_waste
    assert not list(scratch._waste.iterdir())


def _fonts(scratch):
    return {path.name for path in (scratch.root / "matplotlib").iterdir()}


def test_the_shared_folders_carry_no_note_in_their_mode_times_or_attributes(scratch):
    shared = [scratch.root, *(scratch.root / name for name in ("tmp", "shm", "matplotlib"))]
    folder = scratch.acquire()
    before = [_traits(path) for path in (folder, *shared)]
    for path in (*shared[1:], shared[0], folder):
        os.utime(path, (7919, 7919))
        _set_attribute(path)
    scratch.release(folder)
    for path in (*shared[1:], shared[0]):  # one that lives still, when nobody looks
        path.chmod(0o711)
        os.utime(path, (7919, 7919))

    assert scratch.acquire() == folder
    assert [_traits(path) for path in (folder, *shared)] == before


def _set_attribute(path):
    with contextlib.suppress(OSError):  # not on every file system
        os.setxattr(path, "user.note", b"7919")


def _traits(path):
    state = path.stat()
    return oct(state.st_mode), state.st_mtime_ns, state.st_atime_ns, os.listxattr(path)


def test_how_much_was_left_is_not_in_the_name_of_the_next_folder(scratch):
    first = scratch.acquire()
    for number in range(9):
        (scratch.root / f"tmp/{number}").touch()
    (first / "own").touch()
    scratch.release(first)

    assert (first.name, scratch.acquire().name) == ("1", "2")


def test_folders_that_nobody_may_enter_are_taken_away_by_those_without_privileges(tmp_path):
    text = """
import os
from pathlib import Path
from jupyter_loops.execution.child import privileges
from jupyter_loops.execution.scratch import Scratch
privileges.load()
privileges.drop(0)
scratch = Scratch()
scratch.retain()
folder = scratch.acquire()
shared = [scratch.root / name for name in ("shm", "tmp")]
for place in shared:
    (place / "k/z/inner").mkdir(parents=True)
    for closed in (place / "k/z/inner", place / "k/z", place / "k", place):
        closed.chmod(0)
scratch.release(folder)
print([os.listdir(place) for place in shared])
scratch.clear()
print(os.listdir(scratch._waste))
scratch.close()
"""
    command = [sys.executable, "-c", text]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)

    assert (done.stdout, done.stderr) == ("[[], []]\n[]\n", "")


def test_what_another_candidate_is_using_stays(scratch):
    first, second = scratch.acquire(), scratch.acquire()
    (second / "work").write_text("x")
    (scratch.root / "tmp/shared").write_text("x")
    scratch.release(first)

    assert (second / "work").exists()
    assert (scratch.root / "tmp/shared").exists()
    scratch.release(second)
    assert not (scratch.root / "tmp/shared").exists()


def test_what_a_candidate_leaves_in_the_free_folder_of_another_is_not_lent(scratch):
    free, used = scratch.acquire(), scratch.acquire()
    scratch.release(free)
    (free / "note").write_text("x")

    assert not list(scratch.acquire().iterdir())
    scratch.release(used)


def test_a_link_in_the_place_of_a_folder_leads_nobody_out(scratch, tmp_path):
    (tmp_path / "key").write_text("secret")
    folder = scratch.acquire()
    for place in (folder, scratch.root / "tmp"):
        place.rename(place.with_name(f"{place.name}-moved"))
        place.symlink_to(tmp_path)

    assert artifacts.listed(folder) == ()
    told = artifacts.File(name="key", bytes=6)
    assert [file.kept for file in artifacts.copy_files(folder, (told,), tmp_path / "kept", 100)] == [""]
    scratch.release(folder)
    scratch.clear()
    assert (tmp_path / "key").read_text() == "secret"


def test_files_are_told_in_a_moment_whatever_has_been_built(tmp_path):
    (tmp_path / "deep").mkdir()
    build_deep(tmp_path / "deep")
    (tmp_path / "many").mkdir()
    for number in range(1100):
        (tmp_path / f"many/{number}").touch()
    began = time.perf_counter()

    assert len(artifacts.listed(tmp_path)) <= 100
    assert time.perf_counter() - began < 1
