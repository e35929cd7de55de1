"""A %%loop cell with --over, in a real kernel."""

import json
import time

import pytest

BODY = '''
"""Name the colour in `row`."""
colour: str
assert colour == row.text.split()[-1]
'''
TABLE = 'rows = [{"text": f"it is {name}"} for name in ("red", "green", "blue")]'
WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.fixture
def colours(cell):
    """The text of a map's cell whose model gives these answers in order."""

    def text(*answers, options="", **more):
        return cell(*answers, name="colours", body=BODY, options=f"--over rows --concurrency 1 {options}", **more)

    return text


def test_a_cell_maps_over_rows_and_leaves_tables_and_a_picture(kernel, colours):
    kernel.run(TABLE)
    reply = kernel.run(colours("red", "green", "blue"))

    assert reply.ok, reply.error
    assert "3 of 3 rows, 3 verified" in reply.values("text/plain")[-1]
    assert "<progress" in reply.values("text/html")[-1]
    assert WIDGET not in reply.outputs[-1]["content"].get("data", {})
    assert reply.results() == []
    assert kernel.run("print([row['colour'] for row in colours.rows])").text == "['red', 'green', 'blue']\n"
    assert kernel.run("len(colours.failed)").results() == ["0"]


def test_a_row_that_fails_fails_the_cell_with_one_line_and_keeps_the_results(kernel, colours):
    kernel.run(TABLE)
    reply = kernel.run(colours("red", "pink", "blue", options="-n 1"))

    assert "2 of 3 rows verified, 1 not" in reply.error
    assert kernel.run("print([row['row'] for row in colours.failed])").text == "[1]\n"
    assert "row 1:" in reply.values("text/plain")[-1]


def test_loops_shows_a_map_in_one_line_and_its_rows_on_demand(kernel, colours):
    kernel.run(TABLE)
    kernel.run(colours("red", "green", "blue"))

    listing = kernel.run("%loops").result
    assert listing.count("colours") == 1
    assert "3/3" in listing
    assert "colours[1]" in kernel.run("%loops list colours[").result


def test_the_cell_is_free_the_second_time_and_buys_only_what_is_new(kernel, colours):
    kernel.run(TABLE)
    first = colours("red", "green", "blue", "grey")
    kernel.run(first)
    kernel.run('rows.append({"text": "it is red now"})')
    reply = kernel.run(colours("now"))

    assert reply.ok, reply.error
    assert "3 from the history" in reply.values("text/plain")[-1]


def test_resume_goes_on_with_what_an_interrupt_left(kernel, colours):
    kernel.run('rows = [{"text": f"number {n} is red"} for n in range(4)]')
    message = kernel.start(colours(*["red"] * 4, delay=1.0))
    kernel.wait_for("display_data", message)
    time.sleep(3.5)
    kernel.manager.interrupt_kernel()
    reply = kernel.finish(message)
    assert "interrupted" in reply.error

    assert kernel.run("%loops resume colours --time 1m").ok
    assert kernel.run("colours.wait(30).reason.value").results() == ["'verified'"]
    assert kernel.run("print(len(colours.rows), colours.progress.stored > 0)").text == "4 True\n"


def test_a_pilot_without_a_person_stops_and_says_how_to_go_on(kernel, colours):
    kernel.run(TABLE)
    reply = kernel.run(colours("red", "green", "blue", options="--sample 1 --seed 1 --no-raise"))

    assert reply.ok, reply.error
    assert "--yes goes on" in reply.values("text/plain")[-1]
    assert "pilot of 1 rows" in reply.values("text/plain")[-1]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--over nothing_here", "--over got nothing_here, which is defined nowhere"),
        ("--sample 5", "--sample is for a map: name its rows with --over"),
        ("--over colours[:1]", "the loop and its rows are both called colours, and the run would take the name"),
        ("--over rows --dry-run", "--dry-run does not go with --over"),
        ("--over 7", "this is a int"),
        ("--over 'SELECT * FROM nowhere'", "nowhere"),
        ("--over '1 +'", "expected a name, an expression, or a query"),
    ],
)
def test_a_bad_line_gets_one_clear_line(shell, cell, options, words):
    shell.user_ns["rows"] = [{"text": "a"}]
    result = shell.run_cell(cell("red", name="colours", body=BODY, options=options))

    assert words in str(result.error_in_exec or result.error_before_exec), json.dumps(options)


def test_a_query_is_a_table(shell, cell):
    result = shell.run_cell(
        cell("red", name="colours", body=BODY, options="--over \"SELECT 'it is red' AS text\" --concurrency 1")
    )

    assert result.success
    assert shell.user_ns["colours"].rows.project("colour").fetchall() == [("red",)]


def test_attempts_side_by_side_bind_the_winner_and_leave_their_lanes(kernel, cell, right):
    reply = kernel.run(cell(right, right, options="--parallel 2"))

    assert reply.ok, reply.error
    assert "twice: 2 attempts" in reply.values("text/plain")[-1]
    assert "★" in reply.values("text/plain")[-1]
    assert WIDGET not in reply.outputs[-1]["content"].get("data", {})
    assert kernel.run("double(21)").results() == ["42"]
    listing = kernel.run("%loops").result
    assert listing.count("twice") == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--share", "--share is for attempts side by side"),
        ("--parallel 2 --insert", "--insert does not go with --parallel"),
        ("--over rows --parallel 2", "--parallel does not go with --over"),
        ("--cluster local", "--cluster is not available"),
        ("--batch", "--batch is not available"),
        ("--parallel 0", "more than 0"),
    ],
)
def test_what_does_not_go_together_gets_one_clear_line(shell, cell, options, words):
    shell.user_ns["rows"] = [{"text": "a"}]
    result = shell.run_cell(cell("red", name="colours", body=BODY, options=options))

    assert words in str(result.error_in_exec or result.error_before_exec)


def test_a_person_goes_on_after_the_pilot_with_a_button(kernel, cell):
    kernel.run('rows = [{"text": f"number {n} is red"} for n in range(4)]')
    line = "--over rows --concurrency 1 --sample 2"
    message = kernel.start(cell(*["red"] * 4, name="colours", body=BODY, options=line), attended=True)
    buttons: dict[str, str] = {}
    asked = False
    while not asked:
        heard = kernel.client.get_iopub_msg(timeout=30)
        data = heard["content"].get("data", {})
        state = data.get("state", {}) if isinstance(data, dict) else {}
        if heard["msg_type"] == "comm_open" and "description" in state:
            buttons[state["description"]] = heard["content"]["comm_id"]
        asked = "go on with all rows?" in str(state.get("value", ""))

    press = {"comm_id": buttons["Approve"], "data": {"method": "custom", "content": {"event": "click"}}}
    kernel.client.shell_channel.send(kernel.client.session.msg("comm_msg", press))
    reply = kernel.finish(message)

    assert reply.ok, reply.error
    assert "4 of 4 rows, 4 verified" in reply.values("text/plain")[-1]


def test_words_about_rounds_say_what_a_map_is_and_take_one_of_its_rows(kernel, colours):
    kernel.run(TABLE)
    assert kernel.run(colours("red", "green", "blue")).ok

    group = "colours is a map, without rounds of its own"
    wanted = {
        "%loops chart progress colours": f"{group}: %loops chart progress colours[0]",
        "%loops show colours --prompt 1": f"{group}: %loops show colours[0] --prompt 1",
        "%loops replay colours": f"{group}: %loops resume colours",
        "%loops replay colours[1]": "colours[1] is a row of the map colours, without a cell of its own",
        "%loops chart progress colors": "no run is called colors",
    }
    assert {line: words for line, words in wanted.items() if words not in kernel.run(line).text} == {}
    assert "nested" in kernel.run("%loops chart lineage colours").values("text/plain")[-1]
    assert "Progress · colours[2]" in kernel.run("%loops chart progress colours[2]").values("text/plain")[-1]
    assert "it is green" in kernel.run("%loops show colours[1] --prompt 1").text
    compared = kernel.run("%loops chart compare").values("text/plain")[-1]
    assert [line.split()[-5:-3] for line in compared.splitlines() if "colours" in line] == [["3", "1"]]


def test_a_row_of_a_cascade_is_counted_once(kernel, colours, script):
    kernel.run(TABLE)
    models = ",".join(script(*answers).split()[-1] for answers in (["pink", "green", "pink"], ["red", "blue"]))
    reply = kernel.run(colours(options=f"--models {models} --iterations 1"))

    assert reply.ok, reply.error
    (line,) = [line for line in kernel.run("%loops").result.splitlines() if line.startswith("colours")]
    assert line.split()[:4] == ["colours", "verified", "5", "3/3"]


def test_attempts_are_replayed_one_by_one(kernel, cell, right):
    assert kernel.run(cell(right, options="--parallel 2")).ok

    assert "twice is several attempts" in kernel.run("%loops replay twice").text
    (first,) = kernel.run("next(n for n, run in enumerate(twice.runs, 1) if run.accepted)").results()
    assert "the same" in kernel.run(f"%loops replay twice[{first}]").result


def test_a_map_takes_hints_and_says_that_it_has_no_rounds(kernel, cell):
    kernel.run(TABLE)
    options = "--over rows --concurrency 1 --background --no-raise"
    assert kernel.run(cell("red", "green", "blue", name="colours", body=BODY, options=options, delay=1.0)).ok

    assert "colours tells its model" in kernel.run('%loops hint colours "one word"').result
    assert "colours has no rounds of its own" in kernel.run("%loops step colours").text
    assert "colours has no rounds of its own" in kernel.run("%loops set colours --temperature 1").text
    assert kernel.run("colours.wait(30).verified").results() == ["True"]
