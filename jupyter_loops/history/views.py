"""The views of schema v1: the questions that people ask first.

A comment line `column: text` describes a column; one that is not described there is the equally named column of the
first table that the view reads (comments.py). No IF(): DuckDB 2 keeps it in a form that 1.5 does not know.
"""

from __future__ import annotations

VIEWS = """
-- One line a run, newest first.
-- status: the stop reason; `running: STATE`; `kernel ended: STATE` when it was found dead in the middle
-- Example: SELECT loop, status, iterations, usd FROM run_summary LIMIT 10
CREATE VIEW run_summary AS
SELECT run_id, loop, model,
       coalesce(stop_reason::VARCHAR, CASE WHEN noticed_at >= updated_at THEN 'kernel ended' ELSE 'running' END
                || coalesce(': ' || state::VARCHAR, '')) AS status,
       stop_reason, state, iterations, best_iteration, usd, tokens, seconds, calls, isolation,
       started_at, ended_at, updated_at, message, goal, fingerprint,
       parent, relation, forked_at, resumed
FROM runs LEFT JOIN lost USING (run_id) ORDER BY started_at DESC, run_id DESC;

-- How near each round came, and what it cost so far.
-- best_progress: the highest progress up to this round
-- total_usd: US dollars up to this round
-- total_tokens: tokens up to this round
-- Example: SELECT iteration, progress, best_progress, total_usd FROM iteration_progress WHERE run_id = $run
CREATE VIEW iteration_progress AS
SELECT run_id, loop, iteration, passed, total, progress, max(progress) OVER upto AS best_progress, score, i.best, why,
       i.usd, i.tokens, i.seconds, sum(i.usd) OVER upto AS total_usd, sum(i.tokens) OVER upto AS total_tokens,
       i.started_at, i.ended_at, digest, phases
FROM iterations AS i JOIN runs USING (run_id)
WINDOW upto AS (PARTITION BY run_id ORDER BY iteration);

-- What each finished call cost: its raw usage at the price that was listed then, or at a correction of it.
-- charged: US dollars, as the ledger counted; NULL where the price was not known
-- usd: US dollars, as it is known today; NULL where it still is not
-- corrected: whether a correction was used
-- Example: SELECT model, sum(charged) AS charged, sum(usd) AS usd FROM costs GROUP BY model
CREATE VIEW costs AS
SELECT run_id, call, iteration, purpose, model, started_at, ended_at, prompt_tokens, completion_tokens, cached_tokens,
       reasoning_tokens, charged, corrected,
       CASE WHEN corrected THEN
           (prompt_tokens - hits) * fixed.prompt + hits * coalesce(fixed.cached, fixed.prompt)
           + (completion_tokens - thoughts) * fixed.completion + thoughts * coalesce(fixed.reasoning, fixed.completion)
       WHEN price_prompt IS NULL THEN charged ELSE
           (prompt_tokens - hits) * price_prompt + hits * coalesce(price_cached, price_prompt)
           + (completion_tokens - thoughts) * price_completion
           + thoughts * coalesce(price_reasoning, price_completion) END AS usd
FROM (
    SELECT calls.*, calls.usd AS charged, fixed, fixed.prompt IS NOT NULL AS corrected,
           least(greatest(coalesce(cached_tokens, 0), 0), prompt_tokens) AS hits,
           least(greatest(coalesce(reasoning_tokens, 0), 0), completion_tokens) AS thoughts
    FROM calls LEFT JOIN (
        SELECT *, coalesce(lead(since) OVER (PARTITION BY model ORDER BY since), TIMESTAMP 'infinity') AS until
        FROM corrections
    ) AS fixed ON calls.model = fixed.model AND calls.started_at >= fixed.since AND calls.started_at < fixed.until
    WHERE ended_at IS NOT NULL
);

-- What each model took and cost.
-- calls: finished ones
-- runs: that asked it
-- prompt_tokens: tokens of all prompts
-- completion_tokens: tokens of all answers
-- usd: US dollars, without the calls whose price is unknown
-- calls_without_price: calls that `usd` does not cover
-- Example: SELECT model, calls, usd FROM cost_by_model
CREATE VIEW cost_by_model AS
SELECT model, count(*) AS calls, count(DISTINCT run_id) AS runs, sum(prompt_tokens) AS prompt_tokens,
       sum(completion_tokens) AS completion_tokens, sum(usd) AS usd,
       count(*) FILTER (usd IS NULL) AS calls_without_price
FROM costs GROUP BY model ORDER BY usd DESC NULLS LAST, calls DESC;

-- What each day cost, by model, newest first.
-- day: UTC, when the call was made
-- calls: finished ones
-- runs: that made them
-- tokens: prompt and completion
-- usd: US dollars, without the calls whose price is unknown
-- Example: SELECT day, sum(usd) AS usd FROM cost_by_day GROUP BY day ORDER BY day DESC LIMIT 30
CREATE VIEW cost_by_day AS
SELECT day, model, sum(calls)::BIGINT AS calls, count(*) AS runs, sum(tokens)::BIGINT AS tokens, sum(usd) AS usd
FROM (
    SELECT started_at::DATE AS day, model, run_id, count(*) AS calls,
           sum(prompt_tokens + completion_tokens) AS tokens, sum(usd) AS usd
    FROM costs GROUP BY ALL
) GROUP BY ALL ORDER BY day DESC, usd DESC NULLS LAST;

-- How long the calls took that were answered.
-- calls: answered ones
-- p50: seconds, half of the answers were quicker
-- p95: seconds, 95 % of the answers were quicker
-- ttft_p50: seconds to the first token, median of the streamed answers
-- ttft_p95: seconds to the first token, 95th percentile of the streamed answers
-- tokens_per_second: tokens of the answers over the seconds of the calls
-- Example: SELECT model, p50, p95, ttft_p50 FROM latency
CREATE VIEW latency AS
SELECT model, calls, took[1] AS p50, took[2] AS p95, ttft[1] AS ttft_p50, ttft[2] AS ttft_p95, tokens_per_second
FROM (
    SELECT model, count(*) AS calls, quantile_cont(seconds, [0.5, 0.95]) AS took,
           quantile_cont(first_token_seconds, [0.5, 0.95]) AS ttft,
           sum(completion_tokens) / nullif(sum(seconds), 0) AS tokens_per_second
    FROM calls WHERE ended_at IS NOT NULL AND error IS NULL GROUP BY model
) ORDER BY calls DESC;

-- What went wrong, most frequent first.
-- source: check, sandbox, model, tool
-- what: the check, the class of the exception or of the fault
-- times: how often
-- runs: in how many runs
-- example: one of the messages
-- Example: SELECT what, times, example FROM failures WHERE source = 'check' LIMIT 10
CREATE VIEW failures AS
SELECT loop, f.source, f.what, count(*) AS times, count(DISTINCT f.run_id) AS runs, any_value(f.message) AS example
FROM (
    SELECT run_id, 'check' AS source, check_name AS what, message FROM verdicts WHERE NOT passed
    UNION ALL
    SELECT run_id, 'sandbox', coalesce(fault_type, exit), fault_message FROM actions WHERE exit <> 'ok'
    UNION ALL
    SELECT run_id, 'model', error, message FROM calls WHERE error IS NOT NULL
    UNION ALL
    SELECT run_id, 'tool', concat(tool, ': ', error), text FROM tool_calls LEFT JOIN texts ON sha = result_sha
    WHERE error IS NOT NULL
) AS f JOIN runs USING (run_id)
GROUP BY ALL ORDER BY times DESC, loop, what;

-- How runs end.
-- runs: that ended so
-- iterations: rounds, on average
-- usd: US dollars of all of them
-- tokens: of all of them
-- Example: SELECT stop_reason, runs FROM stop_reasons
CREATE VIEW stop_reasons AS
SELECT stop_reason, count(*) AS runs, avg(iterations) AS iterations, sum(usd) AS usd, sum(tokens) AS tokens
FROM runs WHERE stop_reason IS NOT NULL GROUP BY stop_reason ORDER BY runs DESC, stop_reason;

-- Where the prompt tokens go.
-- name: of the part: goal, targets, checks, …
-- calls: whose prompt had it
-- tokens: on average
-- total_tokens: of all calls
-- dropped: tokens that did not fit, of all calls
-- Example: SELECT name, total_tokens, dropped FROM prompt_parts
CREATE VIEW prompt_parts AS
SELECT model, part.name, count(*) AS calls, avg(part.tokens) AS tokens, sum(part.tokens) AS total_tokens,
       sum(part.dropped) AS dropped
FROM (SELECT model, unnest(parts) AS part FROM calls) GROUP BY ALL ORDER BY total_tokens DESC, part.name;

-- What each way to ask was worth: rounds from the second on, by what the call was for and its temperature.
-- mode: repair (the last candidate and its failures in view), resample (neither)
-- temperature: 0.2, 0.6 or 1.0, whichever was nearest
-- rounds: that asked so
-- usd: US dollars of those rounds
-- tokens: of those rounds
-- gain: progress beyond the best before, all rounds together
-- Example: SELECT mode, temperature, rounds, gain / rounds AS gain, tokens / rounds AS tokens FROM approaches
CREATE VIEW approaches AS
SELECT loop, asked.model, asked.mode, asked.temperature, count(*) AS rounds, sum(gained.gain) AS gain,
       sum(gained.usd) AS usd, sum(gained.tokens) AS tokens
FROM (
    SELECT run_id, iteration, arg_max(model, call) AS model,
           arg_max(CASE WHEN purpose = 'repair' THEN 'repair' ELSE 'resample' END, call) AS mode,
           arg_max(CASE WHEN warmth <= 0.4 THEN 0.2 WHEN warmth <= 0.8 THEN 0.6 ELSE 1.0 END, call)::DOUBLE
               AS temperature
    FROM (FROM calls SELECT *, coalesce((sampling->>'temperature')::DOUBLE, 0) AS warmth)
    WHERE purpose IN ('plan', 'repair') AND error IS NULL AND ended_at IS NOT NULL GROUP BY ALL
) AS asked
JOIN (
    SELECT run_id, iteration, usd, tokens, greatest(progress - coalesce(max(progress) OVER before, 0), 0) AS gain
    FROM iterations WHERE ended_at IS NOT NULL AND iteration > 0
    WINDOW before AS (PARTITION BY run_id ORDER BY iteration ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
) AS gained USING (run_id, iteration)
JOIN runs USING (run_id)
WHERE iteration > 1 GROUP BY ALL ORDER BY loop, rounds DESC;

-- Files that candidates wrote and that were kept (--keep-files), below the folder `artifacts` of their run.
-- name: relative to the candidate's folder
-- bytes: its size
-- kept: relative to the run's folder of artifacts
-- Example: SELECT iteration, name, bytes, kept FROM artifacts WHERE run_id = $run
CREATE VIEW artifacts AS
SELECT DISTINCT run_id, loop, iteration, f.name AS name, f.bytes AS bytes, f.kept AS kept
FROM (SELECT run_id, iteration, unnest(files) AS f FROM actions) JOIN runs USING (run_id)
WHERE f.kept IS NOT NULL ORDER BY run_id, iteration, name;

-- What candidates and checks drew.
-- kind: png, plotly
-- title: of the figure
-- content: base64 of a PNG; or JSON with the traces in numbers, and the figure itself where it is small
-- Example: SELECT iteration, kind, title, strlen(content) AS size FROM figures WHERE run_id = $run
CREATE VIEW figures AS
SELECT run_id, loop, iteration, seq, f.kind AS kind, f.title AS title, text AS content
FROM (SELECT run_id, iteration, seq, unnest(figures) AS f FROM actions) JOIN runs USING (run_id)
LEFT JOIN texts ON texts.sha = f.sha ORDER BY run_id, seq;

-- What was proposed, in full.
-- kind: code, data
-- text: the candidate; NULL when it was forgotten
-- Example: SELECT iteration, why, text FROM candidates WHERE run_id = $run
CREATE VIEW candidates AS
SELECT run_id, loop, iteration, progress, i.best, why, candidate_kind AS kind, digest, text
FROM iterations AS i JOIN runs USING (run_id) LEFT JOIN texts ON sha = candidate_sha
WHERE candidate_sha IS NOT NULL ORDER BY run_id, iteration;

-- What was asked and what was answered, in full; one row a message, the answer last.
-- position: of the message in its call, from 1
-- role: system, user, assistant, or answer
-- text: the message; NULL when it was forgotten
-- Example: SELECT position, role, text FROM prompts WHERE run_id = $run AND call = 1
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
