from __future__ import annotations

import os

import pytest

from jupyter_loops.core.candidate import Candidate, CandidateKind, File, Limits
from jupyter_loops.core.ports import World
from jupyter_loops.execution import artifacts
from jupyter_loops.execution.sandbox import ZygoteSandbox

GOOD = "def f(x): return x\n"


def test_files_are_told_by_name_and_size_and_links_are_not(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.csv").write_text("1,2")
    (tmp_path / "b").write_bytes(b"")
    (tmp_path / "link").symlink_to("/etc/passwd")
    (tmp_path / "folder").symlink_to("/etc")
    os.mkfifo(tmp_path / "pipe")

    assert artifacts.listed(tmp_path) == (File(name="b", bytes=0), File(name="sub/a.csv", bytes=3))


def test_files_are_kept_under_their_digest_within_the_limit(tmp_path):
    scratch, folder = tmp_path / "scratch", tmp_path / "kept"
    scratch.mkdir()
    for name, size in (("a.txt", 10), ("b.txt", 100), ("c.txt", 20), ("..hid den;$(x)\u202e.sh", 10)):
        (scratch / name).write_bytes(b"x" * size)

    found = {file.name: file.kept for file in artifacts.copy_files(scratch, artifacts.listed(scratch), folder, 45)}

    assert found["b.txt"] == "", "too large"
    assert (folder / found["a.txt"]).read_bytes() == b"x" * 10
    assert (folder / found["c.txt"]).read_bytes() == b"x" * 20
    odd = found["..hid den;$(x)\u202e.sh"]
    assert odd.endswith("/hid_den___x__.sh")
    assert all((folder / place).resolve().is_relative_to(folder) for place in found.values() if place)


@pytest.mark.parametrize("trick", ["file", "folder", "hard link", "pipe", "gone", "grown"])
def test_nothing_is_fetched_from_elsewhere_when_the_folder_changes_under_our_hands(trick, tmp_path):
    scratch, folder, secret = tmp_path / "scratch", tmp_path / "kept", tmp_path / "secret" / "a.txt"
    for place in (scratch / "sub", secret.parent):
        place.mkdir(parents=True)
    secret.write_text("SECRET")
    mine = scratch / "sub" / "a.txt"
    mine.write_text("mine..")
    files = artifacts.listed(scratch)
    mine.unlink()
    if trick == "file":
        mine.symlink_to(secret)
    elif trick == "folder":
        mine.parent.rmdir()
        mine.parent.symlink_to(secret.parent)
    elif trick == "hard link":
        os.link(secret, mine)
    elif trick == "pipe":
        os.mkfifo(mine)
    elif trick == "grown":
        mine.write_bytes(b"x" * 1000)

    (file,) = artifacts.copy_files(scratch, files, folder, 100)

    assert file.kept == ""
    assert not folder.exists()


@pytest.mark.parametrize("wanted", [True, False])
async def test_what_a_candidate_writes_is_kept_on_request(wanted, level, make_recipe, tmp_path):
    recipe = make_recipe("assert f(1) == 1", "assert not print(file=open('from_check', 'w'))")
    text = "import os\nos.mkdir('out')\nopen('out/result.csv', 'w').write('a,b')\nos.symlink('/etc/passwd', 'p')\n"
    sandbox = ZygoteSandbox(level, watched=False)
    folder = tmp_path / "kept"
    try:
        limits = Limits(artifact_bytes=1000)
        await sandbox.open(World(recipe=recipe, limits=limits, artifacts=folder if wanted else None))
        candidate = Candidate(kind=CandidateKind.CODE, text=text + GOOD)
        async with sandbox.attempt(candidate) as attempt:
            executed = await attempt.execute()
            verdicts, examined = await attempt.examine(recipe.checks)
    finally:
        await sandbox.close()

    assert all(verdict.passed for verdict in verdicts)
    assert [(file.name, file.bytes) for file in executed.files] == [("out/result.csv", 3)]
    assert [file.name for file in examined.files] == ["from_check", "out/result.csv"]
    assert folder.exists() is wanted
    if wanted:
        assert (folder / executed.files[0].kept).read_text() == "a,b"
