-- Which service a job is posted to: each has rules of its own.
ALTER TABLE jobs ADD COLUMN service TEXT NOT NULL DEFAULT 'ReplicatedJobs';
DROP INDEX jobs_state;
CREATE INDEX jobs_state ON jobs (service, state, ends_at);
