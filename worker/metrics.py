"""Every metric of the worker, in one place. Only `services` and `app` set them.

Labels come from fixed sets (a service's name, a state, an endpoint's number), never from input.
"""

from prometheus_client import Counter, Gauge, Histogram

ready = Gauge("worker_ready", "1 when new work may be taken")
not_ready_reason = Gauge("worker_not_ready_reason", "1 while this reason holds", ["reason"])

# Chain
head_block = Gauge("worker_head_block", "Highest block seen")
head_age_seconds = Gauge("worker_head_age_seconds", "Seconds since the head advanced")
scanned_block = Gauge("worker_scanned_block", "Last block whose events were stored")
endpoint_usable = Gauge("worker_endpoint_usable", "1 while the endpoint is used", ["endpoint"])
endpoint_lag_blocks = Gauge(
    "worker_endpoint_lag_blocks", "Blocks behind the best endpoint", ["endpoint"]
)
endpoint_failures = Gauge(
    "worker_endpoint_failures", "Failed requests since the start", ["endpoint", "trouble"]
)
reorgs_total = Counter("worker_reorgs_total", "Reorganisations that took scanned blocks away")
late_logs_total = Counter(
    "worker_late_logs_total", "Events of blocks whose logs an endpoint had answered without them"
)
reorg_depth_blocks = Gauge("worker_reorg_depth_blocks", "Depth of the last reorganisation")

# Transactions
balance_wei = Gauge("worker_balance_wei", "Gas money of the worker key")
settled_total = Counter("worker_settled_total", "Transactions settled", ["state"])
gas_spent_wei_total = Counter("worker_gas_spent_wei_total", "Paid for gas")

# Work
batches = Gauge("worker_batches_held", "Batches that this worker holds", ["state"])
batches_total = Counter("worker_batches_total", "Batches finished", ["outcome"])
earned_wei_total = Counter("worker_earned_wei_total", "Credited for work")
burnt_gwei_total = Counter("worker_burnt_gwei_total", "Bond lost")
deliveries_total = Counter("worker_deliveries_total", "Pieces of outputs answered on chain")
run_seconds = Histogram(
    "worker_run_seconds",
    "Execution of one task",
    buckets=(0.01, 0.1, 0.5, 1, 5, 30, 120, 600, 3600),
)

# Provable jobs of others
openings_checked_total = Counter(
    "worker_openings_checked_total", "Openings run again here, by what came of it", ["outcome"]
)
challenges = Gauge("worker_challenges", "Openings of others in each state", ["state"])
lies_proven_total = Counter("worker_lies_proven_total", "Wrong results that a proof was found for")
lies_unpaid_total = Counter(
    "worker_lies_unpaid_total", "Proven lies whose bounty is below what the operator asks"
)
convictions_total = Counter("worker_convictions_total", "Seats convicted by this worker")
demands_total = Counter("worker_demands_total", "Demands made for what was not served")
answers_total = Counter("worker_answers_total", "Demands on own seats that were answered")
