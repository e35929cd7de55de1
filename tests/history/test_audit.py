"""Tampering from outside, with plain DuckDB, and what the audit says of it."""

import duckdb
import pytest

from jupyter_loops.errors import HistoryError

RUN = "20261122T000000-aaaa"


@pytest.fixture
def tamper(history, a_run, path):
    """Writes two runs, changes the file behind the history's back, and gives what the audit finds."""

    def change(*statements):
        for record in [*a_run(RUN), *a_run("20261122T000001-bbbb")]:
            history.append(record)
        history.flush()
        with duckdb.connect(str(path)) as outside:
            for statement in statements:
                outside.execute(statement)
        return [(finding.run_id, finding.seq, finding.what) for finding in history.verify()]

    return change


def test_an_untouched_history_has_no_findings(tamper):
    assert tamper() == []


def test_a_run_that_still_goes_on_has_no_findings(history, a_run):
    for record in a_run()[:15]:
        history.append(record)
        if record.seq % 4 == 0:
            history.flush()

    assert history.verify() == []
    assert history.verify(RUN) == []


def test_an_edited_event_is_found(tamper):
    (first, *_) = tamper("UPDATE events SET body = replace(body, '0.001', '0.0') WHERE seq = 4 AND run_id LIKE '%aaaa'")

    assert first == (RUN, 4, "edited, or another event was put in its place")


def test_an_edited_event_with_a_fitting_hash_is_found_at_the_next_one(tamper):
    (first, *_) = tamper(
        "UPDATE events SET body = replace(body, '0.001', '0.0') WHERE seq = 4 AND run_id LIKE '%aaaa'",
        """UPDATE events SET hash = sha256((SELECT hash FROM events WHERE seq = 3 AND run_id LIKE '%aaaa') || body)
           WHERE seq = 4 AND run_id LIKE '%aaaa'""",
    )

    assert first[:2] == (RUN, 5)


def test_a_deleted_event_is_found(tamper):
    (first, *_) = tamper("DELETE FROM events WHERE seq = 7 AND run_id LIKE '%aaaa'")

    assert first[:2] == (RUN, 7)
    assert first[2].startswith("deleted")


def test_deleted_last_events_are_found(tamper):
    (first, *_) = tamper("DELETE FROM events WHERE seq > 20 AND run_id LIKE '%aaaa'")

    assert first[:2] == (RUN, 20)
    assert "says 24 events and 20 are there" in first[2]


def test_a_run_whose_events_are_all_gone_is_found(tamper):
    (first, *_) = tamper("DELETE FROM events WHERE run_id LIKE '%aaaa'")

    assert first[0] == RUN


def test_a_run_that_was_removed_but_for_its_events_is_found(tamper):
    (first, *_) = tamper("DELETE FROM runs WHERE run_id LIKE '%aaaa'")

    assert first[0] == RUN


def test_an_inserted_event_is_found(tamper):
    (first, *_) = tamper(
        "INSERT INTO events SELECT * REPLACE ('00' AS hash) FROM events WHERE seq = 5 AND run_id LIKE '%aaaa'"
    )

    assert first[:2] == (RUN, 5)
    assert first[2].startswith("inserted")


def test_an_appended_event_is_found(tamper):
    (first, *_) = tamper(
        """INSERT INTO events SELECT * REPLACE (25 AS seq, sha256(hash || body) AS hash) FROM events
           WHERE seq = 24 AND run_id LIKE '%aaaa'"""
    )

    assert first[:2] == (RUN, 25)


def test_two_events_that_changed_places_are_found(tamper):
    (first, *_) = tamper(
        "UPDATE events SET seq = CASE seq WHEN 5 THEN 6 ELSE 5 END WHERE seq IN (5, 6) AND run_id LIKE '%aaaa'"
    )

    assert first == (RUN, 5, "reordered, it was event 6 when it was written")


def test_an_edited_column_of_an_event_is_found(tamper):
    (first, *_) = tamper("UPDATE events SET happened_at = '2020-01-01' WHERE seq = 9 AND run_id LIKE '%aaaa'")

    assert first == (RUN, 9, "its columns differ from its body")


def test_an_edited_text_is_found(tamper):
    (first, *_) = tamper("UPDATE texts SET text = 'a better answer' WHERE text = 'answer 1'")

    assert first[0] == "any"
    assert first[2].endswith("was edited")


def test_a_deleted_text_is_found(tamper):
    found = tamper("DELETE FROM texts WHERE sha = (SELECT min(candidate_sha) FROM iterations)")

    assert {run for run, *_ in found} == {RUN, "20261122T000001-bbbb"}
    assert all(what.endswith("was deleted, and nobody forgot it") for *_, what in found)


@pytest.mark.parametrize(
    "macro",
    [
        "sha256(x) AS 'a'", "sha256(x) AS CASE WHEN x = 'forged' THEN 'b' ELSE system.main.sha256(x) END",
        "count(x) AS 0", "coalesce(x, y) AS x", "json_extract(x, y) AS x", "current_database() AS 'other'",
        "duckdb_functions() AS TABLE SELECT 'x' AS function_name, false AS internal", '"||"(x, y) AS \'a\'',
        '"->>"(x, y) AS \'a\'', "row_number() AS 1", "SHA256(x) AS 'a'",
    ],
)  # fmt: skip
def test_a_function_of_the_file_does_not_answer_for_one_of_duckdb(tamper, macro):
    name = macro.partition("(")[0].strip('"').lower()
    found = tamper("UPDATE texts SET text = 'forged'", f"CREATE MACRO {macro}")

    assert [(run, seq) for run, seq, _ in found] == [("any", None)]
    assert found[0][2].lower().startswith(f"the file has a function {name} of its own")


def test_a_function_of_another_name_is_a_persons_own(tamper):
    assert tamper("CREATE MACRO dearest(x) AS x * 100") == []


@pytest.mark.parametrize("table", ["notes", "iterations", "verdicts", "lost", "corrections", "heads", "signatures"])
@pytest.mark.parametrize("view", [False, True])
def test_a_table_that_was_dropped_is_named_with_the_way_out(tamper, table, view, history):
    instead = [f"CREATE TABLE kept AS FROM {table}", f"DROP TABLE {table}", f"CREATE VIEW {table} AS FROM kept"]
    with pytest.raises(HistoryError) as told:
        tamper(*(instead if view else instead[1:2]))

    assert str(told.value) == f"the history lacks its table {table}: %loops repair makes it anew from what is left"
    history.repair()
    assert history.verify() == []


def test_a_forgotten_text_breaks_nothing(tamper):
    assert tamper("UPDATE texts SET text = NULL WHERE text = 'answer 1'") == []


@pytest.mark.parametrize(
    ("table", "statement"),
    [
        ("runs", "UPDATE runs SET stop_reason = 'stopped' WHERE run_id LIKE '%aaaa'"),
        ("runs", "UPDATE runs SET usd = 0 WHERE run_id LIKE '%aaaa'"),
        ("iterations", "UPDATE iterations SET passed = 1 WHERE run_id LIKE '%aaaa'"),
        ("calls", "DELETE FROM calls WHERE run_id LIKE '%aaaa' AND call = 1"),
        ("verdicts", "INSERT INTO verdicts FROM verdicts WHERE run_id LIKE '%aaaa' LIMIT 1"),
        ("actions", "UPDATE actions SET exit = 'ok' WHERE run_id LIKE '%aaaa'"),
        ("notes", "DELETE FROM notes WHERE run_id LIKE '%aaaa'"),
    ],
)
def test_rows_that_do_not_fit_the_events_are_found(tamper, table, statement):
    assert tamper(statement) == [(RUN, None, f"its rows in {table} differ from what its events say")]


def test_a_column_or_a_table_of_a_persons_own_is_no_finding(tamper):
    assert tamper("ALTER TABLE iterations ADD COLUMN tag VARCHAR", "CREATE TABLE mine AS SELECT 1 AS x") == []
