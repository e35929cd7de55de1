"""The saved picture: HTML without scripts, text, and the page of a run."""

from __future__ import annotations

import re

import pytest

from jupyter_loops.view.amounts import brief, clock, count, usd
from jupyter_loops.view.charts import Charts
from jupyter_loops.view.page import page
from jupyter_loops.view.saved_output import MIME, bundle


@pytest.fixture
def ended(slug):
    slug.act(5, 5)
    slug.decide(5, 5, "every check passed", best=True)
    slug.end()
    return slug


def test_a_bundle_has_json_html_and_text_and_no_widget(ended):
    assert set(bundle(ended.snapshot)) == {MIME, "text/html", "text/plain"}


def test_html_reads_well_with_all_styles_and_tags_taken_away(ended):
    words = re.sub(r"<[^>]+>", " ", bundle(ended.snapshot)["text/html"])

    for expected in (
        "slug",
        "✓ verified",
        "5 of 5 checks passed in round 5",
        "$0.031 of $0.050",
        "Best candidate, round 5",
        "now 131,000, goal 100,000",
    ):
        assert expected in words


def test_text_has_a_line_for_every_round(ended):
    lines = bundle(ended.snapshot)["text/plain"].splitlines()

    assert lines[0].startswith("slug: verified · 5 of 12 rounds")
    assert lines[-1].split()[:3] == ["5", "✓", "5/5"]


def test_the_page_of_a_run_fetches_nothing(ended):
    rows = [{"iteration": 1, "usd": 0.1, "tokens": 5, "phases": [["plan", 1.0]]}]
    charts = Charts(lambda table: rows if table == "iterations" else [])
    text = page((ended.snapshot, {"cost": charts.cost(), "timeline": charts.timeline()}))

    assert not re.search(r'<(?:script|link|img|iframe)[^>]+(?:src|href)="(?!data:)', text)
    assert text.count("plotly.js v") == 1


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_draws_the_run_and_its_charts(browser, script, ended, tmp_path, scheme):
    rows = [
        {
            "iteration": n,
            "usd": 0.005,
            "tokens": 1200,
            "seconds": 1.5,
            "progress": n / 5,
            "score": None,
            "best": True,
            "passed": n,
            "total": 5,
            "why": "almost",
            "phases": [["plan", 1.0], ["wait", 0.5], ["execute", 0.2], ["verify", 0.1]],
        }
        for n in range(1, 6)
    ]
    calls = [{"iteration": n, "seconds": 1.0 + n / 10, "first_token_seconds": 0.3, "model": "m"} for n in range(1, 6)]
    charts = Charts(lambda table: rows if table == "iterations" else calls)
    opened = browser.new_page(color_scheme=scheme, viewport={"width": 1040, "height": 2000})
    opened.set_content(page((ended.snapshot, charts.all())))
    opened.wait_for_selector(".jloops-run")
    opened.wait_for_selector(".plotly .bars")
    opened.screenshot(path=tmp_path / "page.png", full_page=True)

    assert opened.locator(".js-plotly-plot").count() == 5
    assert opened.locator(".jloops-state").inner_text() == "verified"
    opened.close()


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (usd(0), "$0.00"),
        (usd(1.5), "$1.50"),
        (usd(0.031, coarse=0.05), "$0.031"),
        (usd(0.005), "$0.005"),
        (usd(0.00012), "$0.00012"),
        (usd(0.0000004), "$4e-07"),
        (count(950), "950"),
        (count(8100), "8.1k"),
        (count(20_000), "20k"),
        (count(1_200_000), "1.2M"),
        (clock(21), "0:21"),
        (clock(3723), "1:02:03"),
        (brief(0.04), "40 ms"),
        (brief(2.1), "2.1 s"),
    ],
)
def test_amounts_are_short_and_exact_enough(written, expected):
    assert written == expected
