"""Text of models, candidates and checks is hostile: it is shown, and it never acts."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest

from jupyter_loops.core.candidate import Fault
from jupyter_loops.core.events import NoteAdded, ToolCallFinished, ToolCallStarted
from jupyter_loops.view.charts import Charts
from jupyter_loops.view.html import html
from jupyter_loops.view.page import page
from jupyter_loops.view.run_text import headline, text
from jupyter_loops.view.saved_output import bundle
from jupyter_loops.view.snapshot import Snapshot

ALLOWED = {
    "div",
    "p",
    "strong",
    "br",
    "table",
    "tr",
    "td",
    "th",
    "progress",
    "span",
    "ul",
    "li",
    "code",
    "pre",
    "details",
    "summary",
}
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b\ud800-\udfff]")


def hostile_run(story, evil):
    """A run in which every text that anybody can choose is `evil`."""
    told = story(name=evil, checks=[{"name": evil, "hidden": False, "kind": "assert"}])
    told.plan(1, evil)
    told.tell(ToolCallStarted(iteration=1, number=1, tool=evil, arguments=evil))
    told.tell(ToolCallFinished(iteration=1, number=1, tool=evil, result=evil, error=evil, seconds=0.1))
    told.act(1, 0, stdout=evil, fault=Fault(type=evil, message=evil), message=evil)
    told.move(1, "verify", "wait", evil)
    told.decide(1, 0, evil, best=True)
    told.tell(NoteAdded(iteration=1, message=evil))
    told.plan(2)
    told.end(evil, evil, best=1, iterations=1)
    snapshot = told.snapshot
    snapshot.stream(evil)
    return snapshot


@pytest.fixture(params=range(9))
def evil(request, hostile):
    return hostile[request.param]


def test_no_text_becomes_an_element_of_the_static_page(story, evil):
    found = Elements()
    found.feed(html(hostile_run(story, evil).to_json()))

    assert found.tags <= ALLOWED
    assert found.attributes <= {"class", "style", "title", "value", "max", "open"}


def test_nothing_reaches_a_terminal_that_moves_its_cursor_or_turns_its_text(story, evil):
    snapshot = hostile_run(story, evil)

    for told in (
        text(snapshot.to_json()),
        headline(snapshot.to_json()),
        json.dumps(bundle(snapshot), ensure_ascii=False),
    ):
        assert not UNSEEN.search(told)
        told.encode()


def test_a_megabyte_of_text_is_clipped_and_says_so(story, hostile):
    picture = hostile_run(story, hostile[-1]).to_json()

    assert len(json.dumps(picture)) < 40_000
    assert picture["rounds"][0]["candidate"]["text"].endswith("… clipped, 1,000,000 characters in all")


def test_chart_labels_hold_no_markup(evil):
    rows = [
        {
            "iteration": 1,
            "usd": 0.1,
            "tokens": 5,
            "seconds": 1.0,
            "progress": 0.5,
            "score": None,
            "best": True,
            "passed": 1,
            "total": 2,
            "why": evil,
            "phases": [[evil, 1.0]],
        }
    ]
    calls = [{"iteration": 1, "seconds": 1.0, "first_token_seconds": 0.2, "model": evil}]
    charts = Charts(lambda table: rows if table == "iterations" else calls)

    for figure in charts.all().values():
        labels = [
            str(label)
            for trace in figure.data
            for label in [*(trace.customdata if trace.customdata is not None else ()), trace.name]
        ]
        templates = [
            trace.hovertemplate.replace("<br>", "").replace("<extra></extra>", "")
            for trace in figure.data
            if trace.hovertemplate
        ]
        assert not any("<" in label or UNSEEN.search(label) for label in labels + templates)


@pytest.mark.browser
def test_no_text_acts_in_the_live_view(shown, story, evil):
    opened = shown.open(hostile_run(story, evil))
    for tab in ("Candidate", "Diff", "Output", "Prompt", "Answer", "Calls", "Decisions"):
        for row in range(2):
            opened.locator(".jloops-round").nth(row).click()
            opened.get_by_role("tab", name=tab).click()

    assert opened.evaluate("window.hacked") is None
    assert opened.locator(".jloops-run :is(img, a, script, iframe, details:not(.jloops-folded))").count() == 0
    assert opened.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.browser
def test_no_text_acts_in_the_page_of_a_run(browser, script, story, evil):
    opened = browser.new_page()
    opened.set_content(page((hostile_run(story, evil), {})))
    opened.wait_for_selector(".jloops-run")

    assert opened.evaluate("window.hacked") is None
    opened.close()


@pytest.mark.browser
def test_a_forged_picture_cannot_act_either(shown, slug, hostile):
    """A notebook from somewhere may hold any JSON; nothing in it went through the fold."""
    forged = slug.snapshot.to_json()
    evil = hostile[0]
    forged |= {"name": evil, "headline": evil, "state": evil, "notes": [evil], "stream": evil}
    forged["rounds"] = [
        {**row, "mark": evil, "phases": [[evil, 1], [1, evil]], "why": evil} for row in forged["rounds"]
    ]
    opened = shown.open(slug.snapshot)
    opened.evaluate("picture => window.view.saved(document.body, picture)", forged)

    assert opened.evaluate("window.hacked") is None
    assert opened.locator("img").count() == 0


def test_unknown_and_broken_events_are_survived():
    snapshot = Snapshot.of([{"kind": "from_the_future", "x": 1}, {"kind": "state_changed", "at": "yesterday"}, {}])

    assert snapshot.to_json()["rounds"] == []


class Elements(HTMLParser):
    """Which elements and attributes a page really has."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes = set(), set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
