"""The numbers behind the charts, without Plotly."""

from __future__ import annotations

from jupyter_loops.view.charts import (
    KINDS,
    checks_chart,
    compare_chart,
    cost_chart,
    curves_chart,
    latency_chart,
    progress_chart,
    timeline_chart,
)


def test_cost_adds_up():
    numbers = cost_chart.numbers(
        [{"iteration": 1, "usd": 0.1, "tokens": 10}, {"iteration": 2, "usd": 0.2, "tokens": 5}]
    )

    assert numbers.total_usd == [0.1, 0.30000000000000004]
    assert numbers.total_tokens == [10, 15]
    assert numbers.priced


def test_without_a_price_the_cost_is_in_tokens():
    numbers = cost_chart.numbers([{"iteration": 1, "usd": None, "tokens": 10}])

    assert not numbers.priced
    assert cost_chart.figure(numbers).layout.yaxis.title.text == "tokens"


def test_latency_is_split_at_the_first_token():
    numbers = latency_chart.numbers(
        [
            {"iteration": 1, "seconds": 2.0, "first_token_seconds": 0.5, "model": "m"},
            {"iteration": 1, "seconds": 4.0, "first_token_seconds": None, "model": "m"},
        ]
    )

    assert numbers.first == [0.5, None]
    assert numbers.answer == [1.5, 4.0]
    assert numbers.median == 3.0


def test_progress_keeps_the_best_and_prefers_scores():
    rows = [
        {"iteration": n, "progress": p, "score": None, "best": b, "passed": k, "total": 2, "why": ""}
        for n, p, b, k in [(1, 0.5, True, 1), (2, 0.2, False, 0), (3, 1.0, True, 2)]
    ]
    assert progress_chart.numbers(rows).best == [0.5, 0.5, 1.0]
    assert progress_chart.numbers(rows).passed == [False, False, True]

    scored = progress_chart.numbers([{**row, "score": -row["progress"]} for row in rows])
    assert scored.scored
    assert scored.value == [-0.5, -0.2, -1.0]


def test_the_timeline_lays_phases_end_to_end():
    numbers = timeline_chart.numbers([{"iteration": 4, "phases": [["plan", 1.0], ["execute", 0.5]], "why": "no"}])

    assert numbers.start == [0.0, 1.0]
    assert numbers.rounds == [4, 4]


def test_every_chart_can_be_drawn_of_nothing():
    for chart, _, shows in KINDS.values():
        assert chart.figure(chart.numbers([])).layout.title.text
        assert shows


def test_the_chart_of_checks_hides_the_names_of_hidden_ones():
    verdicts = [("f(1) == 2", 1, True, False), ("f(9) == 18", 1, False, True), ("f(1) == 2", 2, False, False)]
    rows = [
        {"check_name": name, "iteration": n, "passed": passed, "hidden": hidden, "message": name}
        for name, n, passed, hidden in verdicts
    ]
    grid = checks_chart.numbers(rows)

    assert grid.check == ["f(1) == 2", "f(1) == 2", "hidden check 1"]
    assert grid.passed == [True, False, False]
    assert "f(9)" not in str(grid)
    assert "f(9)" not in checks_chart.figure(grid).to_json()


def test_the_comparison_marks_what_nothing_beats():
    rows = [
        {"loop": "a", "model": "m", "runs": 2, "success": success, "usd": usd, "tokens": 5}
        for success, usd in [(0.5, 1), (1, 3), (0.5, 2), (0.9, 4)]
    ]
    assert compare_chart.numbers(rows).best == [True, True, False, False]


def test_curves_keep_the_best_and_use_scores_only_where_every_run_has_one():
    rows = [
        {"run_id": "r", "loop": "l", "iteration": n, "progress": 1.0, "score": score, "best": best}
        for n, score, best in [(1, None, False), (2, 0.5, True), (3, 0.2, False), (4, 0.9, True)]
    ]
    curves = curves_chart.numbers(rows)
    assert (curves.scored, curves.round, curves.best) == (True, [2, 3, 4], [0.5, 0.5, 0.9])

    mixed = curves_chart.numbers([*rows, {**rows[0], "run_id": "q", "progress": 0.25}])
    assert (mixed.scored, mixed.best[-1]) == (False, 0.25)


def test_a_displayed_chart_carries_its_numbers_for_readers_without_plotly():
    rows = [{"iteration": n, "progress": n / 60, "why": "<b>no</b>", "passed": 0, "total": 1} for n in range(1, 61)]
    chart = progress_chart.figure(progress_chart.numbers(rows))

    bundle = chart._repr_mimebundle_()

    assert ">rounds</th>" in bundle["text/html"]
    assert "&lt;b&gt;no" in bundle["text/html"]
    assert "<b>" not in bundle["text/html"]
    assert bundle["text/html"].count("<tr>") == 51
    assert "Progress; the first 10 rows are left out" in bundle["text/plain"]
