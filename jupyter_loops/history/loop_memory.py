"""Schema v6: what the runs of a loop have from earlier ones: notes of a person, lessons, verified code."""

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

-- What became of each lesson.
-- shown: later runs of the loop that were told lessons
-- failed_again: those of them that failed the same check all the same
-- Example: SELECT loop, text, shown, failed_again, dropped FROM lesson_effects
CREATE VIEW lesson_effects AS
SELECT lesson.loop AS loop, lesson.number AS number, lesson.text AS text, lesson.failure AS failure,
       lesson.made_at AS made_at, lesson.dropped AS dropped, count(told.run_id) AS shown,
       count(again.run_id) AS failed_again
FROM (SELECT * FROM loop_memory WHERE kind = 'lesson') AS lesson
LEFT JOIN (
    SELECT DISTINCT runs.run_id AS run_id, runs.loop AS loop, runs.started_at AS started_at
    FROM runs JOIN call_parts ON call_parts.run_id = runs.run_id
    WHERE call_parts.name = 'lessons' AND call_parts.tokens > 0
) AS told ON told.loop = lesson.loop AND told.started_at > lesson.made_at
LEFT JOIN (
    SELECT DISTINCT run_id, check_name FROM verdicts WHERE NOT passed
) AS again ON again.run_id = told.run_id AND again.check_name = lesson.failure
GROUP BY ALL ORDER BY lesson.loop, lesson.number;

-- Code that was verified, newest first: one row a run.
-- text: the verified code
-- verified_at: UTC
-- Example: SELECT loop, targets, model, verified_at FROM verified_code LIMIT 10
CREATE VIEW verified_code AS
SELECT runs.run_id AS run_id, runs.loop AS loop, runs.goal AS goal, runs.model AS model, runs.targets AS targets,
       proposals.text AS text,
       runs.ended_at AS verified_at
FROM runs JOIN iterations ON iterations.run_id = runs.run_id AND iterations.iteration = best_iteration
     JOIN texts AS proposals ON proposals.sha = candidate_sha
WHERE stop_reason = 'verified' AND code AND proposals.text IS NOT NULL
      AND relation IS DISTINCT FROM 'replay'
ORDER BY runs.ended_at DESC;
"""

# Verified code with one target, most like the goal first.
VERIFIED_CODE = """
SELECT loop, run_id, targets[1] AS target, text FROM verified_code WHERE len(targets) = 1
QUALIFY row_number() OVER (PARTITION BY target, text ORDER BY verified_at DESC) = 1
ORDER BY jaccard(lower(coalesce(goal, '') || ' '), lower($goal || ' ')) DESC, verified_at DESC LIMIT 200
"""

# Failed visible checks of earlier runs of the loop, those of the most similar goals first. What is hidden now may have
# been visible then.
FAILURES = """
SELECT verdict.check_name || CASE WHEN verdict.message IS NULL OR starts_with(verdict.message, verdict.check_name)
                                  THEN '' ELSE ': ' || verdict.message END AS failure
FROM verdicts AS verdict JOIN runs ON runs.run_id = verdict.run_id
WHERE runs.loop = $loop AND NOT verdict.passed AND NOT verdict.hidden AND verdict.layer IN ('checks', 'metrics')
      AND NOT list_contains($hidden::VARCHAR[], verdict.check_name)
      AND verdict.judged_at > coalesce(
          (SELECT max(made_at) FROM loop_memory WHERE kind = 'forgotten' AND loop_memory.loop = $loop), '-infinity')
GROUP BY failure
ORDER BY max(jaccard(lower(coalesce(runs.goal, '') || ' '), lower($goal || ' '))) DESC, count(*) DESC,
         max(verdict.judged_at) DESC
LIMIT $most
"""

TOLD = "SELECT text, failure FROM loop_memory WHERE loop = $loop AND kind = $kind AND dropped IS NULL ORDER BY number"
ADD = """
INSERT INTO loop_memory (loop, kind, number, text, run_id, iteration, failure, made_at)
SELECT $loop, $kind, coalesce(max(number), 0) + 1, $text, $run, $iteration, $failure, now()::TIMESTAMP
FROM loop_memory WHERE loop = $loop AND kind = $kind
"""
REMOVE = "DELETE FROM loop_memory WHERE loop = $loop AND kind = $kind"
# Lessons that were told to enough runs, half of which failed the same check all the same.
USELESS = """
SELECT number, failed_again || ' of ' || shown || ' runs that were told it failed the same check' AS why
FROM lesson_effects WHERE loop = $loop AND dropped IS NULL AND shown >= $enough AND failed_again * 2 >= shown
"""
DROP = "UPDATE loop_memory SET dropped = $why WHERE loop = $loop AND kind = 'lesson' AND number = $number"
KINDS_TOLD = "SELECT DISTINCT kind FROM loop_memory WHERE loop = $loop AND dropped IS NULL"
