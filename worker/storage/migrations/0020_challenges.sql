-- What this worker made of what others opened in provable jobs, and how far it got where that is
-- wrong. `task` is counted over the whole job, the moments are chain time.
CREATE TABLE challenges (
    job BLOB NOT NULL REFERENCES jobs (job),
    batch INTEGER NOT NULL,
    round INTEGER NOT NULL,
    operator INTEGER NOT NULL, -- who opened it
    state TEXT NOT NULL,
    task INTEGER, -- the first that is wrong
    proof BLOB,
    segment INTEGER, -- of the answered demand that the proof needs, else 0
    fault TEXT, -- what is wrong, in words
    tries INTEGER NOT NULL DEFAULT 0, -- transactions that failed
    retry_at INTEGER NOT NULL DEFAULT 0,
    reason TEXT,
    PRIMARY KEY (job, batch, round, operator)
);
CREATE INDEX challenges_state ON challenges (state);

-- What was demanded of seats, and what became of it, as scanned; a reorganised block's rows are
-- deleted. The seat stands with the demand itself; `data` is the answer.
CREATE TABLE demands (
    id BLOB PRIMARY KEY,
    block INTEGER NOT NULL,
    job BLOB NOT NULL,
    batch INTEGER NOT NULL,
    round INTEGER NOT NULL,
    operator INTEGER NOT NULL,
    task INTEGER NOT NULL,
    due INTEGER NOT NULL,
    demand TEXT NOT NULL -- JSON, as logged
);
CREATE INDEX demands_seat ON demands (job, batch, round, operator, task);
CREATE TABLE demand_ends (
    id BLOB PRIMARY KEY,
    block INTEGER NOT NULL,
    data BLOB -- the answer; NULL for a demand that was closed without one
);
