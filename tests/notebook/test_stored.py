"""`%loops` on stored runs: resume, fork, replay, lineage, show, verify, export, forget; `%%loop --resume`."""

import json

import pytest
from IPython.core.error import UsageError

SPIN = "```python\ndef double(n: int) -> int:\n    while True:\n        pass\n```"


@pytest.fixture
def run_of(shell):
    """The run that a name of the notebook is bound to, once it is over."""

    def get(name="twice"):
        run = shell.user_ns[name]
        run.future.exception(30)
        return run

    return get


@pytest.fixture
def interrupted(shell, cell, wrong, right, run_of):
    """A run that was interrupted in its second round, and the options that its cell had."""
    source = cell(wrong, SPIN, right, options="--background --timeout 60s")
    shell.run_cell(source).raise_error()
    run = shell.user_ns["twice"]
    while run.usage.iterations < 1 or run.state != "verify":
        pass
    from jupyter_loops import StopReason

    run.stop(StopReason.INTERRUPTED)
    run_of()
    return run, source


def loops(shell, line):
    return shell.run_line_magic("loops", line)


def test_show_prints_the_prompt_of_a_round_as_it_was_sent(shell, cell, wrong, right, capsys):
    shell.run_cell(cell(wrong, right)).raise_error()
    run = shell.user_ns["twice"]
    capsys.readouterr()
    loops(shell, "show twice --prompt 2")
    said = capsys.readouterr().out

    assert said.startswith("call 2, round 2, repair")
    assert run.cycle.model.asked[1].messages[1].content in said
    assert "failures" in said
    with pytest.raises(
        UsageError, match=f"nothing was asked in round 9 of run {run.id}: its model was asked in rounds 1, 2"
    ):
        loops(shell, "show twice --prompt 9")
    with pytest.raises(UsageError, match="no run is called twise"):
        loops(shell, "show twise --prompt 1")


def test_resume_goes_on_with_an_interrupted_run_by_its_name_or_id(shell, interrupted, run_of, right):
    run, _ = interrupted
    again = loops(shell, "resume twice --iterations 12")

    assert again.id == run.id
    while again.state == "prepare":
        pass
    again.stop()
    assert run_of() is again
    assert again.budget.iterations == 12


def test_the_cell_of_an_interrupted_run_says_so_and_resume_does_it(shell, interrupted, cell, right, capsys):
    run, source = interrupted
    body = source.partition("\n")[2]
    first = source.partition("\n")[0].replace("--background", "").replace("60s", "0.5s")
    shell.run_cell(f"{first} --resume\n{body}").raise_error()

    again = shell.user_ns["twice"]
    assert again.id == run.id
    assert again.usage.calls == 3
    assert shell.user_ns["double"](4) == 8
    assert run.history.verify() == []


def test_a_cell_with_resume_and_nothing_to_resume_begins_anew(shell, cell, right):
    shell.run_cell(cell(right, options="--resume")).raise_error()

    assert shell.user_ns["double"](4) == 8


def test_a_changed_cell_is_not_resumed(shell, interrupted, cell, right):
    run, source = interrupted
    shell.run_cell(
        cell(right, options="--resume", body=source.partition("\n")[2] + "assert double(0) == 0")
    ).raise_error()

    assert shell.user_ns["twice"].id != run.id


def test_what_is_missing_is_named_in_one_line(shell, cell, wrong, capsys):
    shell.run_cell("table = {2: 4}")
    body = "def double(n: int) -> int:\n    'Twice.'\nassert double(2) == table[2]"
    shell.run_cell(cell(wrong, options="-n 1 --no-raise", body=body)).raise_error()
    shell.run_cell("del table")
    shell.user_ns.pop("twice")
    result = shell.run_cell("%loops resume twice -n 2")

    assert "twice reads table, and the notebook does not have that yet" in str(result.error_in_exec)


def test_fork_starts_from_a_round_and_lineage_draws_the_tree(shell, cell, run_of, script):
    wrong, right = (SPIN.replace("while True:\n        pass", code) for code in ("return n", "return n * 2"))
    shell.run_cell(cell(wrong, wrong.replace("return n", "return 3"), options="-n 2 --no-raise")).raise_error()
    parent = run_of()
    model = script(right).removeprefix("--model ")
    fork = loops(shell, f'fork {parent.id} --at 1 --model {model} --hint "use two"')
    run_of()

    assert fork.id != parent.id
    assert fork.termination.verified
    assert "use two" in fork.cycle.model.asked[0].messages[-1].content
    tree = repr(loops(shell, f"lineage {fork.id}")).splitlines()
    assert tree[0].startswith(f"{parent.id} twice")
    assert tree[1].startswith(f"└─ fork at 1: {fork.id}")
    assert tree[1].endswith("<- this")
    chart = loops(shell, "chart lineage twice")
    assert [bar.base for bar in chart.data if bar.type == "bar"] == [(0, 1)]


def test_a_mistaken_fork_fails_with_one_line(shell, cell, right):
    shell.run_cell(cell(right)).raise_error()
    for line, said in [
        ("fork twice --at 1", "cannot be forked at round 1: no round is finished"),
        ("fork nobody", "no run is called nobody"),
        ("fork twice --when 1", "unknown option --when"),
        ("resume twice", "verified already"),
        ("export twice a b", "say where to"),
        ("forget twice", "say which run, and that its texts may go"),
    ]:
        result = shell.run_cell(f"%loops {line}")
        assert said in str(result.error_in_exec), line
        assert "\n" not in str(result.error_in_exec).strip()


def test_replay_compares_then_and_now(shell, cell, wrong, right):
    shell.run_cell("limit = 4")
    body = "def double(n: int) -> int:\n    'Twice.'\nassert double(2) == limit"
    shell.run_cell(cell(wrong, right, body=body)).raise_error()
    same = loops(shell, "replay twice")
    assert [row[1:] for row in same.rows] == [("0 of 1", "0 of 1", "the same"), ("1 of 1", "1 of 1", "the same")]

    shell.run_cell("limit = 2")
    changed = loops(shell, "replay twice")
    assert changed.rows[0][1:3] == ("0 of 1", "1 of 1")
    assert changed.rows[1][2:] == ("-", "not reached")


def test_show_draws_a_stored_run(shell, cell, right, capsys):
    shell.run_cell(cell(right)).raise_error()
    run = shell.user_ns["twice"].id
    from jupyter_loops import runs

    runs._runs.clear()
    loops(shell, f"show {run}")

    assert "verified" in capsys.readouterr().out


def test_verify_export_and_forget(shell, cell, wrong, right, tmp_path):
    shell.run_cell(cell(wrong, right)).raise_error()
    run = shell.user_ns["twice"]
    assert loops(shell, "verify").startswith("every run is as it was written, and none was deleted but by prune since")
    assert loops(shell, "verify twice") == f"run {run.id} is as it was written"

    bundle = tmp_path / "twice.jsonl"
    assert loops(shell, f"export twice {bundle}") == f"written to {bundle}"
    assert all(json.loads(line) for line in bundle.read_text().split("\n") if line)
    assert "texts of run" in loops(shell, "forget twice --text")
    assert loops(shell, "verify").startswith("every run is as it was written, and none was deleted but by prune since")
    assert "return n" not in json.dumps(run.history.records(run.id))

    run.history.sql("UPDATE runs SET usd = 9", write=True)
    table = loops(shell, "verify")
    assert [row[2] for row in table.rows] == ["its rows in runs differ from what its events say"]
    mended = f"computed anew from their events: the rows of {run.id}; every run is as it was written"
    assert loops(shell, "verify --mend").startswith(mended)
    assert run.history.run("twice")["usd"] != 9


def test_two_live_runs_of_one_name_are_both_found_and_both_ended(shell, cell, wrong, run_of):
    from jupyter_loops import StopReason, runs

    two = []
    for _ in range(2):
        shell.run_cell(cell(wrong, SPIN, wrong, options="--background --fresh --timeout 60s")).raise_error()
        two.append(shell.user_ns["twice"])
    older, newer = two
    assert runs.live() == two
    assert runs.find("twice") is newer
    assert runs.find(older.id) is runs.find(older.id[:-4]) is older
    assert runs.find(older.id[:8]) is None

    loops(shell, f"raise-budget {older.id[:-4]} -n 20")
    while not all(run.usage.iterations for run in two):
        pass
    assert [run.budget.iterations for run in two] == [20, 10]
    runs.end_all()
    assert [run.future.result(0).reason for run in two] == [StopReason.INTERRUPTED] * 2
    shell.run_cell(cell(wrong, options="-n 1 --fresh --no-raise")).raise_error()
    assert runs.find(older.id) is None
    assert loops(shell, f"verify {older.id}") == f"run {older.id} is as it was written"


@pytest.mark.parametrize("wrong_ones", [1, 2])
def test_what_is_left_of_a_limit_makes_no_replay_uncertain(shell, cell, wrong, right, wrong_ones):
    shell.run_cell(cell(*[wrong] * wrong_ones, right, options="-n 3"))

    assert "uncertain" not in shell.run_cell("%loops replay twice").result.note


def test_a_replay_under_other_rules_says_how_it_ends_and_what_it_saves(shell, cell, wrong):
    bad = [wrong.replace("return n", f"return {n}") for n in range(5, 11)]
    shell.run_cell(cell(*bad, options="--fresh -n 6"))
    replayed = shell.run_cell("%loops replay twice --patience 2").result

    assert replayed.rows[-1][-1] == "not reached"
    assert "then: 6 rounds of 6 rounds used" in replayed.note
    assert "now: no progress" in replayed.note or "2 rounds" in replayed.note
    assert "saved: " in replayed.note
    again = shell.run_cell("%loops replay twice -n 1").result  # of the run, not of its replay
    assert len(again.rows) == 6


def test_a_stored_run_is_a_model(shell, cell, right, wrong):
    shell.run_cell(cell(wrong, right, options="--fresh"))
    run_id = shell.user_ns["twice"].id
    shell.run_cell(f"%%loop twice --model replay:{run_id} --fresh\n" + cell(right).split("\n", 1)[1])
    again = shell.user_ns["twice"]

    assert again.id != run_id
    assert again.termination.verified
    assert again.usage.iterations == 2
    assert again.history.run(again.id)["model"] == f"replay:{run_id}"


def test_a_replay_of_no_run_names_the_nearest(shell, cell, right):
    shell.run_cell(cell(right, options="--fresh"))
    shell.user_ns["twice"].history.flush()
    error = shell.run_cell("%%loop x --model replay:twise\n'go'\ny: int\nassert y").error_in_exec
    assert "no run is called twise" in str(error)
    assert "did you mean twice?" in str(error)


def test_a_note_is_told_until_it_is_forgotten(shell, cell, right, run_of):
    assert loops(shell, 'note twice "twice is n + n"').endswith("; no loop of that name has run yet")
    shell.run_cell(cell(right)).raise_error()
    (part,) = [part for prompt in run_of().prompts for part in prompt.parts if part.name == "guidance"]
    assert part.tokens
    assert loops(shell, "note twice").dicts()[0]["text"] == "twice is n + n"

    assert loops(shell, "forget twice --notes") == "later runs of twice are not told 1 notes"
    assert not len(loops(shell, "note twice"))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("note", "say which loop, and what to tell it"),
        ("note twice-over hello", "'twice-over' is no name of a loop"),
        ("note twice " + "x" * 2001, "the note has 2,001 characters, and at most 2,000"),
        ("forget --notes", "say which loop: %loops forget NAME --notes"),
    ],
)
def test_bad_notes_are_refused_in_one_line(shell, line, message):
    with pytest.raises(UsageError, match=message):
        loops(shell, line)
