-- Blocks that were scanned already and still may be reorganised away; the highest is the cursor.
CREATE TABLE scanned_blocks (
    number INTEGER PRIMARY KEY,
    hash BLOB NOT NULL
);

-- Events that were handled, for as long as their blocks are scanned again.
CREATE TABLE handled_events (
    block_hash BLOB NOT NULL,
    log_index INTEGER NOT NULL,
    block_number INTEGER NOT NULL,
    PRIMARY KEY (block_hash, log_index)
) WITHOUT ROWID;
