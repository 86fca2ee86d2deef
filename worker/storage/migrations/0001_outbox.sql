-- Transactions to send, and every signed version of them. Amounts are decimal text: they
-- outgrow SQLite's 64-bit integers.
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY,
    purpose TEXT NOT NULL UNIQUE,
    recipient TEXT NOT NULL,
    data BLOB NOT NULL,
    value TEXT NOT NULL,
    gas_limit INTEGER,
    worth TEXT NOT NULL,
    not_after INTEGER,
    state TEXT NOT NULL DEFAULT 'queued',
    nonce INTEGER,
    reason TEXT,
    waiting_since INTEGER,
    mined_hash BLOB,
    mined_block INTEGER,
    mined_block_hash BLOB,
    mined_ok INTEGER,
    mined_gas INTEGER,
    mined_fee TEXT
);
CREATE INDEX outbox_state ON outbox (state);
CREATE UNIQUE INDEX outbox_nonce ON outbox (nonce) WHERE nonce IS NOT NULL;

CREATE TABLE attempts (
    id INTEGER PRIMARY KEY,
    entry INTEGER NOT NULL REFERENCES outbox (id),
    raw BLOB NOT NULL,
    hash BLOB NOT NULL UNIQUE,
    nonce INTEGER NOT NULL,
    gas_limit INTEGER NOT NULL,
    max_fee TEXT NOT NULL,
    max_tip TEXT NOT NULL,
    signed_at_block INTEGER NOT NULL,
    is_cancel INTEGER NOT NULL
);
CREATE INDEX attempts_entry ON attempts (entry);
