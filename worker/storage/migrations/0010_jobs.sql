-- What the chain said about jobs, as scanned; a reorganised block's rows are deleted. Rows count
-- only once their block is deep enough. `args` is JSON: bytes as 0x-hex, integers as decimals.
CREATE TABLE logs (
    block INTEGER NOT NULL,
    log_index INTEGER NOT NULL,
    name TEXT NOT NULL,
    job BLOB NOT NULL,
    batch INTEGER,
    round INTEGER,
    operator INTEGER,
    args TEXT NOT NULL,
    PRIMARY KEY (block, log_index)
);
CREATE INDEX logs_of_batch ON logs (job, batch, name);

-- Posted jobs and what this worker makes of them.
CREATE TABLE jobs (
    job BLOB PRIMARY KEY,
    block INTEGER NOT NULL,
    payer TEXT NOT NULL,
    a BLOB NOT NULL,
    b BLOB NOT NULL,
    named BLOB NOT NULL,
    nonce BLOB NOT NULL,
    program BLOB NOT NULL,
    inputs BLOB NOT NULL,
    manifest BLOB NOT NULL,
    locators BLOB NOT NULL,
    ends_at INTEGER NOT NULL, -- nothing can be claimed later
    state TEXT NOT NULL DEFAULT 'seen', -- seen, ready, refused
    reason TEXT
);
CREATE INDEX jobs_state ON jobs (state, ends_at);

-- This worker's seats. `bond` is in gwei, the moments are chain time.
CREATE TABLE seats (
    job BLOB NOT NULL REFERENCES jobs (job),
    batch INTEGER NOT NULL,
    round INTEGER NOT NULL,
    state TEXT NOT NULL,
    mask INTEGER NOT NULL, -- tasks of the batch that the round is about
    is_growth INTEGER NOT NULL,
    claims_late INTEGER NOT NULL, -- runs first, then claims and seals in one transaction
    claim_from INTEGER NOT NULL, -- when its ticket is released
    bond INTEGER NOT NULL,
    price TEXT NOT NULL,
    opened_at INTEGER NOT NULL,
    ready_at INTEGER, -- since when every seat was seen sealed
    tries INTEGER NOT NULL DEFAULT 0, -- transactions of the seat that failed
    reason TEXT,
    PRIMARY KEY (job, batch, round)
);
CREATE INDEX seats_state ON seats (state);

-- One row a task that was run here; `digest` is the record's, or FAILED.
CREATE TABLE records (
    job BLOB NOT NULL,
    task INTEGER NOT NULL,
    batch INTEGER NOT NULL,
    digest BLOB NOT NULL,
    document BLOB, -- the record as it is told to requesters
    bundle BLOB, -- the blob with the outputs
    fuel INTEGER NOT NULL,
    seconds REAL NOT NULL,
    PRIMARY KEY (job, task)
);
CREATE INDEX records_bundle ON records (bundle);

-- What a settlement brought: wei of the job's token, and gwei of bond.
CREATE TABLE earnings (
    job BLOB NOT NULL,
    batch INTEGER NOT NULL,
    round INTEGER NOT NULL,
    block INTEGER NOT NULL,
    token INTEGER NOT NULL,
    paid TEXT NOT NULL,
    burnt INTEGER NOT NULL,
    released INTEGER NOT NULL,
    PRIMARY KEY (job, batch, round)
);

-- Why work was not taken, by reason code: nothing is silent.
CREATE TABLE refusals (
    reason TEXT PRIMARY KEY,
    count INTEGER NOT NULL,
    job BLOB NOT NULL, -- the latest
    at INTEGER NOT NULL
);
