"""What earlier runs predict for a new one, in SQL."""

from __future__ import annotations

MOST = 200  # newest runs

# A run says most about the same loop with the same model, less about the loop with another model or another loop.
OUTCOMES = f"""
SELECT iterations AS rounds, stop_reason = 'verified' AS verified,
       CASE WHEN loop = $loop AND model = $model THEN 1.0 WHEN loop = $loop THEN 0.5 ELSE 0.2 END::DOUBLE AS weight,
       coalesce(usd, 0) AS usd, coalesce(tokens, 0)::DOUBLE AS tokens, coalesce(seconds, 0) AS seconds
FROM runs
WHERE stop_reason IS NOT NULL AND stop_reason <> 'error' AND iterations > 0 AND (loop = $loop OR model = $model)
ORDER BY (loop = $loop) DESC, started_at DESC LIMIT {MOST}
"""  # noqa: S608 - a constant of this module

# What servers do not take, by their last word on each part of a request.
REFUSALS = """
WITH said AS (
    SELECT body->>'$.model' AS model, body->>'$.endpoint' AS endpoint, body->>'$.before' AS feature,
           body->>'$.after' AS became, happened_at
    FROM events
    WHERE kind = 'request_adapted' AND body->>'$.what' = 'feature' AND happened_at > $since
      AND run_id IN (SELECT run_id FROM decisions WHERE what = 'feature' AND decided_at > $since)
)
SELECT model, endpoint, feature FROM said WHERE model <> ''
GROUP BY ALL HAVING arg_max(became, happened_at) = 'left out'
"""

# The corrected prices that are valid now.
CORRECTIONS = """
SELECT model, prompt, completion, cached, reasoning FROM corrections WHERE since <= $now
QUALIFY row_number() OVER (PARTITION BY model ORDER BY since DESC) = 1 AND prompt IS NOT NULL
"""

# The state of the bandit that chooses how to ask (engine/bandit.py).
APPROACHES = """
SELECT model, mode, temperature AS degree, sum(rounds)::DOUBLE AS rounds, sum(gain)::DOUBLE AS gain,
       coalesce(sum(usd), 0)::DOUBLE AS usd, coalesce(sum(tokens), 0)::DOUBLE AS tokens
FROM approaches WHERE loop = $loop AND model IN (SELECT unnest($models)) GROUP BY ALL
"""
