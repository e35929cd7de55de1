"""The views of schema v1: the questions that people ask first."""

from __future__ import annotations

VIEWS = """
-- One line a run, newest first.
CREATE VIEW run_summary AS
SELECT run_id, loop, model, coalesce(stop_reason::VARCHAR, 'running: ' || state::VARCHAR, 'running') AS status,
       stop_reason, state, iterations, best_iteration, usd, tokens, seconds, calls, isolation,
       started_at, ended_at, message, goal, fingerprint, parent
FROM runs ORDER BY started_at DESC, run_id DESC;

-- How near each round came, and what it cost so far.
CREATE VIEW iteration_progress AS
SELECT run_id, loop, iteration, passed, total, progress, max(progress) OVER upto AS best_progress, score, i.best, why,
       i.usd, i.tokens, i.seconds, sum(i.usd) OVER upto AS total_usd, sum(i.tokens) OVER upto AS total_tokens,
       i.started_at, i.ended_at, digest, phases
FROM iterations AS i JOIN runs USING (run_id)
WINDOW upto AS (PARTITION BY run_id ORDER BY iteration);

CREATE VIEW cost_by_model AS
SELECT model, count(*) AS calls, count(DISTINCT run_id) AS runs, sum(prompt_tokens) AS prompt_tokens,
       sum(completion_tokens) AS completion_tokens, sum(usd) AS usd,
       count(*) FILTER (usd IS NULL) AS calls_without_price
FROM calls WHERE ended_at IS NOT NULL GROUP BY model ORDER BY usd DESC NULLS LAST, calls DESC;

CREATE VIEW cost_by_day AS
SELECT started_at::DATE AS day, model, count(*) AS calls, count(DISTINCT run_id) AS runs,
       sum(prompt_tokens + completion_tokens) AS tokens, sum(usd) AS usd
FROM calls WHERE ended_at IS NOT NULL GROUP BY ALL ORDER BY day DESC, usd DESC NULLS LAST;

-- Seconds of the calls that were answered; ttft is the time to the first token, where the answer was streamed.
CREATE VIEW latency AS
SELECT model, count(*) AS calls, quantile_cont(seconds, 0.5) AS p50, quantile_cont(seconds, 0.95) AS p95,
       quantile_cont(first_token_seconds, 0.5) AS ttft_p50, quantile_cont(first_token_seconds, 0.95) AS ttft_p95,
       sum(completion_tokens) / nullif(sum(seconds), 0) AS tokens_per_second
FROM calls WHERE ended_at IS NOT NULL AND error IS NULL GROUP BY model ORDER BY calls DESC;

-- What went wrong, most frequent first.
CREATE VIEW failures AS
SELECT loop, f.source, f.what, count(*) AS times, count(DISTINCT f.run_id) AS runs, any_value(f.message) AS example
FROM (
    SELECT run_id, 'check' AS source, check_name AS what, message FROM verdicts WHERE NOT passed
    UNION ALL
    SELECT run_id, 'sandbox', coalesce(fault_type, exit), fault_message FROM actions WHERE exit <> 'ok'
    UNION ALL
    SELECT run_id, 'model', error, message FROM calls WHERE error IS NOT NULL
) AS f JOIN runs USING (run_id)
GROUP BY ALL ORDER BY times DESC, loop, what;

CREATE VIEW stop_reasons AS
SELECT stop_reason, count(*) AS runs, avg(iterations) AS iterations, sum(usd) AS usd, sum(tokens) AS tokens
FROM runs WHERE stop_reason IS NOT NULL GROUP BY stop_reason ORDER BY runs DESC, stop_reason;

-- Where the prompt tokens go.
CREATE VIEW prompt_parts AS
SELECT model, part.name, count(*) AS calls, avg(part.tokens) AS tokens, sum(part.tokens) AS total_tokens,
       sum(part.dropped) AS dropped
FROM (SELECT model, unnest(parts) AS part FROM calls) GROUP BY ALL ORDER BY total_tokens DESC, part.name;

-- What was proposed, in full.
CREATE VIEW candidates AS
SELECT run_id, loop, iteration, progress, i.best, why, candidate_kind AS kind, digest, text
FROM iterations AS i JOIN runs USING (run_id) LEFT JOIN texts ON sha = candidate_sha
WHERE candidate_sha IS NOT NULL ORDER BY run_id, iteration;

-- What was asked and what was answered, in full; one row a message, the answer last.
CREATE VIEW prompts AS
SELECT run_id, call, iteration, model, position, role, text
FROM (
    SELECT run_id, call, iteration, model, unnest(range(1, len(messages) + 1)) AS position,
           unnest(messages).role AS role, unnest(messages).sha AS sha FROM calls
    UNION ALL
    SELECT run_id, call, iteration, model, coalesce(len(messages), 0) + 1, 'answer', answer_sha FROM calls
    WHERE answer_sha IS NOT NULL
) LEFT JOIN texts USING (sha) ORDER BY run_id, call, position;
"""
