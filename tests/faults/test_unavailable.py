"""A history that cannot be written: the run goes on, says so once, and nothing is lost."""

from __future__ import annotations

import ast
import contextlib
import subprocess
import sys
import time

import pytest

from jupyter_loops.history.journal_frame import MAGIC

HOLD = """
import duckdb, sys, time
connection = duckdb.connect(sys.argv[1])
connection.execute("BEGIN; CREATE TABLE mine (x INTEGER)")
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture(scope="module")
def kernel(kernels, tmp_path_factory):
    return kernels(XDG_STATE_HOME=tmp_path_factory.mktemp("state"))


@pytest.fixture
def mounted(tmp_path):
    """Mount a small file system of its own."""
    folders = []

    def mount(options):
        folder = tmp_path / f"disk{len(folders)}"
        folder.mkdir()
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
        folders.append(folder)
        return folder

    yield mount
    for folder in folders:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def readonly(mounted):
    return mounted("ro")


def fill(folder):
    """Write until there is no room left."""
    with (folder / "ballast").open("wb", buffering=0) as ballast, contextlib.suppress(OSError):
        while True:
            ballast.write(bytes(65536))


def notes_of(kernel, name):
    """What the view of a run was told."""
    code = f"[one['message'] for one in {name}.history.records({name}.id) if one['kind'] == 'note_added']"
    return [note for note in ast.literal_eval(kernel.run(code).result) if "history" in note or "journal" in note]


def test_a_disk_that_fills_up_in_the_middle_loses_nothing(kernel, cell, wrong, right, mounted):
    folder = mounted("size=6m")
    answers = [wrong.replace("return n", f"return {n}  # {'x' * 200_000}") for n in range(5, 10)]
    message = kernel.start(cell(*answers, right, name="filled", options=f"--history {folder}/h.duckdb", delay=0.1))
    while not list(folder.glob("h.duckdb.journal/*.journal")):
        time.sleep(0.01)
    fill(folder)
    reply = kernel.finish(message)

    assert reply.ok, reply.error
    assert kernel.run("double(4)").result == "8"
    (folder / "ballast").unlink()
    kernel.run("import time; time.sleep(1.5); filled.history.flush()")
    said = [note for note in notes_of(kernel, "filled") if "No space left" in note]
    assert said
    assert "events are kept in" in said[0]
    assert len(said) == len(set(said)) <= 2  # the journal's, and the database's
    assert kernel.run("filled.history.verify()").result == "[]"
    seqs = ast.literal_eval(kernel.run("[one['seq'] for one in filled.history.records(filled.id)]").result)
    assert seqs == list(range(1, len(seqs) + 1))
    assert kernel.run("len(filled.history.rounds(filled.id))").result == "6"


def test_what_a_killed_kernel_left_in_the_second_place_is_found(kernels, cell, wrong, mounted, tmp_path):
    folder = mounted("size=6m")
    first = kernels(XDG_STATE_HOME=tmp_path)
    big = wrong.replace("return n", f"return 1  # {'x' * 300_000}")
    options = f"--history {folder}/h.duckdb"
    first.start(cell(*[big.replace("1", str(n)) for n in range(2, 9)], "words " * 9000, name="cut", options=options))
    while not list(folder.glob("h.duckdb.journal/*.journal")):
        time.sleep(0.01)
    fill(folder)
    while sum(one.read_bytes().count(MAGIC) for one in tmp_path.glob("jupyter-loops/journals/*/*.journal")) <= 10:
        time.sleep(0.01)
    first.manager.shutdown_kernel(now=True)
    (folder / "ballast").unlink()

    second = kernels(XDG_STATE_HOME=tmp_path)
    assert second.run(f"from jupyter_loops import history; h = history.open_history('{folder}/h.duckdb')").ok
    seqs = ast.literal_eval(
        second.run("[s for (s,) in h.sql('SELECT seq FROM events ORDER BY seq').fetchall()]").result
    )
    assert seqs == list(range(1, len(seqs) + 1))
    assert len(seqs) > 10
    assert second.run("h.verify()").result == "[]"
    assert not list(tmp_path.glob("jupyter-loops/journals/*/*.journal"))


@pytest.mark.parametrize("options", ["ro", "size=64k"])
def test_a_folder_that_takes_nothing_has_a_place_instead(kernel, cell, right, mounted, options):
    folder = mounted(options)
    reply = kernel.run(cell(right, name="instead", options=f"--history {folder}/h.duckdb"))

    assert reply.ok, reply.error
    (note,) = notes_of(kernel, "instead")
    assert note.startswith(f"no history can be kept in {folder}: ")
    assert "choose another file with --history" in note
    assert kernel.run("instead.history.run('instead')['stop_reason']").result == "'verified'"


def test_a_foreign_program_that_holds_the_file_for_long_is_told_once_and_loses_nothing(kernel, cell, right, tmp_path):
    path = tmp_path / "held.duckdb"
    kernel.run(f"from jupyter_loops import history; h = history.open_history({str(path)!r}); h.flush()")
    holder = subprocess.Popen([sys.executable, "-c", HOLD, path], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "held\n"
        options = f"--history {path} --fresh"
        reply = kernel.run(cell(right, name="beside", options=options.removesuffix(" --fresh"), delay=4))
        assert reply.ok, reply.error
    finally:
        holder.kill()
        holder.wait()
    (note,) = [note for note in notes_of(kernel, "beside") if "in use by another program" in note]
    assert f"PID {holder.pid}" in note
    assert kernel.run("beside.history.run('beside')['stop_reason']").result == "'verified'"
    assert kernel.run("beside.history.verify()").result == "[]"
