import json

import pytest

from jupyter_loops.errors import HistoryError
from jupyter_loops.history import History

RUN = "20261122T000000-aaaa"


@pytest.fixture
def bundle(history, a_run, tmp_path):
    for record in a_run(goal="line\u2028separator and \x85"):
        history.append(record)
    return history.export(RUN, tmp_path / "run.jsonl")


@pytest.fixture
def elsewhere(tmp_path):
    opened = History(tmp_path / "elsewhere.duckdb")
    yield opened
    opened.close()


def test_an_exported_run_is_the_same_run_elsewhere(history, bundle, elsewhere):
    assert elsewhere.load(bundle) == RUN

    assert elsewhere.records(RUN) == history.records(RUN)
    assert elsewhere.run("slug") == history.run("slug")
    assert elsewhere.verify() == []


def test_loading_a_run_twice_changes_nothing(bundle, elsewhere):
    elsewhere.load(bundle)
    once = elsewhere.sql("FROM events ORDER BY seq").fetchall()
    elsewhere.load(bundle)

    assert elsewhere.sql("FROM events ORDER BY seq").fetchall() == once


@pytest.mark.parametrize("change", ["event", "text", "gone", "order"])
def test_a_bundle_that_was_changed_is_refused(bundle, elsewhere, change):
    lines = [json.loads(line) for line in bundle.read_text().split("\n") if line]
    first = next(n for n, line in enumerate(lines) if "seq" in line)
    if change == "event":
        lines[first]["body"] = lines[first]["body"].replace("local", "other")
    elif change == "text":
        lines[0]["text"] += "!"
    elif change == "gone":
        del lines[first + 3]
    else:
        lines[first], lines[first + 1] = lines[first + 1], lines[first]
    bundle.write_text("".join(json.dumps(line) + "\n" for line in lines))

    with pytest.raises(HistoryError, match=r"line \d+"):
        elsewhere.load(bundle)
    assert len(elsewhere.sql("FROM runs")) == 0


def test_what_is_no_bundle_is_refused(elsewhere, tmp_path, bundle):
    (tmp_path / "noise").write_text("not json")

    with pytest.raises(HistoryError, match="not a bundle"):
        elsewhere.load(tmp_path / "noise")
    with pytest.raises(HistoryError, match="no run nothing"):
        elsewhere.export("nothing", tmp_path / "x")
