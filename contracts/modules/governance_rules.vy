# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title governance_rules
@license AGPL-3.0-only
@notice What a proposal needs, within bounds that no vote can move.
@dev A vote may slow votes down, never make them faster than the network was deployed with: nobody
     can take the time away in which people notice. The upper bounds keep a vote from freezing all
     votes to come.
"""


event RulesSet:
    delay: uint256
    period: uint256
    quorum_bps: uint256
    threshold: uint256


struct Rules:
    delay: uint256  # seconds from a proposal until the votes are counted and voting opens
    period: uint256  # seconds of voting
    quorum_bps: uint256  # share of the supply that has to vote for, or abstain
    threshold: uint256  # votes that proposing takes, whole tokens


MAX_DELAY: constant(uint256) = 14 * 86_400
MAX_PERIOD: constant(uint256) = 60 * 86_400
MIN_QUORUM: constant(uint256) = 100
MAX_QUORUM: constant(uint256) = 3_000
MAX_THRESHOLD: constant(uint256) = 10**6

LEAST_DELAY: public(immutable(uint256))
LEAST_PERIOD: public(immutable(uint256))

rules: public(Rules)


@deploy
def __init__(delay: uint256, period: uint256, quorum_bps: uint256, threshold: uint256):
    # A vote is counted as it stood before voting opened, which takes a second at least.
    assert delay != 0 and period != 0, "governor: no time to vote"
    LEAST_DELAY = delay
    LEAST_PERIOD = period
    self._set(Rules(delay=delay, period=period, quorum_bps=quorum_bps, threshold=threshold))


@internal
def _set(rules: Rules):
    if rules.delay < LEAST_DELAY or rules.delay > MAX_DELAY:
        self._bad_delay()
    if rules.period < LEAST_PERIOD or rules.period > MAX_PERIOD:
        self._bad_period()
    if rules.quorum_bps < MIN_QUORUM or rules.quorum_bps > MAX_QUORUM:
        self._bad_quorum()
    if rules.threshold == 0 or rules.threshold > MAX_THRESHOLD:
        self._bad_threshold()
    self.rules = rules
    log RulesSet(
        delay=rules.delay,
        period=rules.period,
        quorum_bps=rules.quorum_bps,
        threshold=rules.threshold,
    )


@internal
@pure
def _bad_delay():
    raise "governor: delay out of bounds"


@internal
@pure
def _bad_period():
    raise "governor: period out of bounds"


@internal
@pure
def _bad_quorum():
    raise "governor: quorum out of bounds"


@internal
@pure
def _bad_threshold():
    raise "governor: threshold out of bounds"
