"""A loop over rows: kinds of tables, isolation of failures, one ledger, steering."""

import asyncio
import json
import time

import pytest

from jupyter_loops.core.termination import StopReason
from jupyter_loops.errors import ErrorClass, LoopError, ModelError, OptionError, PreflightError
from jupyter_loops.history import open_history

from .conftest import length

TEXTS = ["a", "bb", "ccc"]


def records(count):
    return [{"text": "x" * n} for n in range(count)]


def wrong(row, times):
    """Never right for texts of three letters."""
    text = json.loads(row)["text"]
    return json.dumps({"length": len(text) + (len(text) == 3)})


def test_every_row_is_verified_and_results_come_in_order(start_map, model):
    run = start_map(records(40), model(delay=0.001))

    end = run.wait(60)

    assert end.reason is StopReason.VERIFIED
    assert [row["length"] for row in run.rows] == list(range(40))
    assert {row["state"] for row in run.rows} == {"verified"}
    assert list(run.rows[0]) == [
        *("row", "length", "state", "rounds", "usd", "tokens", "seconds", "error", "model", "run"),
    ]


def test_a_data_frame_comes_back_as_one_with_its_index(start_map, model):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"text": TEXTS}, index=pd.Index(["x", "y", "z"], name="id"))

    run = start_map(frame, model())
    run.wait(60)

    assert type(run.rows) is pd.DataFrame
    assert run.rows["length"].tolist() == [1, 2, 3]
    assert run.rows.index.tolist() == ["x", "y", "z"]
    assert run.rows.index.name == "id"
    assert frame.join(run.rows)["length"].tolist() == [1, 2, 3]


def test_polars_arrow_readers_and_relations_come_back_in_their_kind(start_map, model):
    pl, pa, duckdb = map(pytest.importorskip, ("polars", "pyarrow", "duckdb"))
    arrow = pa.table({"text": TEXTS})
    reader = pa.RecordBatchReader.from_batches(arrow.schema, arrow.to_batches())
    relation = duckdb.sql("SELECT unnest(['a', 'bb', 'ccc']) AS text")

    for table, kind in (
        (pl.DataFrame({"text": TEXTS}), pl.DataFrame),
        (arrow, pa.Table),
        (reader, pa.Table),
        (relation, duckdb.DuckDBPyRelation),
    ):
        run = start_map(table, model(), fresh=True)
        run.wait(60)
        rows = run.rows
        assert isinstance(rows, kind)
        assert lengths(rows) == [1, 2, 3]


def lengths(rows):
    """The column `length` of any kind of table."""
    if hasattr(rows, "fetchall"):
        return [one for (one,) in rows.project("length").fetchall()]
    column = rows["length"]
    return column.to_list() if hasattr(column, "to_list") else column.to_pylist()


def test_a_generator_is_streamed_and_texts_are_rows_themselves(start_map, model):
    drawn = []

    def texts():
        for text in TEXTS:
            drawn.append(text)
            yield text

    cell = '"""Say the length of `row`."""\nlength: int\nassert length == len(row)\n'
    run = start_map(texts(), model(lambda row, _: json.dumps({"length": len(row)})), cell=cell)
    run.wait(60)

    assert drawn == TEXTS
    assert [row["length"] for row in run.rows] == [1, 2, 3]
    assert run.progress.total == 3


def test_a_failed_row_leaves_the_others_alone_and_can_be_tried_again(start_map, model):
    answers = model(wrong)
    run = start_map(records(6), answers)

    end = run.wait(60)

    assert end.reason is not StopReason.VERIFIED
    assert "5 of 6 rows verified, 1 not" in end.message
    assert [row["row"] for row in run.failed] == [3]
    assert "length == len(row.text)" in run.failed[0]["error"]
    answers.answer = length
    again = run.retry()
    assert again.wait(60).reason is StopReason.VERIFIED
    assert [row["row"] for row in again.rows] == [3]
    assert run.failed == []
    assert run.rows[3]["length"] == 3


def test_a_row_is_refined_with_what_its_checks_say(start_map, model):
    def second(row, times):
        return json.dumps({"length": 99}) if times == 1 else length(row, times)

    run = start_map(records(5), model(second))
    run.wait(60)

    assert {row["rounds"] for row in run.rows} == {2}


def test_each_row_is_a_run_of_its_own_below_the_map(start_map, model):
    run = start_map(records(3), model(wrong))
    run.wait(60)

    rows = open_history(start_map.history).sql(
        "SELECT loop, relation, stop_reason, tokens FROM runs WHERE parent = $map ORDER BY loop", {"map": run.id}
    )
    assert [row[:3] for row in rows] == [(f"task[{n}]", "nested", "verified") for n in range(3)]
    (total,) = (
        open_history(start_map.history)
        .sql("SELECT total_tokens FROM run_summary WHERE run_id = $map", {"map": run.id})
        .fetchall()[0]
    )
    assert total == sum(row[3] for row in rows) == run.usage.tokens


def test_a_set_up_that_reads_the_row_runs_for_each_row(start_map, model):
    cell = (
        '"""Say the length."""\nfrom math import prod\nwords = row.text.split()\ncount = len(words)\n'
        "length: int\nassert length == prod([1, count])\n"
    )
    answer = model(lambda row, _: json.dumps({"length": len(json.loads(row)["text"].split())}))
    run = start_map([{"text": "a b"}, {"text": "a b c"}], answer, cell=cell)

    assert run.wait(60).verified
    assert [row["length"] for row in run.rows] == [2, 3]


def test_a_row_whose_set_up_fails_asks_no_model(start_map, model):
    answers = model()
    cell = '"""Say it."""\nwords = row.text.split()\nlength: int\nassert length == len(row.text)\n'
    run = start_map([{"text": "a"}, {"text": None}], answers, cell=cell)

    end = run.wait(60)

    assert end.reason is StopReason.ERROR
    assert "AttributeError" in run.failed[0]["error"]
    assert len(answers.asked) == 1


def test_no_row_sees_what_another_has_left(start_map, model):
    cell = (
        '"""Say the length."""\nseen = []\n\ndef first():\n    seen.append(1)\n    return len(seen) == 1\n\n'
        "length: int\nassert length == len(row.text)\nassert first()\n"
    )
    run = start_map(records(20), model(), cell=cell)

    assert run.wait(60).verified


def test_a_check_that_hangs_or_dies_fails_its_own_row_only(start_map, model):
    cell = (
        '"""Say the length."""\nimport os\nlength: int\n'
        "assert length != 3 or os._exit(3)\nassert length != 5 or [0 for _ in iter(int, 1)]\n"
    )
    run = start_map(records(12), model(), cell=cell, timeout=1.0, iterations=1)

    run.wait(90)

    assert [row["row"] for row in run.failed] == [3, 5]
    assert "exit status 3" in run.failed[0]["error"]
    assert "stopped after 1 s" in run.failed[1]["error"]


def test_functions_get_a_sandbox_of_their_own_for_each_row(start_map, model):
    cell = '"""Write what `row` asks for."""\ndef f(x: int) -> int: ...\nassert f(2) == row["result"]\n'
    source = model(
        lambda row, _: f"```python\ndef f(x: int) -> int:\n    return x + {json.loads(row)['result'] - 2}\n```"
    )
    run = start_map([{"result": 5}, {"result": 9}], source, cell=cell)

    assert run.wait(90).verified, run.rows


def test_the_cap_holds_for_all_rows_together_and_the_rest_is_not_bought(start_map, model):
    answers = model(delay=0.005)
    run = start_map(records(400), answers, usd=0.004)

    end = run.wait(60)

    assert end.reason is StopReason.BUDGET_USD
    assert run.usage.usd <= 0.004
    assert run.map_cycle.nesting.ledger.account.reserved.calls == 0
    assert 0 < run.progress.verified < 400
    assert run.usage.usd > 0.0025, "calls in flight must not shut others out for good"


def test_a_stop_keeps_what_is_done(start_map, model):
    run = start_map(records(300), model(delay=0.05), concurrency=8)
    while run.progress.verified < 5:
        time.sleep(0.01)

    run.stop()
    end = run.wait(10)

    assert end.reason is StopReason.STOPPED
    assert 5 <= run.progress.verified < 300
    assert run.map_cycle.nesting.ledger.account.reserved.calls == 0


def test_a_pause_starts_no_call(start_map, model):
    answers = model(delay=0.01)
    run = start_map(records(200), answers, concurrency=4)
    while run.progress.verified < 3:
        time.sleep(0.01)
    run.pause()
    time.sleep(0.5)
    asked = len(answers.asked)
    time.sleep(0.5)
    assert len(answers.asked) == asked
    assert run.state == "wait"
    run.resume()
    assert run.wait(60).verified


def test_refusals_for_the_rate_lower_the_level_and_cost_no_row(start_map, model):
    refusal = [ModelError("slow down", ErrorClass.RATE_LIMITED, retry_after=0.05) for _ in range(12)]
    answers = model(delay=0.01, errors=refusal)
    run = start_map(records(60), answers)

    assert run.wait(60).verified
    assert run.map_cycle.limits[0].refusals == 12


def test_no_more_calls_are_in_flight_than_asked_for(start_map, model):
    answers = model(delay=0.01)
    start_map(records(60), answers, concurrency=3).wait(60)

    assert answers.most <= 3


def test_a_model_that_is_down_ends_the_map_and_not_every_row(start_map, model):
    down = model(lambda row, times: ModelError("no key", ErrorClass.AUTH))
    run = start_map(records(500), down)

    end = run.wait(60)

    assert end.reason in {StopReason.ERROR, StopReason.BREAKER_OPEN}
    assert len(down.asked) < 100


def test_a_cascade_asks_the_dear_model_for_what_the_cheap_one_fails(start_map, model):
    cheap, dear = model(wrong, name="cheap"), model(name="dear")
    run = start_map(records(6), cheap, dear, models=("cheap", "dear"))

    assert run.wait(60).verified
    assert len(dear.asked) == 1
    assert run.rows[3]["model"] == "dear"
    shares = run.progress.by_model
    assert (shares["cheap"].rows, shares["cheap"].verified, shares["dear"].rows) == (6, 5, 1)
    assert sum(share.usd for share in shares.values()) == pytest.approx(run.usage.usd)


@pytest.mark.parametrize(
    ("table", "options", "words"),
    [
        (7, {}, "this is a int"),
        ("abc", {}, "this is a str"),
        ([], {}, "there are no rows"),
        ([{"text": "a"}], {"sample": 0}, "at least 1"),
    ],
)
def test_what_cannot_be_mapped_gets_one_clear_line(start_map, model, table, options, words):
    with pytest.raises((PreflightError, OptionError), match=words):
        start_map(table, model(), **options)


def test_a_column_called_like_a_target_is_refused(start_map, model):
    pd = pytest.importorskip("pandas")
    with pytest.raises(PreflightError, match="a column 'length'"):
        start_map(pd.DataFrame({"text": ["a"], "length": [1]}), model())


def test_a_column_of_secrets_is_refused(start_map, model):
    pd = pytest.importorskip("pandas")
    with pytest.raises(PreflightError, match="secret by its name"):
        start_map(pd.DataFrame({"text": ["a"], "api_key": ["k"]}), model())


@pytest.mark.parametrize("name", ["api_key", "row"])
@pytest.mark.parametrize("as_frame", [True, False])
def test_a_secret_column_that_is_given_is_sent(start_map, model, name, as_frame):
    rows = [{"text": "a", "api_key": "k"}]
    if as_frame:
        rows = pytest.importorskip("pandas").DataFrame(rows)
    run = start_map(rows, model(), give=(name,))

    assert run.wait(60).verified


def test_a_secret_of_a_row_that_is_not_given_stays(start_map, model):
    pd = pytest.importorskip("pandas")
    run = start_map([{"text": "a", "api_key": "k", "password": "p"}], model(), give=("api_key",))
    run.wait(60)

    assert "row['password'] is a secret by its name" in run.rows[0]["error"]
    with pytest.raises(OptionError, match="--give got api_kye, which is no column and no name; did you mean api_key"):
        start_map(pd.DataFrame({"text": ["a"], "api_key": ["k"]}), model(), give=("api_key", "api_kye"))


def test_keys_that_stand_twice_are_named_and_what_was_done_is_kept(start_map, model):
    pd = pytest.importorskip("pandas")
    with pytest.raises(PreflightError, match="the index has 1 twice"):
        start_map(pd.DataFrame({"text": ["a", "b"]}, index=[1, 1]), model())
    run = start_map([{"id": 1, "text": "a"}, {"id": 1, "text": "b"}], model(), key="id")
    end = run.wait(60)
    assert end.reason is StopReason.ERROR
    assert "the key 1 stands twice" in end.message


def test_a_generator_that_raises_in_the_middle_keeps_what_was_done(start_map, model):
    def broken():
        yield from records(5)
        raise OSError("the file is gone")

    run = start_map(broken(), model())
    end = run.wait(60)

    assert end.reason is StopReason.ERROR
    assert "the rows broke off after 5: OSError: the file is gone" in end.message
    assert run.progress.verified == 5


def test_an_item_that_cannot_travel_or_is_too_long_fails_alone(start_map, model):
    cell = '"""Say the length of `row`."""\nlength: int\nassert length == 1\n'
    items = ["a", "x " * 20_000, iter([1])]
    run = start_map(items, model(lambda row, _: '{"length": 1}'), cell=cell)
    run.wait(60)

    errors = [row["error"] for row in run.rows]
    assert errors[0] == ""
    assert "too long for a prompt" in errors[1]


def test_a_map_that_goes_on_is_not_retried(start_map, model):
    run = start_map(records(50), model(delay=0.05), concurrency=2)
    with pytest.raises(LoopError, match="goes on"):
        run.retry()
    while not run.progress.verified:
        time.sleep(0.01)
    run.stop()
    assert run.wait(10).reason is StopReason.STOPPED


def test_hidden_checks_and_names_that_only_they_read_decide_and_stay_hidden(start_map, model):
    cell = (
        '"""Say the length of the text in `row`."""\nlength: int\nassert length >= 0\n'
        "with hidden:\n    assert length == lengths[row.text]\n"
    )
    prompts = []

    def answer(row, times):
        prompts.append(row)
        return json.dumps({"length": 0}) if times == 1 else length(row, times)

    run = start_map(records(4), model(answer), cell=cell, names={"lengths": {"x" * n: n for n in range(4)}})

    assert run.wait(60).verified
    assert [row["rounds"] for row in run.rows] == [1, 2, 2, 2]


def test_judges_and_people_get_a_sandbox_for_each_row(start_map, model):
    cell = '"""Say the length."""\nlength: int\nassert approve(length)\n'
    run = start_map(records(2), model(), cell=cell, auto_approve=True)

    assert run.wait(90).verified, run.rows


def test_a_type_that_depends_on_the_row_is_made_for_each_row(start_map, model):
    cell = (
        '"""Pick one."""\nfrom typing import Literal\nOptions = Literal[tuple(row["options"])]\n'
        "pick: Options\nassert pick\n"
    )
    run = start_map(
        [{"options": ["a", "b"]}, {"options": ["c"]}],
        model(lambda row, _: json.dumps({"pick": json.loads(row)["options"][-1]})),
        cell=cell,
    )

    assert run.wait(90).verified, run.rows
    assert [row["pick"] for row in run.rows] == ["b", "c"]


def test_rows_with_a_score_count_with_their_best_values_and_are_searched_anew(start_map, model):
    cell = '"""Say a number."""\nlength: int\nassert length > 0\nminimize(abs(length - len(row.text)))\n'
    answers = {1: '{"length": 5}', 2: '{"length": 2}', 3: '{"length": 7}'}
    for _ in range(2):
        scripted = model(lambda _, times: answers[times])
        run = start_map([{"text": "a"}, {"text": "bbb"}], scripted, cell=cell)

        end = run.wait(60)
        run.check()

        assert (end.reason, end.message) == (StopReason.VERIFIED, "all 2 rows are verified")
        assert [(row["length"], row["state"], row["error"]) for row in run.rows] == [(2, "iterations", "")] * 2
        assert run.failed == []
        assert run.usage.calls == 6


def test_a_row_with_a_score_whose_checks_fail_is_not_verified(start_map, model):
    cell = '"""Say a number."""\nlength: int\nassert length > 9\nmaximize(length)\n'
    run = start_map([{"text": "a"}], model(lambda _, times: json.dumps({"length": times})), cell=cell)

    assert run.wait(60).reason is StopReason.ITERATIONS
    assert len(run.failed) == 1


def test_a_stop_while_a_map_closes_changes_nothing(start_map, model):
    run = start_map([{"text": "a"}], model(delay=0.2))
    close = run.map_cycle.close_runner

    async def stopped():
        run.stop()
        await asyncio.sleep(0.05)
        await close()

    run.map_cycle.close_runner = stopped

    assert run.wait(60).reason is StopReason.VERIFIED


def test_a_function_stands_in_the_table_as_its_code(start_map, model):
    cell = 'def add(n: int) -> int:\n    """Add the length of `row.text`."""\n\nassert add(1) == 1 + len(row.text)\n'
    code = "def add(n):\n    return n + 2\n"
    run = start_map([{"text": "bb"}], model(lambda *_: f"```python\n{code}```"), cell=cell)

    assert run.wait(60).verified
    assert run.rows[0]["add"].strip() == code.strip()
