-- Jobs are kept when they are over; whoever looks for what can still be challenged skips them.
CREATE INDEX jobs_ends ON jobs (service, ends_at);
