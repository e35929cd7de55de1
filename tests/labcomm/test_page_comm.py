"""What a page of JupyterLab hears from a kernel, and what it may ask of it."""

import time

import pytest


def ended(row):
    return row["end"] is not None


def start(kernel, code, cell_id="cell-7"):
    """Run a cell as JupyterLab does, which names it."""
    session = kernel.client.session
    content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
    message = session.msg("execute_request", content, metadata={"cellId": cell_id})
    kernel.client.shell_channel.send(message)
    return message["header"]["msg_id"]


def test_a_page_that_is_open_hears_when_the_extension_is_loaded(kernel):
    kernel.run("%unload_ext jupyter_loops")
    kernel.start("%load_ext jupyter_loops")
    while True:
        heard = kernel.client.get_iopub_msg(timeout=10)
        if heard["msg_type"] == "comm_msg":
            break
    assert heard["content"] == {"comm_id": "jupyter-loops", "data": {"kind": "here", "version": 1}}


def test_a_page_that_comes_later_finds_the_kernel_by_asking_for_its_comms(kernel):
    client = kernel.client
    client.control_channel.send(client.session.msg("comm_info_request", {"target_name": "jupyter-loops"}))
    assert client.get_control_msg(timeout=10)["content"]["comms"] == {"jupyter-loops": {"target_name": "jupyter-loops"}}
    kernel.run("%unload_ext jupyter_loops")
    client.control_channel.send(client.session.msg("comm_info_request", {"target_name": "jupyter-loops"}))
    assert client.get_control_msg(timeout=10)["content"]["comms"] == {}


def test_a_run_is_pushed_from_its_start_to_its_end_with_its_place(kernel, page, cell, wrong, right):
    assert page.open()["rows"] == []
    start(kernel, cell(wrong, right, delay=0.3))
    first = page.row(lambda row: row["live"])
    last = page.row(ended)

    assert (first["name"], first["notebook"], first["cell"]) == ("twice", "letters.ipynb", "cell-7")
    assert first["rounds"] == 10
    assert (last["end"], last["passed"], last["total"], last["round"]) == ("verified", 2, 2, 2)
    assert len(last["spark"]) == 2
    assert last["accepted"]
    assert page.ask("code", last["run"])["result"].startswith("def double")


def test_a_page_that_opens_in_the_middle_gets_the_runs_that_go_on(kernel, page, cell, right):
    kernel.run(cell(right, delay=60, options="--background"))
    (row,) = page.open()["rows"]
    assert row["name"] == "twice"
    assert page.ask("stop", row["run"])["ok"]
    assert page.row(ended)["end"] == "stopped"


def test_rows_and_requests_pass_while_a_cell_blocks_the_kernel(kernel, page, cell, wrong):
    page.open()
    start(kernel, cell(*[wrong] * 50, delay=0.1, options="-n 50 --background --time 60"))
    row = page.row(lambda one: one["round"] >= 1)
    kernel.start("import time; time.sleep(6)")
    time.sleep(0.5)
    begun = time.monotonic()

    later = page.row(lambda one: one["round"] > row["round"])
    assert page.ask("pause", row["run"])["ok"]
    page.row(lambda one: one["paused"])
    assert page.ask("stop_all")["result"] == 1
    assert page.row(ended)["end"] == "stopped"

    assert time.monotonic() - begun < 4.5, "not before the cell was over"
    assert later["usd"] == 0


def test_without_a_change_nothing_is_sent(kernel, page, cell, right):
    page.open()
    start(kernel, cell(right))
    page.row(ended)
    page.listen(1.0)
    page.heard.clear()
    page.listen(3.0)
    assert page.heard == []


def test_the_history_is_paged_and_searched(kernel, page, cell, wrong, right):
    for name in ("first", "second", "third"):
        kernel.run(cell(wrong, right, name=name, options="--fresh"))
    kernel.run(cell(wrong, name="fourth", options="-n 1 --no-raise --fresh"))
    page.open()

    answer = page.ask("recent", value={"limit": 2})["result"]
    assert [row["name"] for row in answer["rows"]] == ["fourth", "third"]
    assert answer["count"] == 4
    assert answer["today"] == {"settled": 0.0, "reserved": 0.0}
    older = page.ask("recent", value={"limit": 2, "offset": 2})["result"]["rows"]
    assert [row["name"] for row in older] == ["second", "first"]
    assert (len(older[0]["spark"]), older[0]["spark"][-1]) == (2, 1.0)
    assert (older[0]["passed"], older[0]["total"], older[0]["notebook"]) == (2, 2, "letters.ipynb")
    assert [row["name"] for row in page.ask("recent", value={"words": "SECO"})["result"]["rows"]] == ["second"]
    assert [row["name"] for row in page.ask("recent", value={"end": "iterations"})["result"]["rows"]] == ["fourth"]
    run = older[0]["run"]
    assert "def double" in page.ask("code", run)["result"]
    assert page.ask("chart", run, {"kind": "progress"})["result"]["data"]


def test_a_run_that_is_watched_comes_as_a_picture_that_moves(kernel, page, cell, wrong, right):
    page.open()
    start(kernel, cell(*[wrong] * 3, right, delay=0.4, options="--background"))
    run = page.row(lambda row: row["live"])["run"]
    assert page.ask("watch", run)["ok"]
    first = page.until(lambda message: message.get("kind") == "picture")["picture"]
    last = page.until(lambda message: (message.get("picture") or {}).get("termination") is not None)["picture"]

    assert first["name"] == "twice"
    assert last["termination"]["reason"] == "verified"
    assert [round_["n"] for round_ in last["rounds"]] == [1, 2, 3, 4]


def test_a_stored_run_is_watched_too_and_a_fork_goes_on_from_it(kernel, page, cell, wrong, right):
    kernel.run(cell(wrong, right, options="-n 1 --no-raise"))
    page.open()
    (row,) = page.ask("recent")["result"]["rows"]
    page.ask("watch", row["run"])
    assert page.until(lambda one: one.get("kind") == "picture")["picture"]["termination"]["reason"] == "iterations"

    fork = page.ask("fork", row["run"])["result"]
    last = page.row(lambda one: one["run"] == fork and ended(one))
    assert (last["relation"], last["parent"]) == ("fork", row["run"])


def test_sql_is_answered_as_a_table_and_completed(kernel, page, cell, right):
    kernel.run(cell(right))
    page.open()
    table = page.ask("sql", value={"sql": "SELECT loop, iterations FROM runs"})["result"]
    assert (table["columns"], table["rows"]) == (["loop", "iterations"], [["twice", "1"]])
    assert "SELEC" in page.ask("sql", value={"sql": "SELEC 1"})["error"]
    assert "error" in page.ask("sql", value={"sql": "DROP TABLE runs"})
    assert "run_summary" in page.ask("complete", value={"sql": "SELECT * FROM run_s"})["result"]


def test_settings_reach_new_runs_and_yield_to_config(kernel, page):
    page.open()
    answer = page.ask("settings", value={"usd": 0.25, "iterations": 3})["result"]
    assert answer["usd"] == {"value": 0.25, "source": "lab", "error": ""}
    assert kernel.run("%config LoopMagics.usd").results() == ["0.25"]
    kernel.run("%config LoopMagics.usd = 2.0")
    assert page.ask("settings", value={"usd": 0.5})["result"]["usd"] == {"value": 2.0, "source": "config", "error": ""}
    back = page.ask("settings", value={})["result"]["iterations"]
    assert back == {"value": 10, "source": "default", "error": ""}
    assert page.ask("settings", value={"iterations": "many"})["result"]["iterations"]["error"]


@pytest.mark.parametrize(
    "wrong_request",
    [
        ("stop", "nobody", None, "not of this kernel"),
        ("code", "nobody", None, "no candidate"),
        ("watch", "nobody", None, "there is no run"),
        ("fork", "nobody", None, "nobody"),
        ("sql", "", None, ""),
        ("recent", "", {"limit": "x"}, "invalid literal"),
        ("settings", "", 3, "object"),
    ],
)
def test_a_wrong_request_gets_one_line(page, wrong_request):
    word, run, value, expected = wrong_request
    page.open()
    answer = page.ask(word, run, value)
    assert expected in answer["error"]
    assert "\n" not in answer["error"]


def test_the_id_of_a_cell_is_clipped(kernel, page, cell, right):
    page.open()
    start(kernel, cell(right), cell_id="</script><img src=x onerror=alert(1)>" * 10)
    assert len(page.row(ended)["cell"]) == 64


def test_a_map_is_one_row_with_its_parts_and_its_rows_have_none(kernel, page, script):
    kernel.run('rows = [{"text": f"it is {name}"} for name in ("red", "green", "blue")]')
    page.open()
    body = '"""Name the colour in `row`."""\ncolour: str\nassert colour == row.text.split()[-1]\n'
    answers = script("red", "green", "blue", delay=0.3)
    start(kernel, f"%%loop colours {answers} --over rows --concurrency 1\n{body}")
    last = page.row(ended)
    names = {row["name"] for message in page.heard for row in message.get("rows", ())}

    assert (last["name"], last["end"], last["cell"]) == ("colours", "verified", "cell-7")
    assert last["parts"] == {"total": 3, "done": 3, "verified": 3}
    assert names <= {"colours"}
