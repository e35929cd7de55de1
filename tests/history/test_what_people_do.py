"""What a person does to a history under a kernel that lives, what is said of it, and when; nothing is lost by any.

What is done is in do_to_a_history.py. A path that is not UTF-8, a folder or a circle of links from the start, and small
disks are in test_places.py and faults/test_unavailable.py.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

EVENT, QUESTION = "at the next event", "at the next question"
ANEW = r"h\.duckdb was deleted or moved; it is made anew, with the runs that go on$"
JOURNAL = r"the journal in .* was deleted or moved; it was begun anew, and no event is missing$"
LATER = r"\. Its newest events are in the journal and will follow$"
MAY_NOT = rf"cannot be opened: you may not write it; choose another file with --history or \w+{LATER}"
HOLDER = (
    r"h\.duckdb is in use by another program: \S+ \(PID \d+, running since .*; the history is read from a copy of it$"
)
NO_DATABASE = r"raised: .* is not a valid DuckDB database and stays as it is; %loops repair .*choose another file"
A_LINK = r"raised: .* was replaced by a symbolic link while it was in use: put the file itself back"
# What is done → when it is told → what is said, each once in this order or not at all.
TABLE = {
    "delete the file": {QUESTION: [ANEW]},
    "delete the journal": {EVENT: [JOURNAL]},
    "delete the folder": {EVENT: [JOURNAL], QUESTION: [ANEW]},
    "rename the project": {EVENT: [JOURNAL], QUESTION: [ANEW]},
    "make the file read-only": {QUESTION: [MAY_NOT]},
    "make the file unreadable": {QUESTION: [r"raised: .*you may not write it; choose another", MAY_NOT]},
    "make the folder read-only": {QUESTION: [MAY_NOT]},
    "make the journal's folder read-only": {},
    "open it for reading elsewhere": {QUESTION: [HOLDER]},
    "open it for writing elsewhere": {QUESTION: [HOLDER]},
    "put a link to it in its place": {QUESTION: [A_LINK, LATER]},
    "put a link to nothing in its place": {QUESTION: [A_LINK, LATER]},
    "put a folder in its place": {QUESTION: [r"raised: .* is a folder, and a history is a file; choose", LATER]},
    "put another file in its place": {QUESTION: [NO_DATABASE, LATER]},
    "put an empty file in its place": {QUESTION: [NO_DATABASE, LATER]},
    "put another database in its place": {QUESTION: [r"raised: .* not a history .*%loops repair", LATER]},
    "fill the disk": {EVENT: [r"raised: the journal in .* cannot be written: File too large; choose another file"]},
}


@pytest.fixture
def home():
    """A folder that everybody may enter, where root tries it as somebody else."""
    with tempfile.TemporaryDirectory(prefix="jupyter-loops-home-") as folder:
        Path(folder).chmod(0o777)
        yield folder


@pytest.mark.skipif(os.name != "posix", reason="what is done is done by POSIX")
@pytest.mark.parametrize("deed", TABLE)
def test_what_is_done_to_a_history_is_told_and_loses_nothing(deed, home):
    surroundings = os.environ | {"HOME": home, "XDG_STATE_HOME": f"{home}/state", "TMPDIR": home}
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("do_to_a_history.py"), home, deed],
        capture_output=True, text=True, check=False, env=surroundings, stdin=subprocess.DEVNULL,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told.pop("whole")
    assert told.pop("proved") == []
    for when, lines in told.items():
        said = [line for line in lines if "Runs go on; " not in line]  # of the writer, which comes when it comes
        expected = TABLE[deed].get(when, [])
        assert len(said) == len(expected), lines
        for line, pattern in zip(said, expected, strict=True):
            assert re.search(pattern, line)
            assert "\n" not in line
