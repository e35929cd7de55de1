from __future__ import annotations

import asyncio
import math
import os
import sqlite3
import sys
import threading
import time
from pathlib import Path
from types import ModuleType

import pytest

from jupyter_loops.core.candidate import Exit, Layer, Limits
from jupyter_loops.core.ports import World
from jupyter_loops.core.recipe import Target, TargetKind
from jupyter_loops.errors import PreflightError, SetupError
from jupyter_loops.execution import tree
from jupyter_loops.execution.child_launcher import MARK
from jupyter_loops.execution.sandbox import ZygoteSandbox


async def test_a_good_candidate_passes_and_its_metric_is_a_number(level, open_sandbox, make_recipe):
    async with open_sandbox(level, make_recipe("assert f(2) <= 5", "assert f(1) == 2")) as box:
        outcome = await box.run("def f(x): return x + 1")

    assert outcome.passed == [True, True]
    assert (outcome.verdicts[0].metric.value, outcome.verdicts[0].metric.target) == (3.0, 5.0)
    assert [verdict.index for verdict in outcome.verdicts] == [1, 2]
    assert outcome.executed.isolation == level
    assert outcome.executed.cpu_seconds > 0
    assert outcome.executed.peak_bytes > 1_000_000


async def test_a_failing_check_reports_the_values_inside_it(level, open_sandbox, make_recipe):
    async with open_sandbox(level, make_recipe('assert f("a b") == "a-b"')) as box:
        outcome = await box.run("def f(x): return x")

    assert outcome.verdicts[0].message == "f(\"a b\") gave 'a b', expected 'a-b'"
    assert outcome.verdicts[0].layer is Layer.CHECKS


async def test_hidden_checks_have_a_layer_of_their_own(open_sandbox, make_recipe, hidden_check):
    async with open_sandbox("process", make_recipe("assert f(1)", hidden_check("assert f(2) == 3"))) as box:
        outcome = await box.run("def f(x): return x")

    assert [verdict.layer for verdict in outcome.verdicts] == [Layer.CHECKS, Layer.HIDDEN]
    assert [verdict.hidden for verdict in outcome.verdicts] == [False, True]
    assert outcome.passed == [True, False]


async def test_checks_examined_in_two_calls_keep_their_numbers_and_their_world(open_sandbox, make_recipe, hidden_check):
    recipe = make_recipe("assert f(1)", hidden_check("assert f(2) == 2"))
    async with (
        open_sandbox("process", recipe) as box,
        box.sandbox.attempt(_code("calls = []\ndef f(x):\n calls.append(x)\n return len(calls)")) as attempt,
    ):
        await attempt.execute()
        visible, _ = await attempt.examine(recipe.visible)
        hidden, _ = await attempt.examine(recipe.hidden)

    assert [(verdict.index, verdict.passed) for verdict in (*visible, *hidden)] == [(1, True), (2, True)]


async def test_every_candidate_meets_a_pristine_world(level, open_sandbox, make_recipe):
    recipe = make_recipe("assert f(0) == 3", setup="import math\nITEMS = [1, 2, 3]")
    async with open_sandbox(level, recipe) as box:
        spoil = "import math, os\nmath.pi = 4\nITEMS.clear()\nopen('note', 'w').write('x')\nos.environ['A'] = 'x'\n"
        await box.run(spoil + "def f(x): return 3")
        outcome = await box.run(
            "import math, os\nassert math.pi < 4 and 'A' not in os.environ and not os.listdir()\n"
            "def f(x): return len(ITEMS)"
        )

    assert outcome.executed.exit is Exit.OK, outcome.executed.fault
    assert outcome.passed == [True]


async def test_what_a_candidate_leaves_for_the_next_is_gone(level, open_sandbox, make_recipe):
    places = ["../note", "../matplotlib/note"] + ["/tmp/note", "/var/tmp/note", "/dev/shm/note"] * (level != "process")
    leave = (
        f"import os\nfor place in {places}:\n try: open(place, 'w').write('x')\n except OSError: pass\n"
        "def f(x): return 1"
    )
    look = f"import os\nassert not [place for place in {places} if os.path.exists(place)]\ndef f(x): return 1"
    async with open_sandbox(level, make_recipe("assert f(0) == 1")) as box:
        assert (await box.run(leave)).passed == [True]
        assert (await box.run(look)).passed == [True]
        if level == "bubblewrap":
            dev = await box.run("open('/dev/note', 'w')")
            assert "Read-only file system" in dev.executed.fault.message


async def test_names_of_the_notebook_travel_with_the_classes_and_functions_they_need(level, open_sandbox, make_recipe):
    notebook = ModuleType("__main__")
    exec("RATE = 2\nclass Point:\n  x = 20\ndef twice(v): return v.x * RATE\npoint = Point()", vars(notebook))
    real, sys.modules["__main__"] = sys.modules["__main__"], notebook
    try:
        async with open_sandbox(
            level, make_recipe("assert f(point) == 41"), twice=notebook.twice, point=notebook.point
        ) as box:
            outcome = await box.run("def f(x): return twice(x) + 1")
    finally:
        sys.modules["__main__"] = real

    assert outcome.passed == [True], outcome


async def test_arrays_and_frames_arrive_writable_and_the_kernels_own_stay_as_they_are(level, open_sandbox, make_recipe):
    import numpy as np
    import pandas as pd

    array, frame = np.arange(100_000.0), pd.DataFrame({"a": range(5), "s": list("abcde")})
    async with open_sandbox(level, make_recipe("assert f(0) == -1.0"), array=array, frame=frame) as box:
        outcome = await box.run("array[0] = -1\nframe.loc[0, 'a'] = 7\ndef f(x): return float(array[x])")

    assert outcome.passed == [True], outcome
    assert array[0] == 0.0
    assert frame.loc[0, "a"] == 0


@pytest.mark.parametrize("value", [sqlite3.connect(":memory:"), threading.Lock(), (n for n in range(3))], ids=type)
async def test_an_object_that_cannot_travel_is_named(value, open_sandbox, make_recipe):
    with pytest.raises(PreflightError, match=r"'thing' \(.*in the set-up of the cell"):
        async with open_sandbox("process", make_recipe("assert f(thing)"), fine=1, thing=value):
            pass


async def test_the_fingerprint_follows_the_names(open_sandbox, make_recipe):
    prints = []
    for value in (1, 1, 2):
        async with open_sandbox("process", make_recipe("assert f(k)"), k=value) as box:
            prints.append(box.readiness.fingerprint)

    assert prints[0] == prints[1] != prints[2]


async def test_what_the_setup_prints_is_kept(level, open_sandbox, make_recipe):
    async with open_sandbox(level, make_recipe("assert f(1)", setup="print('hello')")) as box:
        assert box.readiness.stdout == "hello\n"
        assert (await box.run("def f(x): return x")).executed.stdout == ""


@pytest.mark.parametrize(
    ("setup", "message"),
    [
        ("\n\nx = missing", "line 3: NameError: name 'missing' is not defined"),
        ("\ndef g():\n  raise ValueError('no')\ng()", "line 3: ValueError: no"),
        ("raise SystemExit(3)", "line 1: SystemExit: 3"),
        ("import os; os._exit(3)", "the set-up ended the sandbox: exit status 3"),
        ("import nothing_of_that_name", "not installed here"),
    ],
)
async def test_a_setup_that_fails_says_where_in_the_cell(setup, message, level, open_sandbox, make_recipe):
    with pytest.raises(SetupError) as caught:
        async with open_sandbox(level, make_recipe("assert f(1)", setup=setup)):
            pass

    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("setup", "message"),
    [
        ("import time\n\ntime.sleep(1e6)", "line 3: the set-up did not end within 0.3 s; raise --setup-timeout"),
        ("try:\n while True: pass\nexcept Exception: pass", "line 2: the set-up did not end within 0.3 s"),
        ("import time\nwhile True:\n try: time.sleep(9)\n except BaseException: pass", "did not end within 0.3 s"),
        ("sum(iter(int, 1))", "did not end within 0.3 s"),
    ],
)
async def test_a_setup_that_hangs_ends_with_one_line(setup, message, level, open_sandbox, make_recipe):
    before, started = set(tree.descendants(os.getpid())), time.perf_counter()
    with pytest.raises(SetupError) as caught:
        async with open_sandbox(level, make_recipe("assert f(1)", setup=setup), Limits(setup_seconds=0.3)):
            pass

    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert time.perf_counter() - started < 10
    assert set(tree.descendants(os.getpid())) <= before


async def test_an_unknown_type_is_named_before_anything_is_spent(open_sandbox, make_recipe):
    target = Target(name="mug", kind=TargetKind.DATA, source="mug: Product", annotation="Product", line=4)
    with pytest.raises(PreflightError, match="line 4: the type of mug: Product is unknown"):
        async with open_sandbox("process", make_recipe("assert mug", targets=(target,))):
            pass


async def test_the_candidates_own_lines_and_values_tell_of_an_exception(level, open_sandbox, make_recipe):
    text = "def g(n):\n    half = n / 2\n    return half / 0\ndef f(x): return g(x)\nf(3)"
    async with open_sandbox(level, make_recipe("assert f(1)")) as box:
        fault = (await box.run(text)).executed.fault

    assert fault.type == "ZeroDivisionError"
    assert [(frame.where, frame.function, frame.line) for frame in fault.frames] == [
        ("candidate", "<module>", 5),
        ("candidate", "f", 4),
        ("candidate", "g", 3),
    ]
    last = fault.frames[-1]
    assert (last.text, dict(last.values)) == ("return half / 0", {"n": "3", "half": "1.5"})


async def test_a_syntax_error_has_its_line(open_sandbox, make_recipe):
    async with open_sandbox("process", make_recipe("assert f(1)")) as box:
        executed = (await box.run("x = 1\ndef f(:")).executed

    assert executed.exit is Exit.RAISED
    assert (executed.fault.type, executed.fault.frames[0].line) == ("SyntaxError", 2)


async def test_a_missing_target_is_invalid_and_says_what_is_missing(open_sandbox, make_recipe):
    async with open_sandbox("process", make_recipe("assert f(1)")) as box:
        missing = (await box.run("def g(x): return x")).executed
        wrong = (await box.run("f = 3")).executed

    assert (missing.exit, wrong.exit) == (Exit.INVALID, Exit.INVALID)
    assert "f is missing" in missing.fault.message
    assert "f must be a function, and is something that cannot be called" in wrong.fault.message


async def test_a_missing_package_is_explained(open_sandbox, make_recipe):
    async with open_sandbox("process", make_recipe("assert f(1)")) as box:
        fault = (await box.run("import nothing_of_that_name")).executed.fault

    assert "not installed here" in fault.message


async def test_printed_text_comes_back_clipped_in_the_middle(level, open_sandbox, make_recipe):
    text = (
        "import sys\nprint('first'); print('x' * 5000); print('last'); print('oops', file=sys.stderr)\n"
        "def f(x): return x"
    )
    async with open_sandbox(level, make_recipe("assert f(1)"), Limits(output_bytes=1000)) as box:
        executed = (await box.run(text)).executed

    assert executed.clipped
    assert executed.stdout.startswith("first")
    assert executed.stdout.endswith("last\n")
    assert "bytes left out" in executed.stdout
    assert executed.stderr == "oops\n"


async def test_output_is_redacted(open_sandbox, make_recipe):
    key = "sk-" + "a" * 40
    async with open_sandbox("process", make_recipe(f"assert f(1) == 2, {key!r}")) as box:
        outcome = await box.run(f"print('{key}')\ndef f(x): return 1")
        raised = await box.run(f"raise ValueError('{key}')")

    assert outcome.executed.stdout == "[redacted]\n"
    assert outcome.verdicts[0].message == "[redacted]"
    assert raised.executed.fault.message == "[redacted]"


async def test_files_in_the_scratch_folder_are_named_and_then_gone(level, open_sandbox, make_recipe):
    async with open_sandbox(level, make_recipe("assert f(1)")) as box:
        outcome = await box.run("import os\nos.mkdir('d'); open('d/a', 'w'); open('b', 'w')\ndef f(x): return 1")
        again = await box.run("import os\nassert not os.listdir()\ndef f(x): return 1")

    assert [(file.name, file.bytes) for file in outcome.executed.files] == [("b", 0), ("d/a", 0)]
    assert again.executed.exit is Exit.OK, again.executed.fault


async def test_a_check_that_hangs_fails_alone_and_those_before_it_keep_their_verdicts(level, open_sandbox, make_recipe):
    recipe = make_recipe("assert f(1) == 1", "assert f(2) == 2", "assert f(3) == 3")
    async with open_sandbox(level, recipe, Limits(seconds=0.4)) as box:
        outcome = await box.run("def f(x):\n  while x == 2: pass\n  return x")

    assert outcome.passed == [True, False, False]
    assert "wall-clock limit" in outcome.verdicts[1].message
    assert outcome.verdicts[2].message == "was not reached"
    assert outcome.examined.exit is Exit.WALL


async def test_the_wall_clock_covers_candidate_and_checks_together(open_sandbox, make_recipe):
    async with open_sandbox("process", make_recipe("assert f(1)"), Limits(seconds=0.5)) as box:
        outcome = await box.run("import time; time.sleep(0.35)\ndef f(x): time.sleep(0.35); return 1")

    assert outcome.examined.exit is Exit.WALL


async def test_cancelling_kills_within_50_ms(level, open_sandbox, make_recipe):
    async with open_sandbox(level, make_recipe("assert f(1)")) as box:
        kills = []
        while len(kills) < 5 and not any(each < 0.05 for each in kills):  # others may be using this machine
            task = asyncio.create_task(box.run("import os\nos.fork()\nwhile True: pass"))
            await asyncio.sleep(0.2)
            busy, started = box.children(), time.perf_counter()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            kills.append(time.perf_counter() - started)
            assert len(busy) == 3, "the examiner, the candidate, and its child"
            assert not any(map(tree.alive, busy))
        assert (await box.run("def f(x): return 1")).passed == [True]

    assert min(kills) < 0.05


@pytest.mark.parametrize("moment", [0.0, 0.0005, 0.001, 0.002, 0.004])
async def test_cancelling_while_a_child_is_being_born_leaves_nothing(moment, open_sandbox, make_recipe):
    async with open_sandbox("process", make_recipe("assert f(1)")) as box:
        task = asyncio.create_task(box.run("while True: pass"))
        await asyncio.sleep(moment)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await _children_that_wait(box) == box.children(), "only those that wait for the next candidate"


async def test_cancelling_a_setup_that_hangs_leaves_nothing(level, make_recipe, open_sandbox, still_running):
    async def hang() -> None:
        async with open_sandbox(level, make_recipe("assert f(1)", setup="while True: pass")):
            pass

    before = set(tree.descendants(os.getpid()))
    task = asyncio.create_task(hang())
    await asyncio.sleep(0.3)
    assert set(tree.descendants(os.getpid())) > before
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert set(tree.descendants(os.getpid())) <= before


async def test_bubblewrap_killed_between_its_two_processes_leaves_none(make_recipe):
    world, left = World(recipe=make_recipe("assert f(1)")), []
    for _ in range(20):
        sandbox = ZygoteSandbox("bubblewrap", watched=False)
        opening = asyncio.create_task(sandbox.open(world))
        while not (sandbox._workers and sandbox._workers.now and sandbox._workers.now._process):  # noqa: ASYNC110
            await asyncio.sleep(0)
        worker = sandbox._workers.now
        while not tree.children(worker._process.pid):
            pass
        worker._process.kill()
        opening.cancel()
        await asyncio.wait({opening})
        left += tree.started_with(f"{MARK}={worker._mark}")

    assert not left


async def test_attempts_may_run_side_by_side(level, open_sandbox, make_recipe):
    async with open_sandbox(level, make_recipe("assert f(1) == f(0) + 1")) as box:
        texts = [f"import time; time.sleep(0.05)\ndef f(x): return x * {n}" for n in range(6)]
        outcomes = await asyncio.gather(*map(box.run, texts))

    assert [outcome.passed for outcome in outcomes] == [[False], [True], [False], [False], [False], [False]]


async def test_no_child_waits_while_a_candidate_of_the_run_is_alive(level, open_sandbox, make_recipe):
    async with open_sandbox(level, make_recipe("assert f(1)")) as box:
        async with box.sandbox.attempt(_code("def f(x): return x")) as attempt:
            await attempt.execute()
            assert (await box.run("def f(x): return x")).passed == [True]
            await box.sandbox._clearing.done()
            assert box.sandbox._prewarmed.child is None
            assert len(box.children()) == 2, "an examiner and its candidate"
        await box.sandbox._clearing.done()
        assert await _children_that_wait(box) == box.children()


@pytest.mark.parametrize(
    "setup", ["", "import threading\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()"]
)
async def test_a_candidate_answers_for_no_time_but_its_own(setup, level, open_sandbox, make_recipe):
    busy = f"import time\n{setup}\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
    async with open_sandbox(level, make_recipe("assert f(1)", setup=busy)) as box:
        outcome = await box.run("def f(x): return x")
        killed = await box.run("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")

    assert outcome.passed == [True]
    assert 0 < outcome.executed.cpu_seconds + outcome.examined.cpu_seconds < 0.2
    assert killed.executed.exit is Exit.DIED
    assert killed.executed.cpu_seconds < 0.2


async def test_a_candidate_may_have_threads_and_fork(level, open_sandbox, make_recipe):
    text = (
        "import os, threading\nover = threading.Event()\nthread = threading.Thread(target=over.wait)\nthread.start()\n"
        "pid = os.fork()\nif not pid: os._exit(threading.active_count() + 10 * thread.is_alive())\n"
        "code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])\nover.set()\nthread.join()\ndef f(x): return code"
    )
    async with open_sandbox(level, make_recipe("assert f(1) == 1")) as box:
        assert (await box.run(text)).passed == [True]


async def _children_that_wait(box):
    """The examiner that waits for the next candidate, and the process that it forks after its hello."""
    examiner = (await box.sandbox._prewarmed.child).pid
    async with asyncio.timeout(10):
        while not (forked := tree.descendants(examiner)):  # noqa: ASYNC110 - another process's doing
            await asyncio.sleep(0.001)
    return [examiner, *forked]


def _until(is_so):
    """Wait, and let nobody else run meanwhile."""
    while not is_so():
        time.sleep(0.0005)


async def test_a_zygote_that_was_killed_is_replaced(level, open_sandbox, make_recipe):
    async with open_sandbox(level, make_recipe("assert f(1) == 3", setup="BASE = 2"), k=5) as box:
        await box.sandbox._prewarmed.child  # which dies with it
        os.kill(box.sandbox._workers.now.pid, 9)
        _until(lambda: not box.sandbox._workers.now.alive)
        assert (await box.run("def f(x): return BASE + x + k - 5")).passed == [True]


async def test_a_zygote_that_is_stopped_is_replaced(open_sandbox, make_recipe, monkeypatch):
    monkeypatch.setattr("jupyter_loops.execution.worker._BIRTH", 0.3)
    async with open_sandbox("process", make_recipe("assert f(1) == 1")) as box:
        await box.run("def f(x): return x")
        os.kill(box.sandbox._workers.now.pid, 19)
        assert (await box.run("def f(x): return x")).passed == [True]


async def test_a_setup_with_threads_gets_a_restarted_child_and_a_note(level, open_sandbox, make_recipe, still_running):
    setup = "import threading, time\nthreading.Thread(target=time.sleep, args=(1e6,), name='pump', daemon=True).start()"
    async with open_sandbox(level, make_recipe("assert f(1) == 3", setup=f"{setup}\nITEMS = [1, 2]")) as box:
        scratch = box.sandbox._scratch.root
        outcomes = [await box.run("ITEMS.append(3)\ndef f(x): return len(ITEMS)") for _ in range(3)]
        hung = await asyncio.wait_for(box.run("import os; os._exit(4)"), 10)

    assert "restarted child" in box.readiness.notes[0]
    assert "pump" in box.readiness.notes[0]
    assert [outcome.passed for outcome in outcomes] == [[True]] * 3, "each one met a pristine world"
    assert hung.executed.fault.message == "the process ended itself with exit status 4"
    assert not still_running(scratch)


async def test_a_restarted_child_is_held_to_its_limits(level, open_sandbox, make_recipe):
    setup = (
        "import threading, time\nthreading.Thread(target=time.sleep, args=(1e6,), daemon=True).start()\n"
        "while time.process_time() < 0.6: pass"
    )
    async with open_sandbox(
        level, make_recipe("assert f(1)", setup=setup), Limits(seconds=0.4, output_bytes=1000)
    ) as box:
        assert (await box.run("while True: pass")).executed.exit is Exit.WALL
        assert (await box.run("while True: print('x' * 100)")).executed.exit is Exit.OUTPUT


async def test_pandas_in_the_setup_still_forks(open_sandbox, make_recipe):
    async with open_sandbox(
        "process", make_recipe("assert f(3) == 6", setup="import pandas as pd, numpy as np")
    ) as box:
        outcome = await box.run("def f(x): return int(pd.Series(np.arange(x + 1)).sum())")

    assert box.readiness.notes == ()
    assert outcome.passed == [True]


async def test_what_a_candidate_does_to_builtins_and_names_stays_in_its_own_process(open_sandbox, make_recipe):
    recipe = make_recipe("assert len(f(1)) == 1 and f(1) == EXPECTED", setup="EXPECTED = [1]")
    async with open_sandbox("process", recipe) as box:
        patched = await box.run("import builtins\nbuiltins.len = lambda x: 1\ndef f(x): return []")
        rebound = await box.run("EXPECTED = [7]\ndef f(x): return [7]")
        removed = await box.run("del EXPECTED\ndef f(x): return [1]")

    assert (patched.passed, rebound.passed, removed.passed) == ([False], [False], [True])


async def test_statements_between_checks_run_just_before_their_check(open_sandbox, make_recipe):
    from jupyter_loops.core.recipe import Check

    checks = (
        Check(name="r == 4", source="assert r == 4", prelude="r = f(2)", line=12),
        Check(name="r == 5", source="assert r == 5", prelude="r += 1\nr / 0", line=15),
    )
    async with open_sandbox("process", make_recipe(*checks)) as box:
        outcome = await box.run("def f(x): return x * 2")

    assert outcome.passed == [True, False]
    assert outcome.verdicts[1].fault.frames[0].text == "r / 0"
    assert outcome.verdicts[1].fault.frames[0].line == 14


async def test_relative_paths_of_the_setup_are_the_notebooks(open_sandbox, make_recipe, tmp_path, monkeypatch):
    (tmp_path / "numbers.txt").write_text("3")
    monkeypatch.chdir(tmp_path)
    async with open_sandbox(
        "process", make_recipe("assert f(1) == N", setup="N = int(open('numbers.txt').read())")
    ) as box:
        assert (await box.run("def f(x): return 3")).passed == [True]


async def test_closing_twice_leaves_no_process_and_no_file(level, open_sandbox, make_recipe, still_running):
    async with open_sandbox(level, make_recipe("assert f(1)")) as box:
        scratch = box.sandbox._scratch.root
        assert still_running(scratch)
        await box.sandbox.close()
        await box.sandbox.close()

    assert not still_running(scratch)
    assert not scratch.exists()


async def test_the_sandbox_works_on_a_thread_of_its_own(level, open_sandbox, make_recipe):
    async def one() -> list[bool]:
        async with open_sandbox(level, make_recipe("assert f(1) == 1")) as box:
            return (await box.run("def f(x): return x")).passed

    results: list[list[bool]] = []
    thread = threading.Thread(target=lambda: results.append(asyncio.run(one())))
    thread.start()
    await asyncio.to_thread(thread.join)

    assert results == [[True]]


async def test_a_kernel_that_dies_takes_the_children_with_it(level, make_recipe, still_running, tmp_path):
    script = f"""
import asyncio, os, sys
from jupyter_loops.core.candidate import Candidate, CandidateKind
from jupyter_loops.core.ports import World
from jupyter_loops.core.recipe import Recipe
from jupyter_loops.execution.sandbox import ZygoteSandbox
from jupyter_loops.execution.child_launcher import MARK
async def main():
    sandbox = ZygoteSandbox({level!r}, watched=False)
    await sandbox.open(World(recipe=Recipe(name="x", goal="", targets=())))
    print(sandbox._scratch.root, flush=True)
    async with sandbox.attempt(Candidate(kind=CandidateKind.CODE, text="while True: pass")) as attempt:
        await attempt.execute()
asyncio.run(main())
"""
    kernel = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE, cwd=Path.cwd()
    )
    scratch = (await kernel.stdout.readline()).decode().strip()
    await asyncio.sleep(0.3)
    assert len(still_running(scratch)) >= 2
    kernel.kill()
    await kernel.wait()
    for _ in range(100):
        if not still_running(scratch):
            break
        await asyncio.sleep(0.01)
    import shutil

    shutil.rmtree(Path(scratch).parent)
    assert not still_running(scratch)


async def test_a_platform_that_does_not_vouch_for_process_ids_takes_the_childs_word(
    open_sandbox, make_recipe, monkeypatch
):
    monkeypatch.delattr("socket.SO_PASSCRED")
    async with open_sandbox("process", make_recipe("assert f(1) == 1"), Limits(seconds=0.3)) as box:
        assert (await box.run("def f(x): return x")).passed == [True]
        assert (await box.run("while True: pass")).executed.exit is Exit.WALL


async def test_an_unknown_level_is_refused(make_recipe):
    with pytest.raises(PreflightError, match="there is no sandbox 'concrete'"):
        await ZygoteSandbox("concrete", watched=False).open(_world(make_recipe("assert f(1)")))


async def test_infinite_numbers_are_no_metric(open_sandbox, make_recipe):
    async with open_sandbox("process", make_recipe("assert f(1) < 3")) as box:
        outcome = await box.run("def f(x): return float('inf')")

    assert outcome.verdicts[0].metric is None
    assert math.isfinite(outcome.verdicts[0].seconds)


def _code(text):
    from jupyter_loops.core.candidate import Candidate, CandidateKind

    return Candidate(kind=CandidateKind.CODE, text=text)


def _world(recipe):
    from jupyter_loops.core.ports import World

    return World(recipe=recipe)


async def test_a_large_array_is_named_and_not_copied_until_somebody_changes_it(open_sandbox, make_recipe):
    import numpy as np

    data = np.zeros(10_000_000)  # 80 MB
    recipe = make_recipe("assert f(data) == 0", "assert f(data) == 0")
    async with open_sandbox("auto", recipe, Limits(memory_bytes=600 << 20), data=data) as box:
        honest = await box.run("def f(x): return x[7] if x is data else 'a copy'")
        cheat = await box.run("data[7] = 0\ndef f(x):\n    was = x[7]\n    x[7] = 1\n    return was")

    assert honest.passed == [True, True]
    assert cheat.passed == [True, True], "the next call gets what the examiner has"
