"""Schema v2: a run's money and tokens are its own, so that a sum over runs counts nothing twice; a replay takes none.

What a run took together with the runs inside it is in the views, under a name of its own.
"""

from __future__ import annotations

SUMS = """
UPDATE calls SET prompt_tokens = 0, completion_tokens = 0, cached_tokens = 0 * cached_tokens,
    reasoning_tokens = 0 * reasoning_tokens, usd = 0
FROM (SELECT run_id FROM runs WHERE relation = 'replay') AS replays
WHERE calls.run_id = replays.run_id AND ended_at IS NOT NULL;

UPDATE runs SET usd = spent.usd, tokens = spent.tokens, calls = spent.calls
FROM (
    SELECT runs.run_id, coalesce(sum(calls.usd), 0) AS usd, count(calls.run_id) AS calls,
           coalesce(sum(coalesce(prompt_tokens, 0) + coalesce(completion_tokens, 0)), 0) AS tokens
    FROM runs LEFT JOIN calls ON calls.run_id = runs.run_id AND calls.ended_at IS NOT NULL GROUP BY runs.run_id
) AS spent
WHERE runs.run_id = spent.run_id;

-- One line a run, newest first.
-- status: the stop reason; `running: STATE`; `kernel ended: STATE` when it was found dead in the middle
-- usd: US dollars of its own calls; a replay takes none
-- tokens: prompt and completion, of its own calls; a replay takes none
-- total_usd: US dollars with those of the runs inside it; a sum over runs would count them twice
-- total_tokens: tokens with those of the runs inside it; a sum over runs would count them twice
-- Example: SELECT loop, status, iterations, usd, total_usd FROM run_summary LIMIT 10
CREATE OR REPLACE VIEW run_summary AS
WITH RECURSIVE inside AS (
    SELECT run_id AS root, run_id FROM runs
    UNION SELECT inside.root, r.run_id FROM runs AS r JOIN inside ON r.parent = inside.run_id AND r.relation = 'nested'
),
total AS (
    SELECT root AS run_id, sum(usd) AS total_usd, sum(tokens)::BIGINT AS total_tokens
    FROM inside JOIN runs USING (run_id) GROUP BY root
)
SELECT run_id, loop, model,
       coalesce(stop_reason::VARCHAR, CASE WHEN noticed_at >= updated_at THEN 'kernel ended' ELSE 'running' END
                || coalesce(': ' || state::VARCHAR, '')) AS status,
       stop_reason, state, iterations, best_iteration, usd, tokens, seconds, calls, isolation,
       started_at, ended_at, updated_at, message, goal, fingerprint,
       parent, relation, forked_at, resumed, total_usd, total_tokens
FROM runs LEFT JOIN lost USING (run_id) LEFT JOIN total USING (run_id) ORDER BY started_at DESC, run_id DESC;
"""
