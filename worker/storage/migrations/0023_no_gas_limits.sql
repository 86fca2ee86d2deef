-- Every transaction's gas is estimated; only what was signed has a limit.
ALTER TABLE outbox DROP COLUMN gas_limit;
