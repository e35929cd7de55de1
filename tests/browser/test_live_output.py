"""Outputs of a living run: every one is live, has the controls, and shows the same end."""

import json
import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

LOAD = "%load_ext jupyter_loops"
WRONG = "```python\ndef double(n: int) -> int:\n    return n\n```"
RIGHT = "```python\ndef double(n: int) -> int:\n    return n * 2\n```"


def loop(folder, name, *answers, delay=0.0, options=""):
    (folder / f"{name}.json").write_text(json.dumps({"answers": answers, "delay": delay}))
    body = 'def double(n: int) -> int:\n    """Twice n."""\n\nassert double(2) == 4'
    return f"%%loop {name} --model script:{name}.json --fresh {options}\n{body}"


def test_every_view_of_a_living_run_has_its_controls_and_its_end(notebook, folder):
    cell = loop(folder, "shown", RIGHT, delay=300, options="-b --time 1h --call-timeout 900")
    book = notebook("shown", LOAD, cell, "shown.show()", "%loops show shown")
    for number in range(4):
        book.run(number)
    for number in (1, 2, 3):
        expect(book.view(number).get_by_role("button", name="Stop", exact=True)).to_be_visible(timeout=60_000)
    expect(book.view(1).locator(".jloops-state")).to_have_text(re.compile("planning"), timeout=60_000)
    book.cell(1).locator(".jp-OutputArea-output").click(button="right")
    book.page.get_by_role("menuitem", name="Create New View for Cell Output").click()
    clone = book.page.locator(".jp-LinkedOutputView .jloops-run")
    stop = clone.get_by_role("button", name="Stop", exact=True)
    expect(stop).to_be_visible(timeout=30_000)

    stop.click()
    expect(clone.locator(".jloops-state")).to_have_text("stopped", timeout=5000)
    for number in (1, 2, 3):
        expect(book.view(number).locator(".jloops-state")).to_have_text("stopped", timeout=10_000)
        expect(book.view(number).get_by_role("button", name="Stop", exact=True)).to_be_hidden()


def test_what_a_button_did_is_told_within_a_second_and_what_it_waits_for(notebook, folder):
    book = notebook("told", LOAD, loop(folder, "told", WRONG, RIGHT, delay=4))
    book.run(0)
    book.run(1)
    view = book.view(1)
    expect(view.locator(".jloops-state")).to_have_text(re.compile("planning · round 1"), timeout=60_000)
    below = view.locator(".jloops-line-below")
    height = view.bounding_box()["height"]

    view.get_by_role("button", name="Pause").click()
    expect(below).to_contain_text("pauses when the model has answered", timeout=1000)
    expect(view.locator(".jloops-state")).to_have_text(re.compile("^paused"), timeout=20_000)
    expect(below).to_contain_text(re.compile("^paused"))
    view.get_by_role("button", name="Hint…").click()
    view.get_by_label("Hint for the next round").fill("multiply")
    book.page.keyboard.press("Enter")
    expect(below).to_contain_text("the model gets the hint with its next prompt", timeout=1000)
    view.get_by_role("button", name="Resume").click()
    expect(view.locator(".jloops-state")).to_have_text("verified", timeout=30_000)

    assert view.bounding_box()["height"] == height, "nothing below it has moved"
    view.get_by_role("tab", name=re.compile("^Decisions")).click()
    view.locator(".jloops-round").first.click()
    expect(view.get_by_role("tabpanel")).to_contain_text("a person gave a hint: multiply")


def test_a_run_goes_on_by_a_click_after_its_kernel_was_restarted(notebook, folder):
    book = notebook("again", LOAD, loop(folder, "again", WRONG, RIGHT, delay=6))
    book.run(0)
    book.run(1)
    expect(book.view(1).locator(".jloops-state")).to_have_text(re.compile("round 2"), timeout=60_000)
    book.page.evaluate("() => { window.jupyterapp.shell.currentWidget.sessionContext.restartKernel(); }")
    expect(book.view(1)).to_contain_text("The kernel is gone, last state at", timeout=30_000)
    book.page.wait_for_timeout(2000)
    book.run(0)
    expect(book.view(1).locator(".jloops-round")).to_have_count(2)

    book.view(1).get_by_role("button", name="Resume").click()
    expect(book.cell(2)).to_contain_text("%loops resume", timeout=10_000)
    expect(book.view(2).locator(".jloops-state")).to_have_text("verified", timeout=60_000)


def test_a_candidate_becomes_a_cell_and_a_fork_is_written_down(notebook, folder):
    book = notebook("insert", LOAD, loop(folder, "insert", WRONG, RIGHT))
    book.run(0)
    book.run(1)
    view = book.view(1)
    expect(view.locator(".jloops-state")).to_have_text("verified", timeout=60_000)
    keyword = view.locator(".jloops-source span", has_text=re.compile("^def$"))
    expect(keyword.first).to_be_visible()  # JupyterLab's colours
    view.get_by_role("button", name="Insert as cell").click()
    expect(book.cell(2).locator(".cm-content")).to_contain_text("return n * 2")
    view.locator(".jloops-round").first.click()
    view.get_by_role("button", name="Fork from here…").click()
    expect(book.cell(2).locator(".cm-content")).to_contain_text(re.compile(r"%loops fork \S+ --at 1"))
    view.get_by_role("tab", name="Diff").click()
    expect(view.locator(".jloops-line-removed")).to_contain_text("return n * 2")
    view.get_by_role("button", name="Side by side").click()
    expect(view.locator(".jloops-side")).not_to_have_count(0)
