"""What a person sees: JupyterLab in Chromium, the embedded model behind its HTTP endpoint, a real sandbox."""

import json
import re
import time

import nbformat
import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.model]

LOAD = "%load_ext jupyter_loops"
FACTORIAL = '''%%loop fact --iterations 12 --seed 1 --fresh
def factorial(n: int) -> int:
    """Return the factorial of n."""

assert factorial(0) == 1
assert factorial(1) == 1
assert factorial(5) == 120'''
HOPELESS = '''%%loop hopeless --iterations 500 --temperature 1 --max-tokens 400 --time 300 --fresh
"""Write a long story about a fisherman and the sea."""
story: str
assert len(story) > 100000'''


def test_a_loop_is_seen_at_work_and_its_picture_survives_without_a_kernel(notebook):
    book = notebook("factorial", LOAD, FACTORIAL, "factorial(6)", "fact.chart.progress()")
    book.run(0)
    book.run(1)
    view = book.view(1)

    expect(view.locator(".jloops-round").first).to_be_visible(timeout=60_000)
    tokens = view.locator(".jloops-gauge", has_text="tokens")
    expect(tokens).not_to_contain_text(re.compile(r"^tokens\s*0 "), timeout=60_000)
    expect(book.cell(1)).to_contain_text("verified", timeout=120_000)
    book.run(2)
    expect(book.cell(2)).to_contain_text("720")
    book.run(3)
    expect(book.cell(3).locator(".main-svg").first).to_be_visible(timeout=30_000)
    book.theme("JupyterLab Light")
    book.shot("verified-light")
    book.theme("JupyterLab Dark")
    book.shot("verified-dark")

    book.command("docmanager:save")
    book.page.wait_for_timeout(1000)
    saved = nbformat.read(book.path, as_version=4)
    [output] = saved.cells[1].outputs
    assert "application/vnd.jupyter-loops.run.v1+json" in output.data
    assert "application/vnd.jupyter.widget-view+json" not in output.data
    assert "<script" not in output.data["text/html"]
    [chart] = saved.cells[3].outputs
    assert ">rounds</th>" in chart.data["text/html"], "a chart can be read where there is no Plotly"

    elsewhere = book.path.with_name("elsewhere.ipynb")  # on a machine that has no kernel for it
    saved.metadata = {"kernelspec": {"name": "gone", "display_name": "Gone", "language": "gone"}}
    nbformat.write(saved, elsewhere)
    later = notebook("elsewhere", path=elsewhere)
    later.page.get_by_role("dialog").get_by_role("button", name="No Kernel").click()
    assert later.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session") is None
    view = later.view(1)
    expect(view).to_be_visible(timeout=30_000)
    expect(view).to_contain_text("verified")
    expect(view.locator(".jloops-round")).not_to_have_count(0)
    expect(view.get_by_role("button", name="Stop")).to_have_count(0)
    later.shot("reloaded-without-kernel")


def test_stop_ends_a_run_within_a_second(notebook):
    book = notebook("stop", LOAD, HOPELESS)
    book.run(0)
    book.run(1)
    view = book.view(1)
    gauge = view.locator(".jloops-gauge", has_text="tokens")
    expect(view.locator(".jloops-round").nth(1)).to_be_visible(timeout=120_000)
    before = gauge.inner_text()
    expect(gauge).not_to_have_text(before, timeout=60_000)  # it moves
    book.theme("JupyterLab Light")
    book.shot("running-light")
    book.theme("JupyterLab Dark")
    book.shot("running-dark")

    begun = time.monotonic()
    view.get_by_role("button", name="Stop").click()
    expect(book.cell(1)).to_contain_text("stopped by hand", timeout=5000)
    took = time.monotonic() - begun

    assert took < 1.0, f"{took:.2f} s"
    expect(book.cell(1)).to_contain_text("NotVerified")


def test_pause_holds_the_run_and_resume_lets_it_go_on(notebook):
    book = notebook("pause", LOAD, HOPELESS)
    book.run(0)
    book.run(1)
    view = book.view(1)
    expect(view.locator(".jloops-round").first).to_be_visible(timeout=120_000)

    view.get_by_role("button", name="Pause").click()
    expect(view).to_contain_text("paused", timeout=30_000)
    rounds = view.locator(".jloops-round").count()
    book.page.wait_for_timeout(1500)
    assert view.locator(".jloops-round").count() == rounds
    view.get_by_role("button", name="Resume").click()
    expect(view.locator(".jloops-round").nth(rounds)).to_be_visible(timeout=60_000)
    view.get_by_role("button", name="Stop").click()
    expect(book.cell(1)).to_contain_text("stopped by hand", timeout=5000)


def test_a_page_reload_brings_the_live_view_back(notebook):
    book = notebook("reload", LOAD, HOPELESS)
    book.run(0)
    book.run(1)
    expect(book.view(1).locator(".jloops-round").first).to_be_visible(timeout=120_000)
    book.command("docmanager:save")
    book.page.wait_for_timeout(500)

    book.page.reload()
    book.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)

    expect(book.view(1).get_by_role("button", name="Stop")).to_be_visible(timeout=60_000)
    book.view(1).get_by_role("button", name="Stop").click()
    expect(book.view(1)).to_contain_text("stopped", timeout=10_000)


def test_a_mistake_is_one_line_and_nothing_is_lost(notebook):
    wrong = FACTORIAL.replace("--iterations", "--iteration")
    book = notebook("mistake", LOAD, "kept = 42", wrong, "kept")
    for number in range(3):
        book.run(number)

    expect(book.cell(2)).to_contain_text("--iterations", timeout=30_000)
    assert len(book.cell(2).locator(".jp-OutputArea-output").inner_text().strip().splitlines()) == 1
    book.run(3)
    expect(book.cell(3)).to_contain_text("42")


APPROVED = '''%%loop naming --model script:titles.json --fresh
"""Give the report a title."""
title: str
assert len(title) < 50
assert approve(title)'''


def test_a_person_rejects_with_a_comment_and_then_approves(notebook, folder):
    titles = ["Numbers <img src=x onerror=alert(1)>", "The year in numbers"]
    (folder / "titles.json").write_text(json.dumps(titles))
    book = notebook("approve", LOAD, "title = 'Untitled'", APPROVED, "title")
    for number in range(3):
        book.run(number)
    pane = book.view(2).locator(".jloops-approval")
    expect(pane).to_contain_text("approve(title)", timeout=60_000)
    expect(pane).to_contain_text(titles[0])  # as text
    expect(pane.locator("img")).to_have_count(0)
    expect(pane.locator(".jloops-line-removed")).to_contain_text("-Untitled")
    expect(book.view(2)).to_contain_text("waiting for approval")
    book.theme("JupyterLab Light")
    book.shot("approval-light")

    pane.get_by_label(re.compile("Comment")).fill("say what it is about, a b d")  # single letters are Lab's shortcuts
    book.page.keyboard.press("Tab")
    book.page.keyboard.press("Tab")
    expect(pane.get_by_role("button", name="Reject")).to_be_focused()
    book.page.keyboard.press("Enter")
    expect(pane).to_contain_text(titles[1], timeout=30_000)
    pane.get_by_role("button", name="Approve").focus()
    book.page.keyboard.press("Enter")

    expect(book.cell(2)).to_contain_text("verified", timeout=30_000)
    expect(book.cell(2)).to_contain_text("rejected: say what it is about, a b d")
    book.run(3)
    expect(book.cell(3)).to_contain_text("The year in numbers")
