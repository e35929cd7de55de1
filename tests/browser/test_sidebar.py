"""The sidebar, status item, notification and badges in a real JupyterLab, with two notebooks and two kernels."""

from __future__ import annotations

import contextlib
import json
import re
import time
from datetime import UTC, datetime, timedelta

import nbformat
import pytest
from playwright.sync_api import expect

from jupyter_loops.core.events import Record, RunEnded, RunStarted
from jupyter_loops.history import History

pytestmark = pytest.mark.browser

LOAD = "%load_ext jupyter_loops"
BODY = '''
def double(n: int) -> int:
    """Twice the number."""

assert double(2) == 4
assert double(3) == 6
'''
WRONG = "```python\ndef double(n: int) -> int:\n    return n\n```"

RIGHT = "```python\ndef double(n: int) -> int:\n    return n * 2\n```"
SLOWLY = [f"```python\ndef double(n: int) -> int:\n    return n + {k}\n```" for k in range(10, 100)]  # never the same
OTHERS = (  # what JupyterLab and ipywidgets say by themselves where a page is reloaded
    "Error: widget model not found",
    "Could not restore the debugger state",
)
HOSTILE = '<img src=x onerror="window.struck=1"><b>bold</b>'


@pytest.fixture
def script(folder):
    """Write a script for the model, and give the option that chooses it."""

    def write(*answers, delay=0.3):
        path = folder / f"script{len(list(folder.glob('script*.json')))}.json"
        path.write_text(json.dumps({"answers": answers, "delay": delay}))
        return f"--model script:{path.name}"

    return write


@pytest.fixture
def loop(script):
    """The text of a %%loop cell."""

    def text(name, *answers, options="", delay=0.6, body=BODY):
        return f"%%loop {name} {script(*answers, delay=delay)} --fresh {options}{body}"

    return text


@pytest.fixture
def watched(notebook):
    """Open a notebook; what the page complains of fails the test."""
    complaints, books = [], []

    def open_notebook(name, *cells):
        book = notebook(name, *cells)
        books.append(book)
        if not complaints:
            book.page.on("console", lambda message: message.type == "error" and complaints.append(message.text))
            book.page.on("response", lambda answer: answer.status == 404 and complaints.append(answer.url))
        return book

    yield open_notebook
    books[0].command("jupyter-loops:stop-all")  # what a test that failed has left behind
    assert [words for words in complaints if not words.startswith(OTHERS)] == []


def beside(book, name, *cells):
    """Open another notebook in the same JupyterLab."""
    path = book.path.with_name(f"{name}.ipynb")
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(
        nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells], metadata=kernel), path
    )
    book.command("docmanager:open", path=path.name)
    wait_for_kernel(book)


def wait_for_kernel(book):
    book.page.wait_for_function(
        """() => { const kernel = window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel;
                   return kernel?.connectionStatus === 'connected' && kernel.status === 'idle'; }""",
        timeout=60_000,
    )


def run(book, number):
    """Shift+Enter in a cell of the notebook in front."""
    book.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook .jp-Cell").nth(number).locator(
        ".cm-content"
    ).click()
    book.page.keyboard.press("Shift+Enter")


def panel(book):
    """The sidebar, opened."""
    book.command("jupyter-loops:open-sidebar")
    sidebar = book.page.locator("#jupyter-loops-sidebar")
    expect(sidebar).to_be_visible()
    return sidebar


def item(sidebar, name):
    return sidebar.locator(".jloops-item").filter(has=sidebar.page.locator(".jloops-item-name", has_text=name))


def section(sidebar, title):
    return sidebar.locator(".jloops-section").filter(
        has=sidebar.page.locator(".jloops-section-title", has_text=re.compile(title, re.IGNORECASE))
    )


def test_an_empty_sidebar_teaches_and_inserts_a_first_loop(watched):
    book = watched("empty", "1")
    sidebar = panel(book)
    expect(sidebar.locator(".jloops-empty")).to_be_visible()
    book.theme("JupyterLab Light")
    book.shot("sidebar-empty-light")
    book.theme("JupyterLab Dark")
    book.shot("sidebar-empty-dark")

    sidebar.get_by_role("button", name="Insert a first loop").click()
    expect(book.page.locator(".jp-Notebook .jp-Cell")).to_have_count(3)
    expect(book.cell(1)).to_contain_text(LOAD)
    expect(book.cell(2)).to_contain_text("%%loop slug")


def test_runs_of_two_kernels_are_listed_steered_and_stopped_at_once(watched, loop):
    book = watched(
        "letters",
        LOAD,
        loop("first", *SLOWLY, options="-n 80 -b"),
        loop("slow", *SLOWLY, options="-n 80 -b"),
    )
    sidebar = panel(book)
    for number in range(3):
        run(book, number)
    expect(item(sidebar, "first")).to_contain_text("round", timeout=30_000)
    beside(book, "orders", LOAD, loop("third", *SLOWLY, options="-n 80 -b"))
    run(book, 0)
    run(book, 1)

    running = section(sidebar, "running")
    expect(running.locator(".jloops-item")).to_have_count(3, timeout=30_000)
    expect(item(sidebar, "third")).to_contain_text("orders")
    expect(item(sidebar, "slow")).to_contain_text("letters")
    expect(book.page.locator(".jloops-status")).to_contain_text("3 loops")
    expect(item(sidebar, "third")).to_contain_text(re.compile(r"round \d+ of 80"), timeout=30_000)
    book.theme("JupyterLab Light")
    book.shot("sidebar-3-running-light")
    book.theme("JupyterLab Dark")
    book.shot("sidebar-3-running-dark")

    item(sidebar, "first").click(button="right")
    book.page.get_by_role("menuitem", name="Pause Loop").click()
    expect(item(sidebar, "first")).to_contain_text("paused", timeout=5000)
    item(sidebar, "slow").get_by_role("button", name="slow").first.click()
    expect(book.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell.jp-mod-active")).to_contain_text(
        "%%loop slow"
    )

    sidebar.get_by_role("button", name="Stop all").click()
    expect(section(sidebar, "recent").locator(".jloops-item")).to_have_count(3, timeout=10_000)
    expect(book.page.locator(".jloops-status")).to_be_hidden()
    expect(section(sidebar, "recent")).to_contain_text("stopped")


def test_the_sidebar_lives_while_a_cell_blocks_the_kernel(watched, loop):
    book = watched("blocked", LOAD, loop("busy", *SLOWLY, options="-n 60 -b"), "import time; time.sleep(8)")
    sidebar = panel(book)
    for number in range(3):
        run(book, number)
    expect(item(sidebar, "busy")).to_contain_text(re.compile(r"round \d+ of 60"), timeout=30_000)
    begun = time.monotonic()
    item(sidebar, "busy").hover()
    item(sidebar, "busy").get_by_role("button", name="Stop busy").click()
    expect(section(sidebar, "recent")).to_contain_text("stopped", timeout=4000)
    assert time.monotonic() - begun < 4
    assert book.cell(2).locator(".jp-InputPrompt").inner_text() == "[*]:"


def test_a_hostile_name_is_text_and_a_run_that_waits_comes_first(watched, script):
    approval = f"%%loop naming {script(HOSTILE)} --fresh\n'''Give a title.'''\ntitle: str\nassert approve(title)"
    book = watched("waiting", LOAD, approval)
    sidebar = panel(book)
    run(book, 0)
    run(book, 1)
    waiting = section(sidebar, "waiting")
    expect(waiting.locator(".jloops-item")).to_contain_text("approve(title)", timeout=30_000)
    expect(book.page.locator(".jloops-status")).to_contain_text("1 waits for you")
    waiting.get_by_role("button", name="Look").click()
    expect(book.cell(1).locator(".jloops-approval")).to_be_in_viewport()
    book.shot("sidebar-waiting")
    book.cell(1).get_by_role("button", name="Approve", exact=True).click()
    expect(section(sidebar, "recent")).to_contain_text("verified", timeout=10_000)
    assert book.page.evaluate("window.struck") is None


def test_badges_say_how_a_cell_stands_and_notice_a_change(watched, loop):
    book = watched("badges", LOAD, loop("twice", WRONG, RIGHT, delay=1.0), "1")
    run(book, 0)
    run(book, 1)
    badge = book.cell(1).locator(".jloops-badge")
    expect(badge).to_contain_text("round", timeout=30_000)
    expect(badge).to_contain_text("verified", timeout=30_000)
    book.theme("JupyterLab Light")
    book.shot("badge-light")
    book.cell(1).locator(".cm-content").click()
    book.page.keyboard.press("Control+End")
    book.page.keyboard.type("\nassert double(5) == 10")
    expect(badge).to_contain_text("changed since verified", timeout=5000)
    badge.click()
    view = book.page.locator(".jloops-tab .jloops-run")
    expect(view).to_contain_text("verified", timeout=15_000)
    expect(view.locator(".jloops-round")).to_have_count(2)
    book.shot("run-tab-light")


def test_an_end_out_of_sight_is_notified(watched, loop):
    book = watched("away", LOAD, loop("far", WRONG, RIGHT, delay=1.5, options="-b"))
    run(book, 0)
    run(book, 1)
    beside(book, "other", "1")
    toast = book.page.locator(".jp-toastContainer")
    expect(toast).to_contain_text("far is verified", timeout=30_000)
    book.shot("notification")
    toast.locator(".Toastify__toast", has_text="far").get_by_role("button", name="Show").click()
    expect(book.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell.jp-mod-active")).to_contain_text(
        "%%loop far"
    )


def test_a_restarted_kernel_and_a_reloaded_page_are_followed(watched, loop):
    book = watched("restart", LOAD, loop("again", *SLOWLY, options="-n 90 -b"))
    sidebar = panel(book)
    run(book, 0)
    run(book, 1)
    expect(item(sidebar, "again").first).to_contain_text("round", timeout=30_000)
    book.command("docmanager:save")
    book.page.reload()
    book.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
    sidebar = panel(book)
    expect(item(sidebar, "again").first).to_contain_text(re.compile(r"round \d+ of 90"), timeout=30_000)

    wait_for_kernel(book)
    book.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    expect(item(sidebar, "again").first).to_contain_text(re.compile("kernel ended|interrupted"), timeout=30_000)
    expect(book.page.locator(".jloops-status")).to_be_hidden()
    run(book, 0)
    expect(section(sidebar, "recent")).to_contain_text("again", timeout=30_000)


def test_settings_reach_the_next_run_of_a_kernel_that_runs_already(watched, loop):
    book = watched("settings", LOAD, loop("limited", *SLOWLY), "%config LoopMagics.iterations")
    run(book, 0)
    expect(book.cell(0).locator(".jp-InputPrompt")).to_have_text("[1]:", timeout=30_000)
    book.page.evaluate("() => void window.jupyterapp.commands.execute('settingeditor:open', { query: 'Loops' })")
    expect(book.page.locator(".jp-SettingsPanel")).to_contain_text("Rounds of a run", timeout=30_000)
    book.shot("settings")
    book.page.evaluate(
        """async () => {
            const settings = window.jupyterapp.serviceManager.settings;
            await settings.save('jupyter-loops:settings', '{"iterations": 3, "dailyUsd": 5, "side": "right"}');
            return null;
        }"""
    )
    book.page.reload()
    book.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000, state="attached")
    book.command("docmanager:open", path="settings.ipynb")
    wait_for_kernel(book)
    sidebar = panel(book)
    expect(book.page.locator("#jp-right-stack #jupyter-loops-sidebar")).to_be_visible()
    run(book, 1)
    expect(item(sidebar, "limited").first).to_contain_text("iterations", timeout=30_000)
    expect(sidebar).to_contain_text("of $5")
    run(book, 2)
    expect(book.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell").nth(2)).to_contain_text("3")
    book.page.evaluate("() => void window.jupyterapp.serviceManager.settings.save('jupyter-loops:settings', '{}')")


def test_commands_are_in_the_palette_and_the_launcher_opens_a_loop_notebook(watched):
    book = watched("launcher", "1")
    ids = book.page.evaluate(
        "() => window.jupyterapp.commands.listCommands().filter(id => id.startsWith('jupyter-loops:'))"
    )
    assert len(ids) >= 14
    described = book.page.evaluate(
        """async ids => {
            const described = await Promise.all(ids.map(id => window.jupyterapp.commands.describedBy(id)));
            return ids.filter((_, at) => !described[at].args);
        }""",
        ids,
    )
    assert described == []
    book.command("apputils:activate-command-palette")
    palette = book.page.locator(".lm-CommandPalette:visible")
    palette.locator("input").fill("loop")
    expect(palette).to_contain_text("Stop All Loops")
    expect(palette).to_contain_text("Browse History of Loops")
    book.page.keyboard.press("Escape")
    book.command("launcher:create")
    card = book.page.locator(".jp-LauncherCard", has_text="Loop Notebook")
    expect(card).to_be_visible()
    book.shot("launcher")
    card.click()
    front = book.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
    expect(front).to_contain_text("%%loop slug", timeout=60_000)
    expect(front).to_contain_text(LOAD)


def test_the_toolbar_offers_templates(watched):
    book = watched("toolbar", "1")
    book.page.locator("[data-jp-item-name=loop-cell]").click()
    menu = book.page.locator(".lm-Menu")
    expect(menu).to_contain_text("With your approval")
    book.shot("templates")
    menu.get_by_text("Optimise a score").click()
    expect(book.page.locator(".jp-Notebook")).to_contain_text("minimize(")


def test_the_history_tab_lists_asks_and_draws(watched, loop):
    book = watched("history", LOAD, loop("charted", WRONG, RIGHT, delay=0.1))
    run(book, 0)
    run(book, 1)
    expect(book.cell(1)).to_contain_text("verified", timeout=60_000)
    book.command("jupyter-loops:open-history")
    tab = book.page.locator(".jloops-history")
    row = tab.locator("tbody tr", has_text="charted")
    expect(row).to_contain_text("verified", timeout=15_000)
    row.get_by_role("checkbox").check()
    expect(tab.locator(".js-plotly-plot, .main-svg").first).to_be_visible(timeout=30_000)
    area = tab.locator("textarea")
    area.fill("SELECT loop, stop_reason FROM run_s")
    area.press("Control+ ")
    expect(area).to_have_value("SELECT loop, stop_reason FROM run_summary")
    area.press("Control+Enter")
    expect(tab.locator(".jloops-sql-results tbody")).to_contain_text("charted", timeout=15_000)
    book.theme("JupyterLab Light")
    book.shot("history-light")
    book.theme("JupyterLab Dark")
    book.shot("history-dark")
    area.fill("SELEC 1")
    area.press("Control+Enter")
    expect(tab.locator(".jloops-sql-error")).to_contain_text("SELEC", timeout=15_000)


def test_a_kernel_without_jupyter_loops_is_left_alone_and_nothing_is_asked_when_idle(watched):
    book = watched("plain", "print('plain')")
    panel(book)
    run(book, 0)
    expect(book.cell(0)).to_contain_text("plain")
    book.page.wait_for_timeout(6000)  # the page has connected to all kernels of this Lab by then
    asked = []
    book.page.on("websocket", lambda _: asked.append("websocket"))
    book.page.evaluate(
        """() => { const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
                   window.sent = [];
                   kernel.anyMessage.connect((_, { msg, direction }) =>
                       direction === 'send' && window.sent.push(msg.header.msg_type)); }"""
    )
    book.page.wait_for_timeout(10_000)
    assert book.page.evaluate("window.sent") == []
    assert asked == []


def fill(folder, count):
    """Put finished runs into the history that the Lab of the test uses."""
    history = History(folder / "history.duckdb")
    with contextlib.closing(history):
        for number in range(count):
            at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number)
            run_id = f"{at:%Y%m%dT%H%M%S}-{number:08x}"
            started = RunStarted(
                loop=HOSTILE if number == count - 1 else f"stored_{number}",
                goal="",
                source="",
                fingerprint="",
                model="script",
                isolation="process",
                budget={"iterations": 10.0},
                price=None,
                options={},
                targets=["double"],
                checks=[{"name": "a", "hidden": False, "kind": "assert"}],
                journal=history.journal.token,
                notebook=f"{HOSTILE}.ipynb",
            )
            reason = ("verified", "iterations", "error")[number % 3]
            ended = RunEnded(reason=reason, message="", usage={"usd": 0.01}, iterations=3, best=None)
            history.append(Record(run_id, 1, at, started), Record(run_id, 2, at, ended))


def test_a_long_history_is_drawn_as_far_as_it_is_scrolled_and_searched(watched, folder):
    fill(folder, 500)
    book = watched("long", LOAD)
    sidebar = panel(book)
    run(book, 0)
    recent = section(sidebar, "recent")
    expect(recent.locator(".jloops-item")).to_have_count(100, timeout=30_000)
    expect(sidebar.locator(".jloops-found")).to_contain_text(re.compile(r"\d+ runs"))
    expect(recent).to_contain_text("<img src=x onerror=")
    assert sidebar.locator("img").count() == 0
    book.theme("JupyterLab Light")
    book.shot("sidebar-500-light")
    book.theme("JupyterLab Dark")
    book.shot("sidebar-500-dark")
    for _ in range(12):
        sidebar.locator(".jloops-panel-scroll").evaluate("node => node.scrollTo(0, node.scrollHeight)")
        book.page.wait_for_timeout(300)
    expect(recent.locator(".jloops-item-name", has_text=re.compile("^stored_0$"))).to_be_attached(timeout=10_000)

    sidebar.get_by_role("searchbox").fill("stored_41")
    expect(recent.locator(".jloops-item")).to_have_count(11, timeout=10_000)
    sidebar.get_by_role("searchbox").fill("")
    sidebar.locator("select").select_option("error")
    expect(recent.locator('.jloops-sign:not([data-kind="fail"])')).to_have_count(0, timeout=10_000)
    assert book.page.evaluate("window.struck") is None
