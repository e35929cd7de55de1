"""A run as spans and metrics in a real collector, and as log records; without an SDK it costs nothing."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jupyter_loops.core.events import Record
from jupyter_loops.telemetry import conventions, observers
from tests.kernels import RIGHT, ROOT, WRONG

RUN = """
import json, os, sys
from opentelemetry import metrics, trace
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
import time

address, history, script = sys.argv[1:]
tracing = TracerProvider()
tracing.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{address}/v1/traces", timeout=2)))
trace.set_tracer_provider(tracing)
metering = MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter(f"{address}/v1/metrics", timeout=2))])
metrics.set_meter_provider(metering)

from jupyter_loops import Loop
CELL = '''
@tool
def factor() -> int:
    "What to multiply by."
    return 2

def double(n: int) -> int:
    "Twice the number."

assert double(2) == 4
'''
with trace.get_tracer("mine").start_as_current_span("my pipeline"):
    run = Loop.from_cell(CELL, "twice").run(
        {"factor": lambda: 2}, model=f"script:{script}", price="3,15", history=history, sandbox="process"
    )
began = time.monotonic()
end = run.wait()
print(json.dumps({"seconds": time.monotonic() - began, "reason": end.reason, "run": run.id}))
if address.endswith(":1"):
    os._exit(0)
tracing.shutdown()
metering.shutdown()
"""
ANSWERS = [
    {"error": "transient", "message": "busy"},
    {"tool": "factor", "arguments": {}},
    WRONG,
    RIGHT,
]


@pytest.fixture
def collector():
    words = [sys.executable, str(Path(__file__).with_name("collector.py"))]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def observed(tmp_path, address, **variables):
    script = tmp_path / "script.json"
    script.write_text(json.dumps(ANSWERS))
    words = [sys.executable, "-c", RUN, address, str(tmp_path / "history.duckdb"), str(script)]
    env = os.environ | {"PYTHONPATH": str(ROOT), **variables}
    done = subprocess.run(words, capture_output=True, text=True, env=env, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


def received(process):
    """Spans by name, and metrics by name."""
    process.terminate()
    messages = [json.loads(line) for line in process.stdout]
    spans = [
        span
        for one in messages
        if one["path"] == "/v1/traces"
        for resource in one["message"]["resourceSpans"]
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]
    metrics = {
        metric["name"]: metric
        for one in messages
        if one["path"] == "/v1/metrics"
        for resource in one["message"]["resourceMetrics"]
        for scope in resource["scopeMetrics"]
        for metric in scope["metrics"]
    }
    return spans, metrics


def attributes(span):
    return {one["key"]: next(iter(one["value"].values())) for one in span.get("attributes", ())}


def test_a_run_is_a_trace_in_a_real_collector(collector, tmp_path):
    port = collector.stdout.readline().strip()
    run, _ = observed(tmp_path, f"http://127.0.0.1:{port}")
    spans, metrics = received(collector)
    by_name = {}
    for span in spans:
        by_name.setdefault(span["name"], []).append(span)
    (root,), (mine,) = by_name["invoke_workflow twice"], by_name["my pipeline"]
    chats = [span for name, group in by_name.items() if name.startswith("chat script:") for span in group]
    (tool,) = by_name["execute_tool factor"]

    assert run["reason"] == "verified"
    assert root["parentSpanId"] == mine["spanId"]
    assert len({span["traceId"] for span in spans}) == 1
    assert {span["parentSpanId"] for span in by_name["plan"]} == {root["spanId"]}
    assert {span["parentSpanId"] for span in (*chats, tool)} <= {span["spanId"] for span in by_name["plan"]}
    assert len(by_name["plan"]) == 2
    assert len(by_name["jupyter_loops.execute"]) == 2
    end = attributes(root)
    assert end["jupyter_loops.stop_reason"] == "verified"
    assert end["jupyter_loops.run.id"] == run["run"]
    assert end["jupyter_loops.rounds"] == "2"
    first, *answered = sorted(chats, key=lambda span: span["startTimeUnixNano"])
    assert attributes(first)["error.type"] == "transient"
    assert first["status"]["code"] == "STATUS_CODE_ERROR"
    assert all(int(attributes(span)["gen_ai.usage.input_tokens"]) > 0 for span in answered)
    assert attributes(answered[0])["gen_ai.provider.name"] == "script"
    assert all(int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"]) for span in spans)
    assert not [key for span in spans for key in attributes(span) if "messages" in key]  # no content

    def total(name):
        return sum(float(point.get("asInt", point.get("asDouble", 0))) for point in metrics[name]["sum"]["dataPoints"])

    tokens = sum(int(attributes(span)["gen_ai.usage.output_tokens"]) for span in answered)
    assert total("gen_ai.client.inference.usage.output_tokens") == tokens
    assert total("jupyter_loops.rounds") == 2
    assert total("jupyter_loops.runs") == 1
    assert total("jupyter_loops.cost") == pytest.approx(end["jupyter_loops.cost.usd"])
    assert "gen_ai.client.inference.duration" in metrics


def test_content_is_there_when_it_is_asked_for(collector, tmp_path):
    port = collector.stdout.readline().strip()
    observed(tmp_path, f"http://127.0.0.1:{port}", **{conventions.CAPTURE_CONTENT: "true"})
    spans, _ = received(collector)

    answers = [
        attributes(span)["gen_ai.output.messages"] for span in spans if "gen_ai.output.messages" in attributes(span)
    ]
    assert any("return n * 2" in text for text in answers)


def test_a_collector_that_is_away_slows_nothing(tmp_path):
    away, _ = observed(tmp_path, "http://127.0.0.1:1")

    assert away["reason"] == "verified"
    assert away["seconds"] < 20


def test_without_an_sdk_there_is_no_listener_for_spans():
    assert [type(one).__name__ for one in observers()] == ["RunLog"]


def test_a_log_record_has_run_loop_and_round_and_prints_nothing(tmp_path, caplog, capfd):
    from jupyter_loops import Loop

    script = tmp_path / "script.json"
    script.write_text(json.dumps([*ANSWERS[:1], WRONG, RIGHT]))
    cell = 'def double(n: int) -> int:\n    "Twice."\n\nassert double(2) == 4'
    with caplog.at_level(logging.INFO, "jupyter_loops.run"):
        run = Loop.from_cell(cell, "twice").run(
            model=f"script:{script}", history=str(tmp_path / "history.duckdb"), sandbox="process"
        )
        run.wait()
    run.history.close()
    records = [record for record in caplog.records if record.name == "jupyter_loops.run"]

    assert {record.run_id for record in records} == {run.id}
    assert {record.loop for record in records} == {"twice"}
    rounds = {record.round: record.getMessage() for record in records if " of 1 checks" in record.getMessage()}
    assert rounds[1].endswith("round 1: 0 of 1 checks")
    assert rounds[2].endswith("round 2: 1 of 1 checks")
    assert any(
        record.levelname == "WARNING" and "call 1 failed: transient" in record.getMessage() for record in records
    )
    assert "return n" not in caplog.text
    assert capfd.readouterr().err == ""


def test_a_log_that_nobody_wants_takes_microseconds(tmp_path):
    from jupyter_loops.core.events import RequestAdapted

    logging.getLogger("jupyter_loops.run").setLevel(logging.CRITICAL)
    (log,) = observers()
    from datetime import UTC, datetime

    record = Record(
        "run", 1, datetime.now(UTC), RequestAdapted(iteration=1, what="approach", before="a", after="b", reason="")
    )
    began = time.perf_counter()
    for _ in range(10_000):
        log.heard(record)
    seconds = (time.perf_counter() - began) / 10_000
    logging.getLogger("jupyter_loops.run").setLevel(logging.NOTSET)

    assert seconds < 50e-6


def test_every_name_is_once_in_the_table_and_nowhere_else():
    values = [value for name, value in vars(conventions).items() if name.isupper() and isinstance(value, str)]
    sources = (ROOT / "jupyter_loops" / "telemetry").glob("*.py")
    others = "".join(path.read_text() for path in sources if path.name != "conventions.py")

    assert len(values) == len(set(values))
    assert '"gen_ai.' not in others
    assert '"jupyter_loops.' not in others.replace('"jupyter_loops.run"', "")


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        ("gpt-4o-mini", "openai"),
        ("anthropic/claude-4", "anthropic"),
        ("claude-4", "anthropic"),
        ("vertex_ai/gemini-3", "gcp.vertex_ai"),
        ("local:smol", "llama_cpp"),
        ("ollama/qwen3", "ollama"),
    ],
)
def test_providers_have_the_names_of_the_conventions(model, provider):
    assert conventions.provider(model) == provider
