"""From events to rows, in SQL, a batch at a time.

Reads `batch` (run_id, seq, hash, body) and writes the tables of schema.py, each column by its name: a later version
may have others. JSON is read with json_transform, which gives NULL for what does not fit: no event can block the
events behind it.
"""

from __future__ import annotations

from . import heads
from .event_kinds import CURRENT
from .lease import Cursor, run

BATCH = "CREATE OR REPLACE TEMP TABLE batch (run_id VARCHAR, seq INTEGER, hash VARCHAR, body VARCHAR)"

# Stored events are skipped: a run's events arrive in order, so its last number is enough.
SELECT = f"""
CREATE OR REPLACE TEMP TABLE fresh AS
SELECT run_id, seq, hash, body, {CURRENT.format(kind="head.kind")} AS kind, head."at" AS moment, head.iteration
FROM (
    SELECT *, json_transform(body, '{{"kind": "VARCHAR", "at": "TIMESTAMP", "iteration": "INTEGER"}}') AS head
    FROM batch
)
LEFT JOIN runs USING (run_id)
WHERE seq > coalesce(runs.events, 0)
QUALIFY row_number() OVER (PARTITION BY run_id, seq) = 1
ORDER BY run_id, seq
"""  # noqa: S608 - constants


READ = """
CREATE OR REPLACE TEMP TABLE {kind} AS
SELECT run_id, seq, moment, iteration, json_transform(body, '{shape}') AS e FROM fresh WHERE kind = '{kind}'
"""

# kind of event → the types of its fields, which a table of the kind's name holds as the struct `e`
SHAPES: dict[str, str] = {
    "run_started": """{
    "loop": "VARCHAR", "goal": "VARCHAR", "source": {"text": "VARCHAR"}, "fingerprint": "VARCHAR",
    "model": "VARCHAR", "isolation": "VARCHAR", "kernel": "VARCHAR", "version": "VARCHAR", "journal": "VARCHAR",
    "parent": "VARCHAR", "relation": "VARCHAR", "forked_at": "INTEGER",
    "code": "BOOLEAN", "targets": ["VARCHAR"], "tools": ["VARCHAR"], "checks": "JSON", "forecast": "JSON",
    "options": "JSON",
    "budget": {"usd": "DOUBLE", "tokens": "BIGINT", "seconds": "DOUBLE", "iterations": "INTEGER", "calls": "INTEGER"},
    "price": {"prompt": "DOUBLE", "completion": "DOUBLE", "cached": "DOUBLE", "reasoning": "DOUBLE",
        "source": "VARCHAR"}}""",
    "run_resumed": """{
    "model": "VARCHAR", "isolation": "VARCHAR", "kernel": "VARCHAR", "version": "VARCHAR",
    "journal": "VARCHAR",
    "budget": {"usd": "DOUBLE", "tokens": "BIGINT", "seconds": "DOUBLE", "iterations": "INTEGER",
               "calls": "INTEGER"}}""",
    "state_changed": '{"to": "VARCHAR"}',
    "call_started": """{
    "call": "INTEGER", "purpose": "VARCHAR", "model": "VARCHAR", "sampling": "JSON", "counting": "VARCHAR",
    "messages": [{"role": "VARCHAR", "content": {"text": "VARCHAR"}}],
    "parts": [{"name": "VARCHAR", "tokens": "BIGINT", "dropped": "BIGINT"}],
    "reserved_usd": "DOUBLE", "reserved_tokens": "BIGINT",
    "price": {"prompt": "DOUBLE", "completion": "DOUBLE", "cached": "DOUBLE", "reasoning": "DOUBLE"}}""",
    "call_finished": """{
    "call": "INTEGER", "text": {"text": "VARCHAR"}, "prompt_tokens": "BIGINT", "completion_tokens": "BIGINT",
    "cached_tokens": "BIGINT", "reasoning_tokens": "BIGINT", "usd": "DOUBLE", "estimated": "BOOLEAN",
    "seconds": "DOUBLE", "first_token_seconds": "DOUBLE", "finish_reason": "VARCHAR", "error": "VARCHAR",
    "message": "VARCHAR", "answered_by": "VARCHAR"}""",
    "tool_call_started": '{"number": "INTEGER", "tool": "VARCHAR", "arguments": "VARCHAR"}',
    "tool_call_finished": """{
    "number": "INTEGER", "result": {"text": "VARCHAR"}, "error": "VARCHAR", "seconds": "DOUBLE"}""",
    "candidate_proposed": '{"candidate_kind": "VARCHAR", "text": {"text": "VARCHAR"}, "digest": "VARCHAR"}',
    "candidate_executed": """{
    "observation": {"exit": "VARCHAR", "fault": {"type": "VARCHAR", "message": "VARCHAR", "frames": "JSON"},
    "stdout": {"text": "VARCHAR"}, "stderr": {"text": "VARCHAR"}, "clipped": "BOOLEAN", "seconds": "DOUBLE",
    "cpu_seconds": "DOUBLE", "peak_bytes": "BIGINT", "kill_seconds": "DOUBLE", "isolation": "VARCHAR",
    "files": [{"name": "VARCHAR", "bytes": "BIGINT", "kept": "VARCHAR"}],
    "figures": [{"kind": "VARCHAR", "title": "VARCHAR", "content": {"text": "VARCHAR"}}]}}""",
    "checks_evaluated": """{
    "verdicts": [{"check": "VARCHAR", "layer": "VARCHAR", "passed": "BOOLEAN", "message": "VARCHAR",
    "values": "JSON", "metric": {"value": "DOUBLE", "target": "DOUBLE", "direction": "VARCHAR"},
    "seconds": "DOUBLE", "hidden": "BOOLEAN", "fault": {"type": "VARCHAR", "message": "VARCHAR"}}]}""",
    "iteration_finished": """{
    "passed": "INTEGER", "total": "INTEGER", "progress": "DOUBLE", "score": "DOUBLE", "best": "BOOLEAN",
    "why": "VARCHAR", "error": "VARCHAR", "phases": "JSON", "forecast": "JSON", "feedback": ["VARCHAR"],
    "usage": {"usd": "DOUBLE", "tokens": "BIGINT", "seconds": "DOUBLE"}}""",
    "request_adapted": '{"what": "VARCHAR", "before": "VARCHAR", "after": "VARCHAR", "reason": "VARCHAR"}',
    "breaker_changed": """{
    "model": "VARCHAR", "fault": "VARCHAR", "source": "VARCHAR", "to": "VARCHAR", "failures": "INTEGER",
    "pause": "DOUBLE"}""",
    "run_steered": '{"action": "VARCHAR", "value": "VARCHAR"}',
    "note_added": '{"message": "VARCHAR"}',
    "run_ended": """{
    "reason": "VARCHAR", "message": "VARCHAR", "iterations": "INTEGER", "best": "INTEGER", "delivered": "JSON",
    "usage": {"usd": "DOUBLE", "tokens": "BIGINT", "seconds": "DOUBLE", "calls": "INTEGER"}}""",
}

# What a batch must have for a statement to have something to do, and the statement, in the order they run.
STATEMENTS: tuple[tuple[str, str], ...] = (
    (
        "fresh",
        """INSERT INTO events (run_id, seq, happened_at, kind, iteration, body, hash)
       SELECT run_id, seq, moment, kind, iteration, body, hash FROM fresh""",
    ),
    (
        "fresh",
        """INSERT INTO runs (run_id, started_at, usd, tokens, seconds, iterations, calls, events)
       SELECT run_id, arg_min(moment, seq), 0, 0, 0, 0, 0, 0
       FROM fresh ANTI JOIN runs USING (run_id) GROUP BY run_id""",
    ),
    (
        "run_started",
        """UPDATE runs SET loop = e.loop, goal = e.goal, source_sha = e.source.text, fingerprint = e.fingerprint,
           model = e.model, isolation = e.isolation, kernel = e.kernel, version = e.version, journal = e.journal,
           parent = e.parent, relation = nullif(e.relation, ''), forked_at = e.forked_at, resumed = 0,
           code = e.code, targets = e.targets, tools = e.tools, checks = e.checks, options = e.options,
           forecast = nullif(e.forecast, '{}'), budget_usd = e.budget.usd, budget_tokens = e.budget.tokens,
           budget_seconds = e.budget.seconds,
           budget_iterations = e.budget.iterations, budget_calls = e.budget.calls, price_prompt = e.price.prompt,
           price_completion = e.price.completion, price_cached = e.price.cached,
           price_reasoning = e.price.reasoning, price_source = e.price.source
       FROM run_started WHERE runs.run_id = run_started.run_id""",
    ),
    (
        "fresh",
        """INSERT INTO iterations (run_id, iteration, started_at)
       SELECT run_id, iteration, arg_min(moment, seq) FROM fresh JOIN runs USING (run_id)
       WHERE iteration > coalesce(current_iteration, -1)
         AND (iteration > 0 OR kind IN ('candidate_proposed', 'candidate_executed', 'checks_evaluated',
                                        'iteration_finished'))
       GROUP BY run_id, iteration ORDER BY ALL""",
    ),
    (
        "candidate_proposed",
        """UPDATE iterations SET candidate_sha = e.text.text, candidate_kind = e.candidate_kind, digest = e.digest
       FROM (FROM candidate_proposed
             QUALIFY row_number() OVER (PARTITION BY run_id, iteration ORDER BY seq DESC) = 1) AS last
       WHERE iterations.run_id = last.run_id AND iterations.iteration = last.iteration""",
    ),
    (
        "iteration_finished",
        """UPDATE iterations SET ended_at = moment, passed = e.passed, total = e.total, progress = e.progress,
           score = e.score, best = e.best, why = e.why, error = nullif(e.error, ''), feedback = e.feedback,
           phases = e.phases, forecast = nullif(e.forecast, '{}'), usd = e.usage.usd, tokens = e.usage.tokens,
           seconds = e.usage.seconds
       FROM (FROM iteration_finished
             QUALIFY row_number() OVER (PARTITION BY run_id, iteration ORDER BY seq DESC) = 1) AS last
       WHERE iterations.run_id = last.run_id AND iterations.iteration = last.iteration""",
    ),
    (
        "call_started",
        """INSERT INTO calls (run_id, call, iteration, purpose, model, started_at, reserved_usd, reserved_tokens,
           price_prompt, price_completion, price_cached, price_reasoning, sampling, parts, counting, messages)
       SELECT run_id, e.call, iteration, e.purpose, e.model, moment, e.reserved_usd, e.reserved_tokens,
           e.price.prompt, e.price.completion, e.price.cached, e.price.reasoning, e.sampling, e.parts,
           nullif(e.counting, ''),
           list_transform(e.messages, lambda m: {'role': m.role, 'sha': m.content.text})
       FROM call_started""",
    ),
    (
        "call_finished",
        """UPDATE calls SET ended_at = moment, answer_sha = e.text.text, prompt_tokens = paid * e.prompt_tokens,
           completion_tokens = paid * e.completion_tokens, cached_tokens = paid * e.cached_tokens,
           reasoning_tokens = paid * e.reasoning_tokens, usd = paid * e.usd, estimated = e.estimated,
           seconds = e.seconds, first_token_seconds = e.first_token_seconds,
           finish_reason = nullif(e.finish_reason, ''), error = nullif(e.error, ''),
           message = nullif(e.message, ''), answered_by = nullif(e.answered_by, '')
       FROM (
           SELECT run_id, moment, e, CASE WHEN relation = 'replay' THEN 0 ELSE 1 END AS paid
           FROM call_finished JOIN runs USING (run_id)
       ) AS finished
       WHERE calls.run_id = finished.run_id AND calls.call = e.call""",
    ),
    (
        "tool_call_started",
        """INSERT INTO tool_calls (run_id, number, iteration, tool, arguments, started_at)
       SELECT run_id, e.number, iteration, e.tool, TRY_CAST(e.arguments AS JSON), moment
       FROM tool_call_started ORDER BY run_id, seq""",
    ),
    (
        "tool_call_finished",
        """UPDATE tool_calls SET ended_at = moment, seconds = e.seconds, error = nullif(e.error, ''),
           result_sha = e.result.text
       FROM tool_call_finished WHERE tool_calls.run_id = tool_call_finished.run_id AND tool_calls.number = e.number""",
    ),
    (
        "candidate_executed",
        """INSERT INTO actions (run_id, seq, iteration, acted_at, exit, fault_type, fault_message, stdout_sha,
           stderr_sha, clipped, seconds, cpu_seconds, peak_bytes, kill_seconds, isolation, files, figures, frames)
       SELECT run_id, seq, iteration, moment, o.exit, o.fault.type, o.fault.message, o.stdout.text, o.stderr.text,
           o.clipped, o.seconds, o.cpu_seconds, o.peak_bytes, o.kill_seconds, o.isolation,
           list_transform(o.files, lambda f: {'name': f.name, 'bytes': f.bytes, 'kept': nullif(f.kept, '')}),
           list_transform(o.figures, lambda f: {'kind': f.kind, 'title': f.title, 'sha': f.content.text}),
           o.fault.frames
       FROM (SELECT *, e.observation AS o FROM candidate_executed)""",
    ),
    (
        "checks_evaluated",
        """INSERT INTO verdicts (run_id, seq, iteration, judged_at, position, check_name, layer, passed, hidden,
           message, metric_value, metric_target, metric_direction, seconds, fault_type, fault_message, details)
       SELECT run_id, seq, iteration, moment, position, v."check", v.layer, v.passed, v.hidden, nullif(v.message, ''),
           v.metric.value, v.metric.target, v.metric.direction, v.seconds, v.fault.type, v.fault.message, v."values"
       FROM (SELECT *, unnest(e.verdicts) AS v, unnest(range(1, len(e.verdicts) + 1)) AS position
             FROM checks_evaluated)""",
    ),
    (
        "request_adapted",
        """INSERT INTO decisions (run_id, seq, iteration, decided_at, what, was, became, reason)
       SELECT run_id, seq, iteration, moment, e.what, e.before, e.after, e.reason
       FROM request_adapted ORDER BY run_id, seq""",
    ),
    (
        "breaker_changed",
        """INSERT INTO breakers (run_id, seq, iteration, moved_at, model, fault, was, became, failures, pause)
       SELECT run_id, seq, iteration, moment, e.model, e.fault, e.source, e."to", e.failures, e.pause
       FROM breaker_changed ORDER BY run_id, seq""",
    ),
    (
        "run_steered",
        """INSERT INTO notes (run_id, seq, iteration, noted_at, action, message)
       SELECT run_id, seq, iteration, moment, e.action, e.value
       FROM run_steered ORDER BY run_id, seq""",
    ),
    (
        "note_added",
        """INSERT INTO notes (run_id, seq, iteration, noted_at, action, message)
       SELECT run_id, seq, iteration, moment, 'note', e.message
       FROM note_added ORDER BY run_id, seq""",
    ),
    (
        "fresh",
        """UPDATE runs SET events = last.seq, tip = last.hash, updated_at = last.moment,
           current_iteration = greatest(current_iteration, last.iteration)
       FROM (SELECT run_id, max(seq) AS seq, arg_max(hash, seq) AS hash, arg_max(moment, seq) AS moment,
                    max(iteration) AS iteration FROM fresh GROUP BY run_id) AS last
       WHERE runs.run_id = last.run_id""",
    ),
    (
        "state_changed",
        """UPDATE runs SET state = last.state
       FROM (SELECT run_id, arg_max(e."to", seq) AS state FROM state_changed GROUP BY run_id) AS last
       WHERE runs.run_id = last.run_id""",
    ),
    (
        "call_finished",
        """UPDATE runs SET calls = runs.calls + added.calls, usd = runs.usd + added.usd,
           tokens = runs.tokens + added.tokens
       FROM (SELECT run_id, count(*) AS calls, coalesce(sum(paid * e.usd), 0) AS usd,
                    sum(paid * (coalesce(e.prompt_tokens, 0) + coalesce(e.completion_tokens, 0))) AS tokens
             FROM (SELECT run_id, e, CASE WHEN relation = 'replay' THEN 0 ELSE 1 END AS paid
                   FROM call_finished JOIN runs USING (run_id))
             GROUP BY run_id) AS added
       WHERE runs.run_id = added.run_id""",
    ),
    (
        "iteration_finished",
        """UPDATE runs SET iterations = runs.iterations + added.iterations,
           seconds = runs.seconds + added.seconds, best_iteration = coalesce(added.best, runs.best_iteration)
       FROM (SELECT run_id, count(*) FILTER (iteration > 0) AS iterations, sum(coalesce(e.usage.seconds, 0)) AS seconds,
                    max(iteration) FILTER (e.best) AS best FROM iteration_finished GROUP BY run_id) AS added
       WHERE runs.run_id = added.run_id""",
    ),
    (
        "run_ended",
        """UPDATE runs SET ended_at = moment, state = 'end', stop_reason = e.reason, message = e.message,
           iterations = e.iterations, best_iteration = e.best, delivered = e.delivered,
           seconds = coalesce(e.usage.seconds, runs.seconds)
       FROM (FROM run_ended QUALIFY row_number() OVER (PARTITION BY run_id ORDER BY seq DESC) = 1) AS last
       WHERE runs.run_id = last.run_id""",
    ),
    (
        "run_resumed",
        """UPDATE runs SET resumed = coalesce(runs.resumed, 0) + last.times, model = e.model, isolation = e.isolation,
           kernel = e.kernel, version = e.version, journal = e.journal, budget_usd = e.budget.usd,
           budget_tokens = e.budget.tokens, budget_seconds = e.budget.seconds,
           budget_iterations = e.budget.iterations, budget_calls = e.budget.calls
       FROM (SELECT run_id, e, count(*) OVER (PARTITION BY run_id) AS times FROM run_resumed
             QUALIFY row_number() OVER (PARTITION BY run_id ORDER BY seq DESC) = 1) AS last
       WHERE runs.run_id = last.run_id""",
    ),
    ("run_resumed", "DELETE FROM lost WHERE run_id IN (SELECT run_id FROM run_resumed)"),
    (
        "run_resumed",
        """UPDATE runs SET ended_at = NULL, stop_reason = NULL, message = NULL, delivered = NULL
       FROM (SELECT run_id, max(seq) AS seq FROM run_resumed GROUP BY run_id) AS last
       WHERE runs.run_id = last.run_id AND last.seq > coalesce(
           (SELECT max(seq) FROM events WHERE events.run_id = runs.run_id AND kind = 'run_ended'), 0)""",
    ),
)

# A run that goes on after its end: its sums are those of its rows, because a round may have been decided twice.
RESUMED = "SELECT count(*) FROM runs SEMI JOIN fresh USING (run_id) WHERE resumed > 0 AND stop_reason IS NULL"
SUMS = """
UPDATE runs SET usd = spent.usd, tokens = spent.tokens, calls = spent.calls, iterations = spent.iterations,
    seconds = spent.seconds, best_iteration = spent.best_iteration
FROM (
    SELECT run_id, coalesce(usd, 0) AS usd, coalesce(tokens, 0) AS tokens, coalesce(calls, 0) AS calls,
           coalesce(iterations, 0) AS iterations, coalesce(seconds, 0) AS seconds, best_iteration
    FROM (SELECT run_id FROM runs SEMI JOIN fresh USING (run_id) WHERE resumed > 0 AND stop_reason IS NULL)
    LEFT JOIN (
        SELECT run_id, sum(usd) AS usd, sum(coalesce(prompt_tokens, 0) + coalesce(completion_tokens, 0)) AS tokens,
               count(*) AS calls FROM calls WHERE ended_at IS NOT NULL GROUP BY run_id
    ) USING (run_id)
    LEFT JOIN (
        SELECT run_id, count(*) FILTER (iteration > 0) AS iterations, sum(seconds) AS seconds,
               max(iteration) FILTER (best) AS best_iteration
        FROM iterations WHERE ended_at IS NOT NULL GROUP BY run_id
    ) USING (run_id)
) AS spent
WHERE runs.run_id = spent.run_id
"""


def project(cursor: Cursor) -> None:
    """Write the rows of the events in `batch`, inside the caller's transaction."""
    run(cursor, SELECT)
    present = {"fresh"}
    for (kind,) in run(cursor, "SELECT DISTINCT kind FROM fresh"):
        if kind in SHAPES:
            present.add(kind)
            run(cursor, READ.format(shape=SHAPES[kind], kind=kind))
    for needed, statement in STATEMENTS:
        if needed in present:
            run(cursor, statement)
    if run(cursor, RESUMED)[0][0]:
        run(cursor, SUMS)
    heads.append(cursor)


def script(texts: str) -> str:
    """The transaction as one script, for a database that takes it in a single request."""
    reads = [READ.format(shape=shape, kind=kind) for kind, shape in SHAPES.items()]
    statements = [*(statement for _, statement in STATEMENTS), SUMS, heads.STORED, heads.APPEND, texts]
    return ";\n".join(["BEGIN", SELECT, *reads, *statements, "COMMIT"])
