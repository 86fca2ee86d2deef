-- The part of a run's seconds in which its program did not run: what small tasks take does not tell
-- how fast this host is.
ALTER TABLE records ADD COLUMN overhead REAL NOT NULL DEFAULT 0;
