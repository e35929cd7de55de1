"""Schema v6: what the runs of a loop have from earlier ones: notes of a person, lessons, verified functions."""

from __future__ import annotations

LOOP_MEMORY = """
-- What later runs of a loop are told: notes of a person, and lessons of earlier runs. Not computed from events.
-- Example: SELECT loop, kind, number, text, dropped FROM loop_memory ORDER BY ALL
CREATE TABLE loop_memory (
    loop      VARCHAR,    -- the name on the %%loop line
    kind      VARCHAR,    -- note, lesson; forgotten: failures before `made_at` are told no more
    number    INTEGER,    -- counts from 1 in the loop and kind
    text      VARCHAR,    -- as the model is told it
    run_id    VARCHAR,    -- of runs: where a lesson comes from
    iteration INTEGER,    -- the round of that run which failed
    failure   VARCHAR,    -- the failed check of that round, which the verified candidate of the run passes
    made_at   TIMESTAMP,  -- UTC
    dropped   VARCHAR     -- why a lesson is told no more; NULL while it is
);

-- What became of each lesson: one row a lesson.
-- shown: later runs of the loop whose first prompt had it
-- failed_again: those of them that failed the same check all the same
-- Example: SELECT loop, text, shown, failed_again, dropped FROM lesson_effects
CREATE VIEW lesson_effects AS
SELECT loop, number, text, failure, made_at, dropped, count(again) AS shown,
       count(again) FILTER (again) AS failed_again
FROM (
    SELECT lessons.*, runs.run_id IS NOT NULL AND EXISTS (
               FROM verdicts WHERE verdicts.run_id = runs.run_id AND NOT verdicts.passed
                   AND verdicts.check_name = lessons.failure) AS was,
           CASE WHEN runs.run_id IS NULL THEN NULL ELSE was END AS again
    FROM (FROM loop_memory WHERE kind = 'lesson') AS lessons
    LEFT JOIN runs ON runs.loop = lessons.loop AND runs.started_at > lessons.made_at AND EXISTS (
        FROM call_parts WHERE call_parts.run_id = runs.run_id AND call_parts.name = 'lessons' AND call_parts.tokens > 0)
) GROUP BY ALL ORDER BY loop, number;

-- Code that was verified, newest first: one row a run.
-- source: the cell's text
-- text: the verified code
-- Example: SELECT loop, targets, model, verified_at FROM verified_code LIMIT 10
CREATE VIEW verified_code AS
SELECT run_id, loop, goal, model, targets, cells.text AS source, code.text AS text, runs.ended_at AS verified_at
FROM runs JOIN iterations USING (run_id) JOIN texts AS code ON code.sha = candidate_sha
     JOIN texts AS cells ON cells.sha = source_sha
WHERE stop_reason = 'verified' AND code AND iterations.iteration = best_iteration AND code.text IS NOT NULL
      AND cells.text IS NOT NULL AND relation IS DISTINCT FROM 'replay'
ORDER BY runs.ended_at DESC;
"""

# The newest verified code of each loop, most like the goal first.
VERIFIED_CODE = """
SELECT loop, run_id, source, text FROM verified_code WHERE len(targets) = 1
QUALIFY row_number() OVER (PARTITION BY loop, text ORDER BY verified_at DESC) = 1
ORDER BY jaccard(lower(coalesce(nullif(goal, ''), '-')), lower($goal)) DESC, verified_at DESC LIMIT 200
"""

# Failed visible checks of earlier runs of the loop. What is hidden now may have been visible then.
FAILURES = """
SELECT check_name || CASE WHEN message IS NULL OR starts_with(message, check_name) THEN '' ELSE ': ' || message END
FROM verdicts JOIN runs USING (run_id)
WHERE loop = $loop AND NOT passed AND NOT hidden AND verdicts.layer <> 'schema' AND check_name IS NOT NULL
      AND NOT list_contains($hidden::VARCHAR[], check_name)
      AND judged_at > coalesce((SELECT max(made_at) FROM loop_memory WHERE kind = 'forgotten' AND loop = $loop),
                               '-infinity')
GROUP BY ALL
ORDER BY max(jaccard(lower(coalesce(nullif(goal, ''), '-')), lower($goal))) DESC, count(*) DESC, max(judged_at) DESC
LIMIT $most
"""

TOLD = "SELECT text FROM loop_memory WHERE loop = $loop AND kind = $kind AND dropped IS NULL ORDER BY number"
ADD = """
INSERT INTO loop_memory (loop, kind, number, text, run_id, iteration, failure, made_at)
SELECT $loop, $kind, coalesce(max(number), 0) + 1, $text, $run, $iteration, $failure, now()::TIMESTAMP
FROM loop_memory WHERE loop = $loop AND kind = $kind
"""
REMOVE = "DELETE FROM loop_memory WHERE loop = $loop AND kind = $kind"
