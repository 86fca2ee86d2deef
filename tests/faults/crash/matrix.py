"""At which durable steps which worker of which scene dies: every step of the services, once."""

# Each worker's steps stand in the order in which it reaches them.

UNANIMOUS = (
    (
        "announcer.intent_stored",
        "preparer.job_ready",
        "claimer.claimed",
        "runner.batch_ran",
        "sealer.sealed",
        "settler.settled",
    ),
    (
        "sender.sent.announce",
        "claimer.intent_stored",
        "runner.record_stored",
        "sender.sent.seal",
        "revealer.conclude_stored",
    ),
    (
        "watcher.scan_stored",
        "sender.sent.claim",
        "sealer.intent_stored",
        "sender.sent.conclude",
    ),
)
"""Three that agree: claimed first, run, sealed, concluded."""

DISSENT = (
    (
        "claimer.candidate_stored",
        "sealer.intent_stored",
        "revealer.intent_stored",
        "revealer.revealed",
        "settler.intent_stored",
    ),
    (
        "runner.record_stored",
        "sender.sent.seal",
        "sender.sent.reveal",
        "sender.sent.settle",
    ),
)
"""Two that agree beside a liar: run first, claimed and sealed at once, revealed, settled."""

UNFILLED = (("settler.intent_stored", "sender.sent.expire", "settler.settled"),)
"""One in a round that nobody else joins."""

AUDITED = (
    (
        "provable_preparer.job_ready",
        "provable_claimer.intent_stored",
        "provable_claimer.claimed",
        "provable_runner.record_stored",
        "provable_sealer.sealed",
        "provable_mover.intent_stored",
        "sender.sent.advance",
        "provable_mover.revealed",
        "provable_mover.settled",
    ),
    (
        "provable_claimer.candidate_stored",
        "provable_runner.batch_ran",
        "provable_sealer.intent_stored",
        "sender.sent.reveal",
        "checker.checked",
        "sender.sent.settle",
    ),
)
"""An operator and its auditor, both honest."""

CONVICTED = (
    "checker.checked",
    "challenger.proven",
    "challenger.announce-proof_stored",
    "sender.sent.announce-proof",
    "challenger.convict_stored",
    "sender.sent.convict",
    "challenger.convicted",
    "challenger.rewarded",
)
"""An auditor that convicts the operator."""

RELEASED = ("challenger.proven", "challenger.release-bounty_stored", "sender.sent.release-bounty")
"""One that had no time to announce its proof: the bounty waits."""

CLAIMED = (
    "sender.sent.announce-proof",
    "challenger.claim-bounty_stored",
    "sender.sent.claim-bounty",
    "challenger.rewarded",
)
"""One before whom another convicts with a copy of the proof."""

LOST = ("provable_claimer.candidate_stored", "challenger.proven", "challenger.lost")
"""One that slept until the lie was final."""

SPARED = ("challenger.spared",)
"""One that is told to convict only where that pays."""

DISMISSED = ("challenger.proven", "challenger.dismissed")
"""One whose proof is damaged."""

DEMANDED = (
    ("answerer.intent_stored", "sender.sent.answer"),
    (
        "challenger.approve-demands_stored",
        "sender.sent.approve-demands",
        "challenger.demand_stored",
        "sender.sent.demand",
    ),
)
"""A liar that serves nothing, and the auditor that demands it."""

SILENT = ("challenger.close-demand_stored", "sender.sent.close-demand", "challenger.ended")
"""One whose demand is not answered."""

DELIVERED = ("deliverer.intent_stored", "sender.sent.deliver")
"""One whose payer demands outputs on the chain."""

COLLECTED = ("collector.intent_stored", "sender.sent.book", "sender.sent.emission")
"""One that has its fees divided, and claims what that earns it."""

COMPOUNDED = ("sender.sent.allow", "sender.sent.compound")
"""One that works with its owner's key, and stakes what that account holds."""

ALL = frozenset(
    step
    for scene in (UNANIMOUS, DISSENT, UNFILLED, AUDITED, DEMANDED)
    for steps in scene
    for step in steps
).union(
    CONVICTED, RELEASED, CLAIMED, LOST, SPARED, DISMISSED, SILENT, DELIVERED, COLLECTED, COMPOUNDED
)
