-- Blocks that were scanned already and still may be reorganised away; the highest is the cursor.
CREATE TABLE scanned_blocks (
    number INTEGER PRIMARY KEY,
    hash BLOB NOT NULL
);
