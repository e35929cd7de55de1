"""Schema v1: what there is in a history, in the words of SQL.

The comments below are the documentation: comments.py carries them into the file, where `%loops schema`, any DuckDB
client and the ER picture read them. A comment line that begins with "Example:" is a query to try.
Every timestamp is UTC, of type TIMESTAMP. Every duration is in seconds, every amount of money in US dollars.
A column that ends in `_sha` refers to `texts.sha`; NULL means there was no text. A value that JSON had and a
typed column cannot hold (a NaN score) is NULL there, and whole in `events.body`.
All tables but `texts`, `lost`, `corrections` and `loop_memory` are computed from `events`, and can be computed again.
"""

from __future__ import annotations

TABLES = """
-- The version of this schema, one row a migration that was applied.
-- Example: SELECT max(version) FROM schema_versions
CREATE TABLE schema_versions (
    version    INTEGER,   -- number of the migration
    applied_at TIMESTAMP  -- UTC
);

-- The states of a run's cycle, and the one vocabulary of ends.
CREATE TYPE run_state AS ENUM ('prepare', 'plan', 'execute', 'observe', 'verify', 'decide', 'wait', 'end');
CREATE TYPE stop_reason AS ENUM ('verified', 'iterations', 'budget_usd', 'budget_tokens', 'budget_time',
    'budget_calls', 'plateau', 'repetition', 'oscillation', 'forecast', 'breaker_open', 'refused', 'stopped',
    'interrupted', 'error');

-- One pursuit of a loop's goal. The row is there from the run's first event, and moves with it.
-- Example: SELECT loop, model, stop_reason, iterations, tokens FROM runs ORDER BY started_at DESC LIMIT 10
CREATE TABLE runs (
    run_id            VARCHAR PRIMARY KEY,  -- sorts by start
    loop              VARCHAR,              -- the name on the %%loop line
    goal              VARCHAR,              -- what to reach, in prose
    source_sha        VARCHAR,              -- the cell's text
    fingerprint       VARCHAR,              -- SHA-256 of recipe and inputs: equal ones are the same question
    model             VARCHAR,              -- as a person chose it
    isolation         VARCHAR,              -- how candidates are kept apart: bubblewrap, process
    kernel            VARCHAR,              -- "pid@host" of the process that ran it
    version           VARCHAR,              -- of jupyter-loops
    journal           VARCHAR,              -- token of the journal it is written to: whoever has it locked is alive
    parent            VARCHAR,              -- run_id it comes from
    relation          VARCHAR,              -- to the parent: fork, replay, nested
    forked_at         INTEGER,              -- round of the parent that a fork goes on from
    resumed           INTEGER,              -- how often it was gone on with after its kernel or the run had ended
    code              BOOLEAN,              -- candidates are Python; otherwise JSON
    targets           VARCHAR[],            -- names that the loop has to produce
    checks            JSON,                 -- [{name, hidden, kind}], in order
    options           JSON,                 -- what else was asked for on the %%loop line
    forecast          JSON,                 -- before the first round, from the runs of the past
    tools             VARCHAR[],            -- that the planner may call, each as one line with its arguments
    budget_usd        DOUBLE,               -- limit in US dollars; NULL is no limit, here and in the other budgets
    budget_tokens     BIGINT,               -- limit in tokens, prompt and completion
    budget_seconds    DOUBLE,               -- limit in seconds of work
    budget_iterations INTEGER,              -- limit in rounds
    budget_calls      INTEGER,              -- limit in model calls
    price_prompt      DOUBLE,               -- US dollars a token; NULL is unknown, which is not free
    price_completion  DOUBLE,               -- US dollars a token; NULL is unknown
    price_cached      DOUBLE,               -- US dollars a cached prompt token; NULL: as any prompt token
    price_reasoning   DOUBLE,               -- US dollars a token of thinking; NULL: as any completion token
    price_source      VARCHAR,              -- where the price is from: option, litellm, …
    started_at        TIMESTAMP,            -- UTC; the run's first event
    ended_at          TIMESTAMP,            -- UTC; NULL while it runs, or when its kernel died
    state             run_state,            -- where it is in its cycle
    stop_reason       stop_reason,          -- NULL while it runs
    message           VARCHAR,              -- the end in one sentence
    usd               DOUBLE,               -- US dollars spent so far
    tokens            BIGINT,               -- prompt and completion, so far
    seconds           DOUBLE,               -- of work, so far; waiting for a person is not counted
    iterations        INTEGER,              -- rounds decided
    calls             INTEGER,              -- model calls finished
    current_iteration INTEGER,              -- the round it is in
    best_iteration    INTEGER,              -- the best round; NULL when there is no candidate
    delivered         JSON,                 -- values of data and text targets, when verified
    events            INTEGER,              -- number of the last event
    tip               VARCHAR,              -- hash of the last event
    updated_at        TIMESTAMP             -- UTC; time of the last event
);

-- One round. Iteration 0 is a stored candidate that was verified again.
-- Example: SELECT iteration, passed, total, why FROM iterations WHERE run_id = $run ORDER BY iteration
CREATE TABLE iterations (
    run_id         VARCHAR,    -- of runs
    iteration      INTEGER,    -- counts from 1; 0 is a stored candidate that was verified again
    started_at     TIMESTAMP,  -- UTC
    ended_at       TIMESTAMP,  -- UTC; NULL until it is decided
    passed         INTEGER,    -- checks that passed
    total          INTEGER,    -- checks
    progress       DOUBLE,     -- 0 to 1; 1 is verified
    score          DOUBLE,     -- of maximize or minimize; NULL where there is none
    best           BOOLEAN,    -- it was the best so far
    why            VARCHAR,    -- the first failure in one line, or what was achieved: what a person reads
    error          VARCHAR,    -- class of what failed: malformed, truncated, candidate, check, …; NULL when it passed
    feedback       VARCHAR[],  -- what the model is told of it, one item a failed check; hidden ones only counted
    usd            DOUBLE,     -- US dollars of this round
    tokens         BIGINT,     -- prompt and completion, of this round
    seconds        DOUBLE,     -- of work, in this round
    phases         JSON,       -- [[state, seconds]], in order
    forecast       JSON,       -- after the round: p, by_round, next_p, expected_usd …; NULL once verified
    candidate_sha  VARCHAR,    -- what the model proposed; of texts
    candidate_kind VARCHAR,    -- code, data
    digest         VARCHAR     -- SHA-256 of the candidate in a normal form: same digest, same proposal
);

-- One request to a model, and its answer or the fault that came instead.
-- Example: SELECT purpose, count(*), sum(prompt_tokens + completion_tokens) AS tokens FROM calls GROUP BY ALL
CREATE TABLE calls (
    run_id               VARCHAR,               -- of runs
    call                 INTEGER,               -- counts from 1 in the run
    iteration            INTEGER,               -- of iterations
    purpose              VARCHAR,               -- plan, repair, judge
    model                VARCHAR,               -- that was asked
    answered_by          VARCHAR,               -- the model as the provider names it
    started_at           TIMESTAMP,             -- UTC
    ended_at             TIMESTAMP,             -- UTC; NULL while in flight, or when the kernel died
    prompt_tokens        BIGINT,                -- tokens of the prompt, cached ones included
    completion_tokens    BIGINT,                -- tokens of the answer, reasoning included
    cached_tokens        BIGINT,                -- prompt tokens that the provider had cached
    reasoning_tokens     BIGINT,                -- completion tokens that were spent on thinking
    estimated            BOOLEAN,               -- tokens were counted here, because the provider sent none
    usd                  DOUBLE,                -- US dollars; NULL: the model's price is unknown
    seconds              DOUBLE,                -- from the request to the end of the answer
    first_token_seconds  DOUBLE,                -- from the request to the first token; NULL where it was not streamed
    finish_reason        VARCHAR,               -- stop, length, content_filter, tool_calls
    error                VARCHAR,               -- the class of the fault; NULL when the model answered
    message              VARCHAR,               -- of the fault, in one line
    reserved_usd         DOUBLE,                -- US dollars, the worst case, set aside before the call
    reserved_tokens      BIGINT,                -- tokens, the worst case, set aside before the call
    price_prompt         DOUBLE,                -- US dollars a token, as listed then; NULL is unknown
    price_completion     DOUBLE,                -- US dollars a token, as listed then; NULL is unknown
    price_cached         DOUBLE,                -- US dollars a cached prompt token; NULL: as any prompt token
    price_reasoning      DOUBLE,                -- US dollars a token of thinking; NULL: as any completion token
    sampling             JSON,                  -- temperature, max_tokens and the like
    parts                STRUCT(name VARCHAR, tokens BIGINT, dropped BIGINT)[],  -- of the prompt
    messages             STRUCT(role VARCHAR, sha VARCHAR)[],  -- the prompt; sha is of texts
    answer_sha           VARCHAR                -- the answer; of texts
);

-- One call of a tool (`@tool`) that a model asked for, before it gave its answer.
-- Example: SELECT tool, count(*) AS calls, avg(seconds) AS seconds, count(error) AS failed FROM tool_calls GROUP BY ALL
CREATE TABLE tool_calls (
    run_id     VARCHAR,    -- of runs
    number     INTEGER,    -- counts from 1 in the run
    iteration  INTEGER,    -- of iterations
    tool       VARCHAR,    -- the function's name, as the model wrote it
    arguments  JSON,       -- as the model wrote them; NULL where that is no JSON
    started_at TIMESTAMP,  -- UTC; on record before the call was made
    ended_at   TIMESTAMP,  -- UTC; NULL while it goes on, or when the kernel died: a resumed run makes it again
    seconds    DOUBLE,     -- that the tool took
    error      VARCHAR,    -- unknown, arguments, busy, raised, timeout, cancelled; NULL when it returned
    result_sha VARCHAR     -- what the model was told; of texts
);

-- One run of a candidate in the sandbox.
-- Example: SELECT exit, fault_type, count(*) AS times FROM actions GROUP BY ALL ORDER BY times DESC
CREATE TABLE actions (
    run_id        VARCHAR,    -- of runs
    seq           INTEGER,    -- of its event
    iteration     INTEGER,    -- of iterations
    acted_at      TIMESTAMP,  -- UTC
    exit          VARCHAR,    -- ok, raised, invalid, wall, cpu, memory, processes, output, died, garbage, killed
    fault_type    VARCHAR,    -- class of the exception
    fault_message VARCHAR,    -- of the exception, in one line
    stdout_sha    VARCHAR,    -- what it printed; of texts
    stderr_sha    VARCHAR,    -- what it printed to stderr; of texts
    clipped       BOOLEAN,    -- output was longer than what is kept
    seconds       DOUBLE,     -- wall clock
    cpu_seconds   DOUBLE,     -- CPU time
    peak_bytes    BIGINT,     -- memory at its largest, in bytes
    kill_seconds  DOUBLE,     -- from the limit to the death of the last process
    isolation     VARCHAR,    -- bubblewrap, container, process
    files         STRUCT(name VARCHAR, bytes BIGINT, kept VARCHAR)[], -- what it wrote; kept: below the run's artifacts
    figures       STRUCT(kind VARCHAR, title VARCHAR, sha VARCHAR)[], -- drawn; sha: base64 of a PNG, or JSON; of texts
    frames        JSON        -- of the exception: [{where, function, line, text, values}], outermost first
);

-- What one check said of one candidate.
-- Example: SELECT check_name, avg(passed::INTEGER) AS rate FROM verdicts GROUP BY ALL ORDER BY rate
CREATE TABLE verdicts (
    run_id           VARCHAR,    -- of runs
    seq              INTEGER,    -- of its event
    iteration        INTEGER,    -- of iterations
    judged_at        TIMESTAMP,  -- UTC
    position         INTEGER,    -- among the verdicts of its event, from 1
    check_name       VARCHAR,    -- the check's source, or its name
    layer            VARCHAR,    -- parse, static, schema, checks, hidden, metrics, judge, approval
    passed           BOOLEAN,    -- whether it held
    hidden           BOOLEAN,    -- whether the model must not see it
    message          VARCHAR,    -- what failed, in one line; NULL when it passed
    metric_value     DOUBLE,     -- what was measured
    metric_target    DOUBLE,     -- what it was compared with
    metric_direction VARCHAR,    -- maximize, minimize, equal
    seconds          DOUBLE,     -- that the check took
    fault_type       VARCHAR,    -- class of the exception; NULL when there was none
    fault_message    VARCHAR,    -- of the exception, in one line
    details          JSON        -- sub-expression → clipped repr
);

-- What the loop itself changed in how it asks.
-- Example: SELECT what, became, count(*) AS times, any_value(reason) FROM decisions GROUP BY ALL
CREATE TABLE decisions (
    run_id     VARCHAR,    -- of runs
    seq        INTEGER,    -- of its event
    iteration  INTEGER,    -- the round it was in
    decided_at TIMESTAMP,  -- UTC
    what       VARCHAR,    -- approach, model, max_tokens, fallback, feature, ladder
    was        VARCHAR,    -- before
    became     VARCHAR,    -- after
    reason     VARCHAR     -- in one line, with its numbers
);

-- How a run's calls moved the circuit breakers, which all runs of a kernel share.
-- Example: SELECT model, fault, count(*) AS openings FROM breakers WHERE became = 'open' GROUP BY ALL
CREATE TABLE breakers (
    run_id    VARCHAR,    -- of runs
    seq       INTEGER,    -- of its event
    iteration INTEGER,    -- the round it was in
    moved_at  TIMESTAMP,  -- UTC
    model     VARCHAR,    -- that was asked
    fault     VARCHAR,    -- the class of error that it counts
    was       VARCHAR,    -- closed, open, half_open
    became    VARCHAR,    -- half_open: a probe left
    failures  INTEGER,    -- in a row
    pause     DOUBLE      -- seconds until the probe, when open
);

-- What a person did, and what a person should know.
-- Example: SELECT noted_at, action, message FROM notes WHERE run_id = $run ORDER BY seq
CREATE TABLE notes (
    run_id    VARCHAR,    -- of runs
    seq       INTEGER,    -- of its event
    iteration INTEGER,    -- the round it was in
    noted_at  TIMESTAMP,  -- UTC
    action    VARCHAR,    -- note, or the steering: pause, resume, step, stop, hint, budget
    message   VARCHAR     -- the text, or the value of the steering
);

-- Prices that were found to be wrong, or were not known; the view `costs` computes with them. Not computed from events.
-- Example: SELECT model, since, prompt * 1e6 AS dollars_a_million FROM corrections ORDER BY model, since
CREATE TABLE corrections (
    model      VARCHAR,    -- as in calls
    since      TIMESTAMP,  -- UTC; for calls from then on, until the next correction of the model
    prompt     DOUBLE,     -- US dollars a token; NULL: from here on what was listed is right again
    completion DOUBLE,     -- US dollars a token
    cached     DOUBLE,     -- US dollars a cached prompt token; NULL: as any prompt token
    reasoning  DOUBLE      -- US dollars a token of thinking; NULL: as any completion token
);

-- Runs whose kernel ended without a word, as another process noticed; not computed from events. A run that was
-- resumed later has newer events than this.
-- Example: SELECT loop, noticed_at FROM lost JOIN runs USING (run_id)
CREATE TABLE lost (
    run_id     VARCHAR,   -- of runs
    noticed_at TIMESTAMP  -- UTC
);

-- Everything that happened, as it was written. Each hash covers the one before it.
-- Example: SELECT seq, kind, happened_at FROM events WHERE run_id = $run ORDER BY seq
CREATE TABLE events (
    run_id      VARCHAR,    -- of runs
    seq         INTEGER,    -- counts from 1 in the run
    happened_at TIMESTAMP,  -- UTC
    kind        VARCHAR,    -- the class of the event: run_started, state_changed, call_started, …
    iteration   INTEGER,    -- the round it was in; NULL where it belongs to none
    body        VARCHAR,    -- JSON; a text in it is {"text": sha}
    hash        VARCHAR     -- SHA-256(hash of seq - 1 || body), hexadecimal
);

-- Prompts, answers, candidates, outputs and cells; each once.
-- Example: SELECT iteration, text FROM iterations JOIN texts ON sha = candidate_sha WHERE run_id = $run
CREATE TABLE texts (
    sha  VARCHAR PRIMARY KEY,  -- SHA-256 of the UTF-8 text, hexadecimal
    text VARCHAR               -- NULL: it was forgotten on purpose
);
"""
