"""Schema v1: what there is in a history, in the words of SQL.

Every timestamp is UTC, of type TIMESTAMP. Every duration is in seconds, every amount of money in US dollars.
A column that ends in `_sha` refers to `texts.sha`; NULL means there was no text. A value that JSON had and a
typed column cannot hold (a NaN score, an unknown state) is NULL there, and whole in `events.body`.
All tables but `texts` are computed from `events`, and can be computed again.
"""

from __future__ import annotations

TABLES = """
-- The version of this schema, one row a migration that was applied.
CREATE TABLE schema_versions (
    version    INTEGER,
    applied_at TIMESTAMP
);

-- The states of a run's cycle, and the one vocabulary of ends.
CREATE TYPE run_state AS ENUM ('prepare', 'plan', 'execute', 'observe', 'verify', 'decide', 'wait', 'end');
CREATE TYPE stop_reason AS ENUM ('verified', 'iterations', 'budget_usd', 'budget_tokens', 'budget_time', 'plateau',
    'repetition', 'oscillation', 'breaker_open', 'refused', 'stopped', 'interrupted', 'error');

-- One pursuit of a loop's goal. The row is there from the run's first event, and moves with it.
CREATE TABLE runs (
    run_id            VARCHAR PRIMARY KEY,  -- sorts by start
    loop              VARCHAR,              -- the name on the %%loop line
    goal              VARCHAR,
    source_sha        VARCHAR,              -- the cell's text
    fingerprint       VARCHAR,              -- SHA-256 of recipe and inputs: equal ones are the same question
    model             VARCHAR,              -- as a person chose it
    isolation         VARCHAR,              -- bubblewrap, process
    kernel            VARCHAR,              -- "pid@host" of the process that ran it
    version           VARCHAR,              -- of jupyter-loops
    parent            VARCHAR,              -- run_id it was forked from
    code              BOOLEAN,              -- candidates are Python; otherwise JSON
    targets           VARCHAR[],            -- names that the loop has to produce
    checks            JSON,                 -- [{name, hidden, kind}], in order
    options           JSON,                 -- what else was asked for
    budget_usd        DOUBLE,               -- limits; NULL is no limit
    budget_tokens     BIGINT,
    budget_seconds    DOUBLE,
    budget_iterations INTEGER,
    budget_calls      INTEGER,
    price_prompt      DOUBLE,               -- US dollars a token; NULL is unknown, which is not free
    price_completion  DOUBLE,
    price_cached      DOUBLE,               -- NULL: as any prompt token
    price_source      VARCHAR,
    started_at        TIMESTAMP,
    ended_at          TIMESTAMP,            -- NULL while it runs, or when its kernel died
    state             run_state,
    stop_reason       stop_reason,          -- NULL while it runs
    message           VARCHAR,              -- the end in one sentence
    usd               DOUBLE,               -- spent so far
    tokens            BIGINT,               -- prompt and completion, so far
    seconds           DOUBLE,               -- of work; waiting for a person is not counted
    iterations        INTEGER,              -- rounds decided
    calls             INTEGER,              -- model calls finished
    current_iteration INTEGER,              -- the round it is in
    best_iteration    INTEGER,
    delivered         JSON,                 -- values of data and text targets, when verified
    events            INTEGER,              -- number of the last event
    tip               VARCHAR,              -- hash of the last event
    updated_at        TIMESTAMP             -- time of the last event
);

-- One round. Iteration 0 is a stored candidate that was verified again.
CREATE TABLE iterations (
    run_id         VARCHAR,
    iteration      INTEGER,
    started_at     TIMESTAMP,
    ended_at       TIMESTAMP,  -- NULL until it is decided
    passed         INTEGER,    -- checks
    total          INTEGER,
    progress       DOUBLE,     -- 0 to 1
    score          DOUBLE,     -- of maximize or minimize; NULL where there is none
    best           BOOLEAN,    -- it was the best so far
    why            VARCHAR,    -- the first failure in one line, or what was achieved
    usd            DOUBLE,     -- of this round
    tokens         BIGINT,
    seconds        DOUBLE,
    phases         JSON,       -- [[state, seconds]], in order
    candidate_sha  VARCHAR,    -- what the model proposed
    candidate_kind VARCHAR,    -- code, data
    digest         VARCHAR     -- SHA-256 of the candidate in a normal form: same digest, same proposal
);

-- One request to a model, and its answer or the fault that came instead.
CREATE TABLE calls (
    run_id               VARCHAR,
    call                 INTEGER,    -- counts from 1 in the run
    iteration            INTEGER,
    purpose              VARCHAR,    -- plan, repair, judge
    model                VARCHAR,
    answered_by          VARCHAR,    -- the model as the provider names it
    started_at           TIMESTAMP,
    ended_at             TIMESTAMP,  -- NULL while in flight, or when the kernel died: it may have cost money
    prompt_tokens        BIGINT,
    completion_tokens    BIGINT,
    cached_tokens        BIGINT,
    reasoning_tokens     BIGINT,
    estimated            BOOLEAN,    -- tokens were counted here, because the provider sent none
    usd                  DOUBLE,     -- NULL: the model's price is unknown
    seconds              DOUBLE,
    first_token_seconds  DOUBLE,
    finish_reason        VARCHAR,    -- stop, length, content_filter, tool_calls
    error                VARCHAR,    -- the class of the fault; NULL when the model answered
    message              VARCHAR,
    reserved_usd         DOUBLE,     -- the worst case, set aside before the call
    reserved_tokens      BIGINT,
    sampling             JSON,
    parts                STRUCT(name VARCHAR, tokens BIGINT, dropped BIGINT)[],
    messages             STRUCT(role VARCHAR, sha VARCHAR)[],
    answer_sha           VARCHAR
);

-- One run of a candidate in the sandbox.
CREATE TABLE actions (
    run_id        VARCHAR,
    seq           INTEGER,    -- of its event
    iteration     INTEGER,
    acted_at      TIMESTAMP,
    exit          VARCHAR,    -- ok, raised, invalid, wall, cpu, memory, processes, output, died, garbage, killed
    fault_type    VARCHAR,
    fault_message VARCHAR,
    stdout_sha    VARCHAR,
    stderr_sha    VARCHAR,
    clipped       BOOLEAN,    -- output was longer than what is kept
    seconds       DOUBLE,     -- wall clock
    cpu_seconds   DOUBLE,
    peak_bytes    BIGINT,
    kill_seconds  DOUBLE,     -- from the limit to the death of the last process
    isolation     VARCHAR,
    files         VARCHAR[]
);

-- What one check said of one candidate.
CREATE TABLE verdicts (
    run_id           VARCHAR,
    seq              INTEGER,    -- of its event
    iteration        INTEGER,
    judged_at        TIMESTAMP,
    position         INTEGER,    -- among the verdicts of its event, from 1
    check_name       VARCHAR,
    layer            VARCHAR,    -- parse, static, schema, checks, hidden, metrics, judge, approval
    passed           BOOLEAN,
    hidden           BOOLEAN,
    message          VARCHAR,
    metric_value     DOUBLE,
    metric_target    DOUBLE,
    metric_direction VARCHAR,    -- maximize, minimize, equal
    seconds          DOUBLE,
    fault_type       VARCHAR,
    fault_message    VARCHAR,
    details          JSON        -- sub-expression → clipped repr
);

-- What a person did, and what a person should know.
CREATE TABLE notes (
    run_id    VARCHAR,
    seq       INTEGER,    -- of its event
    iteration INTEGER,
    noted_at  TIMESTAMP,
    action    VARCHAR,    -- note, or the steering: pause, resume, step, stop, hint, budget
    message   VARCHAR
);

-- Everything that happened, as it was written. Each hash covers the one before it.
CREATE TABLE events (
    run_id      VARCHAR,
    seq         INTEGER,    -- counts from 1 in the run
    happened_at TIMESTAMP,
    kind        VARCHAR,
    iteration   INTEGER,
    body        VARCHAR,    -- JSON; a text in it is {"text": sha}
    hash        VARCHAR     -- SHA-256(hash of seq - 1 || body), hexadecimal
);

-- Prompts, answers, candidates, outputs and cells; each once.
CREATE TABLE texts (
    sha  VARCHAR PRIMARY KEY,  -- SHA-256 of the UTF-8 text, hexadecimal
    text VARCHAR               -- NULL: it was forgotten on purpose
);
"""
