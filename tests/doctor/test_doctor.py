"""Every item of the checklist provokes its fault for real, and a fault that is not met is named with its mend."""

from __future__ import annotations

import json

import pytest

from jupyter_loops.core.budget import Budget
from jupyter_loops.doctor import ITEMS, DoctorReport, Finding, Health, environment, examine
from jupyter_loops.engine.ledger import Ledger

FREE = Budget(usd=None, tokens=None, seconds=None, iterations=None)
CHECKLIST = [
    *(
        "budget enforcement",
        "circuit breaker",
        "cost limit of each loop",
        "error classes and recovery",
        "persistence",
        "telemetry",
    ),
    *(
        "backoff",
        "verification",
        "context management",
        "audit",
        "degradation",
        "benchmark of a round",
        "cost projection",
        "runaway detection",
    ),
]


def item(name):
    return next(one for one in ITEMS if one.name == name)


def found(name):
    (finding,) = examine((item(name),), "process")
    return finding


def test_the_checklist_has_its_fourteen_items():
    assert [one.name for one in ITEMS] == CHECKLIST
    assert all(one.mend for one in ITEMS)


@pytest.mark.parametrize("name", CHECKLIST)
def test_a_fault_is_provoked_and_met(name):
    finding = found(name)

    assert (finding.state, finding.mend) == (Health.OK, ""), finding.observed
    assert any(letter.isdigit() for letter in finding.observed)  # what was observed has its numbers


def test_a_budget_that_does_not_hold_is_found_and_told(monkeypatch):
    reserve = Ledger.reserve
    monkeypatch.setattr(Ledger, "reserve", lambda ledger, *words, **named: reserve(Ledger(FREE), *words, **named))

    finding = found("budget enforcement")

    assert finding.state is Health.FAIL
    assert "reinstall it" in finding.mend


def test_a_check_that_cannot_be_made_is_a_failure_with_its_reason(monkeypatch):
    def broken(practice):
        raise OSError("No space left on device")

    one = item("audit")
    (finding,) = examine((type(one)(one.name, broken, "make room"),))

    assert finding.state is Health.FAIL
    assert finding.observed == "the check could not be made: OSError: No space left on device"
    assert finding.mend == "make room"


def test_the_report_is_text_table_json_and_an_exit_status():
    report = DoctorReport(
        [
            Finding(item="audit", state=Health.OK, observed="event 1: edited"),
            Finding(item="disk", state=Health.WARN, observed="0.1 GB free", mend="make room"),
        ]
    )
    broken = DoctorReport([*report.findings, Finding(item="clock", state=Health.FAIL, observed="1970", mend="set it")])

    assert repr(report).splitlines() == [
        "ok    audit: event 1: edited",
        "warn  disk: 0.1 GB free",
        "      mend: make room",
        "",
        "1 ok, 1 warn",
    ]
    assert (report.status, broken.status) == (0, 1)
    assert json.loads(broken.json())[2] == {"item": "clock", "state": "fail", "observed": "1970", "mend": "set it"}
    assert DoctorReport.of_json(broken.json()).findings == broken.findings
    assert ">make room</td>" in report._repr_html_()


def test_the_environment_has_a_line_for_everything(tmp_path):
    from jupyter_loops.assemble import Options
    from jupyter_loops.history import open_history

    path = str(tmp_path / "history.duckdb")
    findings = {one.item: one for one in environment(Options(history=path, sandbox="process"), kernel="awaits")}
    open_history(path).close()

    assert list(findings) == ["versions", "kernel", "policy", "isolation", "model", "history", "disk", "clock"]
    assert findings["isolation"].state is Health.WARN
    assert "owned by" in findings["history"].observed
    assert "buttons and interrupts are heard" in findings["kernel"].observed


def test_a_model_that_cannot_be_had_and_a_history_that_is_none_are_told(tmp_path):
    from jupyter_loops.assemble import Options
    from jupyter_loops.history import open_history

    path = tmp_path / "history.duckdb"
    path.write_text("this is no database " * 1000)
    options = Options(history=str(path), model=f"script:{tmp_path / 'missing.json'}")
    findings = {one.item: one for one in environment(options)}
    open_history(str(path)).close()

    assert findings["model"].state is Health.FAIL
    assert "missing.json" in findings["model"].observed
    assert findings["history"].state is Health.FAIL
    assert findings["history"].mend == "%loops repair, or choose another with --history"
