"""The run view in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

DARK = {"color_scheme": "dark"}
NARROW = {"viewport": {"width": 420, "height": 1000}}


@pytest.mark.parametrize(
    "shown", [{}, DARK, NARROW, {**DARK, **NARROW}], indirect=True, ids=["light", "dark", "narrow", "narrow-dark"]
)
def test_a_going_run_fits_its_page(shown, slug, tmp_path):
    page = shown.open(slug.snapshot)
    page.screenshot(path=tmp_path / "run.png")

    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator(".jloops-state").inner_text() == "verifying · round 5 of 12"
    assert page.locator(".jloops-round").count() == 5
    assert page.locator(".jloops-round[aria-current]").inner_text().startswith("5")


def test_gauges_show_spent_reserved_and_where_the_run_is_heading(shown, slug):
    snapshot = slug.snapshot
    snapshot.spend({"usd": 0.02, "tokens": 5000}, {"usd": 0.01, "tokens": 1000})
    page = shown.open(snapshot)
    cost = page.get_by_role("meter", name="cost")

    assert cost.get_attribute("aria-valuetext") == "$0.020 of $0.050"
    assert [cost.locator(f".jloops-{part}").evaluate("it => it.style.width") for part in ("spent", "reserved")] == [
        "40%",
        "60%",
    ]
    assert "$0.060 if every allowed round is used" in cost.get_attribute("title")

    snapshot.spend({"usd": 0.03}, {"usd": 0.0})
    shown.update(snapshot)
    expect(cost).to_have_attribute("aria-valuetext", "$0.030 of $0.050")


def test_time_goes_on_between_updates(shown, slug):
    page = shown.open(slug.snapshot)
    time = page.locator(".jloops-gauge", has_text="time").locator(".jloops-value")
    before = time.inner_text()

    page.wait_for_function(
        "before => document.querySelectorAll('.jloops-value')[2].textContent !== before", arg=before, timeout=3000
    )


def test_buttons_ask_the_kernel_and_answer_at_once(shown, slug):
    page = shown.open(slug.snapshot)
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Step").click()
    page.get_by_role("button", name="Stop").click()

    assert [message["do"] for message in shown.sent()] == ["pause", "step", "stop"]
    assert len({message["id"] for message in shown.sent()}) == 3
    assert page.get_by_role("button", name="stopping…").is_disabled()
    expect(page.get_by_role("button", name="pausing…")).to_be_disabled()


def test_pause_is_confirmed_by_the_state_of_the_run(shown, slug):
    page = shown.open(slug.snapshot)
    page.get_by_role("button", name="Pause").click()
    slug.move(5, "verify", "wait", "paused")
    shown.update(slug.snapshot)

    expect(page.get_by_role("button", name="Resume")).to_have_attribute("aria-pressed", "true")
    assert page.locator(".jloops-state").inner_text() == "paused · round 5 of 12"


def test_hint_and_budget_are_sent_from_their_forms(shown, slug):
    page = shown.open(slug.snapshot)
    page.get_by_role("button", name="Hint…").click()
    page.keyboard.type("use unicodedata")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Budget…").click()
    page.get_by_label("US dollars").fill("0.1")
    page.get_by_role("button", name="Set limits").click()

    assert [(message["do"], message["value"]) for message in shown.sent()] == [
        ("hint", "use unicodedata"),
        ("raise_budget", {"usd": 0.1}),
    ]
    assert page.get_by_label("US dollars").is_hidden()


def test_an_error_of_the_kernel_is_shown_and_the_button_comes_back(shown, slug):
    page = shown.open(slug.snapshot)
    page.get_by_role("button", name="Stop").click()
    page.evaluate("window.model.say('msg:custom', {id: window.sent.at(-1).id, error: 'the run is over'})")

    assert page.get_by_role("alert").inner_text() == "stop: the run is over"
    assert page.get_by_role("button", name="Stop").is_enabled()


def test_a_silent_kernel_is_named_after_five_seconds(shown, slug):
    page = shown.open(slug.snapshot)
    page.clock.install()
    page.get_by_role("button", name="Stop").click()
    page.clock.fast_forward(5100)

    assert "Interrupting it" in page.get_by_role("alert").inner_text()


def test_without_live_clicks_the_view_says_how_to_stop(shown, slug):
    page = shown.open(slug.snapshot, clicks="late")

    assert "interrupt the kernel" in page.get_by_role("alert").inner_text()


def test_an_update_keeps_focus_tab_and_chosen_round(shown, slug):
    page = shown.open(slug.snapshot)
    page.locator(".jloops-round").nth(1).click()
    page.get_by_role("tab", name="Output").click()
    slug.act(5, 5)
    slug.decide(5, 5, "every check passed", best=True)
    shown.update(slug.snapshot)
    page.wait_for_selector("text=every check passed")

    assert page.evaluate("document.activeElement.textContent") == "Output"
    assert page.locator(".jloops-where").inner_text() == "round 2"
    page.get_by_role("button", name="Latest").click()
    assert page.locator(".jloops-where").inner_text() == "round 5"


def test_rounds_and_tabs_work_by_keyboard(shown, slug):
    page = shown.open(slug.snapshot)
    page.locator(".jloops-round[tabindex='0']").focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    assert page.locator(".jloops-where").inner_text() == "round 3"

    page.get_by_role("tab", name="Candidate").focus()
    page.keyboard.press("ArrowRight")
    assert page.get_by_role("tab", selected=True).inner_text() == "Diff"
    assert "round 2" in page.get_by_role("tabpanel").inner_text()


@pytest.mark.parametrize(
    ("tab", "text"),
    [
        ("Candidate", "def slugify"),
        ("Diff", "+     words = re.findall"),
        ("Output", "tried 3 words"),
        ("Prompt", "You write Python."),
        ("Calls", "gpt-5-mini-2026"),
        ("Decisions", "a hidden check failed"),
    ],
)
def test_the_detail_answers_in_its_tabs(shown, slug, tab, text):
    page = shown.open(slug.snapshot)
    page.locator(".jloops-round").nth(3).click()
    page.get_by_role("tab", name=tab).click()

    assert text in page.get_by_role("tabpanel").inner_text()


def test_an_answer_is_shown_while_it_arrives(shown, story):
    told = story()
    told.move(1, "prepare", "plan")
    snapshot = told.snapshot
    page = shown.open(snapshot)
    snapshot.stream("def slug")
    snapshot.stream("ify(text):")
    shown.update(snapshot)

    expect(page.locator(".jloops-stream")).to_have_text("def slugify(text):")


def test_a_missed_change_makes_the_page_ask_for_everything(shown, slug):
    snapshot = slug.snapshot
    page = shown.open(snapshot)
    page.evaluate("window.model.put({rounds: {since: 9990, rev: 9999, rows: []}})")

    assert {"id": 0, "do": "refresh"} in shown.sent()
    page.evaluate("rounds => window.model.put({rounds})", {"since": 0, "rev": 10_000, "rows": snapshot.rows()})
    assert page.locator(".jloops-round").count() == 5


def test_a_view_opened_later_is_complete(shown, slug):
    page = shown.open(slug.snapshot)
    slug.act(5, 5)
    slug.decide(5, 5, "every check passed", best=True)
    shown.update(slug.snapshot)
    page.evaluate("""() => {
        const el = document.body.appendChild(document.createElement('div'));
        el.id = 'second';
        window.view.render({model: window.model, el});
    }""")

    expect(page.locator("#second .jloops-round")).to_have_count(5)
    assert "every check passed" in page.locator("#second").inner_text()


def test_leaving_takes_everything_away(shown, slug):
    page = shown.open(slug.snapshot)
    page.evaluate("window.remove()")
    shown.update(slug.snapshot)

    assert page.locator(".jloops-run").count() == 0


def test_a_saved_run_has_no_controls_and_opens_at_the_best_round(shown, slug):
    slug.act(5, 3)
    slug.decide(5, 3, "no better")
    slug.end("iterations", "5 of 5 rounds used", best=4)
    page = shown.open(slug.snapshot)
    drawn = page.evaluate(
        "picture => { document.body.replaceChildren(); return window.view.saved(document.body, picture); }",
        slug.snapshot.to_json(),
    )

    assert drawn is True
    assert page.locator(".jloops-controls").count() == 0
    assert page.locator(".jloops-where").inner_text() == "round 4"
    assert page.locator(".jloops-message").inner_text() == "5 of 5 rounds used"


def test_a_picture_of_another_version_is_refused(shown, slug):
    page = shown.open(slug.snapshot)

    assert page.evaluate("window.view.saved(document.body, {version: 2, rounds: []})") is False


@pytest.mark.parametrize(
    "broken",
    [
        {"version": 1},
        {"version": 1, "rounds": "x", "gauges": [1], "checks": {"a": 1}, "progress": [[{}, "9", None]], "head": 3},
    ],
)
def test_a_picture_of_the_wrong_shape_is_drawn_without_a_fault(shown, slug, broken):
    page = shown.open(slug.snapshot)

    assert page.evaluate("picture => window.view.saved(document.body, picture)", broken) is True


def test_two_hundred_rounds_stay_usable(shown, story):
    told = story(limits={"iterations": None, "usd": None, "tokens": None, "seconds": None})
    for n in range(1, 261):
        told.plan(n, f"def slugify(text): return {n}")
        told.act(n, n % 5)
        told.decide(n, n % 5, f"try {n}", best=n % 60 == 0)
    page = shown.open(told.snapshot)

    assert page.locator(".jloops-round").count() == 200
    assert page.locator(".jloops-older").inner_text() == "60 older rounds are in the history"
    assert page.locator(".jloops-round").last.is_visible()
    page.locator(".jloops-round").first.click()
    assert "AND iteration = 61" in page.get_by_role("tabpanel").inner_text()


def test_the_forecast_and_an_open_breaker_are_shown_and_hostile_words_stay_words(shown, slug):
    run = slug.snapshot
    page = shown.open(run)
    assert page.locator(".jloops-outlook").is_hidden()
    seen = {"p": 0.6, "next_p": 0.2, "by_round": 8, "curve": [0.2, 0.36, 0.6], "expected_usd": 0.01, "runs": 3}
    run.feed({"kind": "iteration_finished", "iteration": 5, "passed": 1, "total": 4, "why": "x", "forecast": seen})
    opened = {"kind": "breaker_changed", "iteration": 5, "model": "<img src=x onerror=1>", "fault": "rate_limited"}
    run.feed(opened | {"source": "closed", "to": "open", "failures": 7, "pause": 5.0})
    shown.update(run)

    expect(page.locator(".jloops-forecast-text")).to_have_text(
        "60% to verify by round 8 · next round 20% · about $0.010 more"
    )
    expect(page.locator(".jloops-band title")).to_have_text("60 % to verify by round 8")
    assert page.locator(".jloops-breaker").inner_text() == (
        "breaker of <img src=x onerror=1> for rate limited: open, left alone for 5 s"
    )
    run.feed(opened | {"source": "half_open", "to": "closed", "failures": 0})
    shown.update(run)
    expect(page.locator(".jloops-breakers")).to_be_hidden()


def test_model_and_temperature_are_set_from_their_form(shown, slug):
    page = shown.open(slug.snapshot)
    page.get_by_role("button", name="Set…").click()
    page.keyboard.type("anthropic/other")
    page.get_by_label("temperature").fill("0.8")
    page.get_by_role("button", name="Set", exact=True).click()

    assert [(message["do"], message["value"]) for message in shown.sent()] == [
        ("set", {"model": "anthropic/other", "temperature": 0.8})
    ]
