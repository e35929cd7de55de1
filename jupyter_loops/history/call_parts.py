"""Schema v5: the parts of each call's prompt, and how their tokens were counted."""

from __future__ import annotations

CALL_PARTS = """
ALTER TABLE calls ADD COLUMN counting VARCHAR;  -- of the tokens in `parts`: tokenizer (the model's own), or estimate

-- What each prompt was made of, in order: one row a part of a call.
-- position: of the part in its prompt, from 1
-- name: goal, targets, checks, failures, …
-- tokens: that it takes
-- dropped: tokens of it that did not fit
-- counting: how the tokens were counted: tokenizer (the model's own), or estimate
-- Example: SELECT iteration, name, tokens, dropped, counting FROM call_parts WHERE run_id = $run
CREATE VIEW call_parts AS
SELECT run_id, call, iteration, purpose, model, position, part.name AS name, part.tokens AS tokens,
       part.dropped AS dropped, counting
FROM (
    SELECT run_id, call, iteration, purpose, model, coalesce(counting, 'estimate') AS counting,
           unnest(range(1, len(parts) + 1)) AS position, unnest(parts) AS part FROM calls
) ORDER BY run_id, call, position;
"""
