from __future__ import annotations

import json
from html import unescape

import pytest

from jupyter_loops.core.caveats import CAVEATS, with_caveat
from jupyter_loops.core.events import (
    IterationFinished,
    NoteAdded,
    RunResumed,
    RunSteered,
    StateChanged,
    ToolCallFinished,
    ToolCallStarted,
)
from jupyter_loops.execution.isolation import LEVELS
from jupyter_loops.view.html import html
from jupyter_loops.view.run_text import text
from jupyter_loops.view.snapshot import Snapshot


def test_a_stored_run_and_a_live_one_give_the_same_picture(slug):
    live = Snapshot()
    for record in slug.records:
        live.feed(record.to_json())

    assert live.to_json() == Snapshot.of(json.loads(json.dumps(slug.json))).to_json()


def test_the_headline_says_what_the_run_does_now(story):
    told = story()
    assert told.snapshot.to_json()["headline"] == "preparing"
    told.move(1, "prepare", "plan")
    assert told.snapshot.to_json()["headline"] == "planning · round 1 of 12"
    told.tell(RunSteered(iteration=1, action="pause"))
    assert told.snapshot.to_json()["headline"] == "pausing · round 1 of 12"
    told.move(1, "plan", "wait", "paused")
    assert told.snapshot.to_json()["headline"] == "paused · round 1 of 12"
    told.tell(RunSteered(iteration=1, action="resume"))
    told.move(1, "wait", "plan", "resumed")
    told.move(1, "plan", "wait", "429; waiting 2.0 s")
    assert told.snapshot.to_json()["headline"] == "waiting · 429; waiting 2.0 s"
    told.end("budget_usd", "no money")
    assert told.snapshot.to_json()["headline"] == "budget usd"


def test_time_that_a_person_takes_does_not_count(story):
    told = story()
    told.move(1, "prepare", "plan", seconds=2)
    told.tell(RunSteered(iteration=1, action="pause"), seconds=0)
    told.move(1, "plan", "wait", "paused", seconds=1)
    assert told.snapshot.to_json()["ticking"] is False
    told.move(1, "wait", "plan", "resumed", seconds=3600)
    told.move(1, "plan", "execute", seconds=4)

    assert told.snapshot.to_json()["gauges"]["seconds"]["spent"] == pytest.approx(7)


def test_phases_of_the_round_that_is_going_on_are_known_at_once(slug):
    phases = slug.snapshot.to_json()["rounds"][-1]["phases"]

    assert [state for state, _ in phases] == ["plan", "execute"]
    assert phases[1][1] == pytest.approx(0.2)


def test_a_round_has_its_calls_of_tools(story):
    told = story()
    told.plan(1)
    told.tell(ToolCallStarted(iteration=1, number=1, tool="look", arguments='{"n": 1}'))
    call = {"number": 1, "tool": "look", "arguments": '{"n": 1}', "result": "", "error": "", "seconds": None}
    assert told.snapshot.to_json()["rounds"][0]["tools"] == [call]

    told.tell(ToolCallFinished(iteration=1, number=1, tool="look", result="error: no", error="raised", seconds=0.25))
    told.plan(1, "def slugify(text): ...")
    told.decide(1, 0, "no", best=True)
    picture = told.snapshot.to_json()
    assert picture["rounds"][0]["tools"] == [call | {"result": "error: no", "error": "raised", "seconds": 0.25}]
    assert "look({&quot;n&quot;: 1}) → error: no · 250 ms" in html(picture)


def test_a_finished_round_has_its_reason_numbers_and_texts(slug):
    row = slug.snapshot.to_json()["rounds"][1]

    assert (row["mark"], row["passed"], row["total"], row["best"]) == ("fail", 2, 5, True)
    assert row["why"] == "slugify(\" a, b & c! \") gave 'a,-b-&-c!'"
    assert row["candidate"]["text"].startswith("def slugify")
    assert row["prompt"]["tokens"] == 130
    assert row["calls"][0]["first_token_seconds"] == 0.4
    assert row["output"]["exit"] == "ok"


def test_checks_keep_their_places_and_hidden_ones_are_only_counted(slug):
    checks = slug.snapshot.to_json()["checks"]

    assert [check["state"] for check in checks] == ["pass", "pass", "pass", "fail"]
    assert checks[2]["metric"]["value"] == 131_000
    assert checks[3]["name"] == "hidden, 2 of 2 failed"
    assert "nïcode" not in json.dumps(slug.snapshot.to_json(), ensure_ascii=False)


def test_at_the_end_the_checks_are_those_of_the_best_round(slug):
    slug.act(5, 1)
    slug.decide(5, 1, "worse")
    slug.end("iterations", "used up", best=4)

    assert [check["state"] for check in slug.snapshot.to_json()["checks"]] == ["pass", "pass", "pass", "fail"]


def test_gauges_add_up_the_calls_and_hold_what_is_reserved(slug):
    gauges = slug.snapshot.to_json()["gauges"]
    assert gauges["usd"]["text"] == "$0.030 of $0.050"
    assert gauges["tokens"]["spent"] == 6000
    assert gauges["iterations"]["spent"] == 4
    assert gauges["tokens"]["landing"] == pytest.approx(18_000)

    slug.plan(6)
    del slug.records[-1]  # the answer is still out
    assert slug.snapshot.to_json()["gauges"]["usd"]["reserved"] == 0.012


def test_an_unknown_price_is_not_nothing(story):
    told = story(price={})
    assert told.snapshot.to_json()["gauges"]["usd"]["text"] == "$0.000 of $0.050"
    unknown = [{**told.json[0], "price": None}]
    assert Snapshot.of(unknown).to_json()["gauges"]["usd"]["text"] == "price unknown"


def test_a_raised_budget_moves_the_gauge(slug):
    slug.tell(RunSteered(iteration=5, action="budget", value={"usd": 0.2}))

    assert slug.snapshot.to_json()["gauges"]["usd"]["text"] == "$0.030 of $0.200"


def test_the_newest_two_hundred_rounds_are_kept_and_the_old_lose_their_texts(story):
    told = story()
    for n in range(1, 251):
        told.plan(n, f"x = {n}")
        told.decide(n, 1, "no", best=n == 60)
    picture = told.snapshot.to_json()
    rows = {row["n"]: row for row in picture["rounds"]}

    assert (len(rows), min(rows), picture["older"]) == (200, 51, 50)
    assert rows[60]["candidate"]["text"] == "x = 60"
    assert rows[250]["candidate"]["text"] == "x = 250"
    assert rows[200]["trimmed"]
    assert len(json.dumps(picture)) < 200_000


def test_a_very_long_run_has_a_progress_line_of_bounded_length(story):
    told = story()
    for n in range(1, 1500):
        told.decide(n, n % 5, "no", best=n in {1, 700})
    points = told.snapshot.to_json()["progress"]

    assert len(points) <= 400
    assert points[-1][0] == 1499


def test_only_rounds_with_news_are_sent(slug):
    snapshot = slug.snapshot
    seen = snapshot.rev
    slug.act(5, 5)
    for record in slug.json[-4:]:
        snapshot.feed(record)

    assert [row["n"] for row in snapshot.rows(seen)] == [5]


def test_an_answer_without_a_candidate_is_kept_to_be_read(story):
    told = story()
    told.plan(1)
    told.snapshot.to_json()
    answered = [{**event, "text": "I cannot"} if event["kind"] == "call_finished" else event for event in told.json]

    assert Snapshot.of(answered).to_json()["rounds"][0]["answer"] == "I cannot"


def test_a_stored_candidate_is_round_zero(story):
    told = story()
    told.tell(StateChanged(iteration=0, source="prepare", to="execute"))
    told.act(0, 5)
    told.decide(0, 5, "a stored candidate passed", best=True)
    told.end(best=0, iterations=0)
    picture = told.snapshot.to_json()

    assert [row["n"] for row in picture["rounds"]] == [0]
    assert picture["best"] == 0
    assert picture["older"] == 0


def test_a_round_that_was_cut_short_is_not_shown_as_going_on(slug):
    slug.end("stopped", "by a person", best=4)

    assert slug.snapshot.to_json()["rounds"][-1]["mark"] == "cut"


def test_notes_are_kept(slug):
    slug.tell(NoteAdded(iteration=0, message="no bubblewrap here"))

    assert slug.snapshot.to_json()["notes"] == ["no bubblewrap here"]


def test_a_wait_before_another_try_says_how_long_which_try_and_why(story):
    told = story()
    told.move(1, "plan", "wait", "3.4 s, try 3 of 5, transient: cannot reach http://127.0.0.1:9/v1")

    headline = told.snapshot.to_json()["headline"]
    assert headline == "waiting · 3.4 s, try 3 of 5, transient: cannot reach http://127.0.0.1:9/v1"


@pytest.mark.parametrize("level", [level for level in LEVELS if level != "auto"])
def test_a_run_names_its_level_and_what_that_does_not_hold(level, story):
    told = story()
    told.tell(
        RunResumed(
            iteration=1, phase="plan", model="m", isolation=level, fingerprint="f", budget={}, kernel="", version="",
            journal="",
        )
    )  # fmt: skip
    picture, words = told.snapshot.to_json(), f"{level}: {CAVEATS[level]}"

    assert picture["isolation"] == words
    assert f"sandbox {words}" in text(picture).splitlines()
    assert words in unescape(html(picture))


def test_a_run_that_goes_on_elsewhere_names_the_level_that_it_has_there(story):
    told = story()
    assert told.snapshot.to_json()["isolation"].startswith("bubblewrap: ")
    assert with_caveat("") == ""
    assert with_caveat("of a later version") == "of a later version"


def test_a_scored_run_ends_with_its_best_score(story):
    told = story()
    for n, score in enumerate((0.25, None, 0.5), 1):
        told.plan(n, f"x = {n}")
        told.tell(
            IterationFinished(
                iteration=n,
                passed=0 if score is None else 5,
                total=5,
                progress=float(score is not None),
                score=score,
                best=score is not None,
                why="",
                phases=[],
                usage={"usd": 0.0, "tokens": 1, "seconds": 1.0},
            )
        )
    told.end(reason="iterations", message="3 of 3 rounds used", best=3, iterations=3)
    picture = told.snapshot.to_json()

    assert picture["headline"] == "best 0.5 after 3 rounds"
    assert picture["score"] == 0.5
    assert [point[4:] for point in picture["progress"]] == [[0.25, 0.25], [None, 0.25], [0.5, 0.5]]
    assert "0.5★" in text(picture)
    assert "✓ best 0.5 after 3 rounds" in html(picture)
