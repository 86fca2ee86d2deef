# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title court_list
@license AGPL-3.0-only
@notice The admitted courts, with the code that each had and what its dearest conviction costs.
"""


event CourtAnnounced:
    court: indexed(address)
    code_hash: bytes32
    gas: uint256


event CourtAdmitted:
    court: indexed(address)
    index: uint256


event CourtWithdrawn:
    court: indexed(address)


struct Court:
    court: address
    gas: uint256
    code_hash: bytes32


GRACE: constant(uint256) = 7 * 86_400
MAX_GAS: constant(uint256) = 16_700_000  # of a transaction (EIP-7825)
EMPTY_CODE: constant(bytes32) = keccak256("")

court_count: public(uint256)
words: HashMap[uint256, uint256]  # by index: court 160 | gas 32
hashes: HashMap[address, bytes32]  # of the code, when the court was announced
announcements: HashMap[address, uint256]  # announced at 40 | gas 32 | admitted 1


@external
@view
def court(index: uint256) -> Court:
    """@return A court of the list, the gas of its dearest conviction, and its code's hash."""
    court: address = self._address(self._word(index))
    return Court(court=court, gas=self._gas(index), code_hash=self.hashes[court])


@external
@view
def announced_at(court: address) -> uint256:
    """@return When `court` was announced, 0 for never."""
    return self.announcements[court] & (2**40 - 1)


@external
@view
def court_of(index: uint256) -> address:
    """@return The court, which still has the code that was admitted."""
    court: address = self._address(self._word(index))
    if court.codehash != self.hashes[court]:
        self._changed()
    return court


@internal
@view
def _gas(index: uint256) -> uint256:
    """@return The gas of a court's dearest conviction."""
    return self._word(index) >> 160


@internal
def _announce(court: address, dearest: uint256):
    if self.announcements[court] != 0:
        self._announced_before()
    if dearest == 0 or dearest > MAX_GAS:
        self._bad_gas()
    if court.codehash == EMPTY_CODE or court.codehash == empty(bytes32):
        self._no_code()
    self.announcements[court] = block.timestamp | dearest << 40
    self.hashes[court] = court.codehash
    log CourtAnnounced(court=court, code_hash=court.codehash, gas=dearest)


@internal
def _admit(court: address, unbonding: uint256):
    word: uint256 = self.announcements[court]
    if word == 0:
        self._not_announced()
    if block.timestamp < (word & (2**40 - 1)) + unbonding + GRACE:
        self._early()
    self._enlist(court)


@internal
def _enlist(court: address):
    word: uint256 = self.announcements[court]
    if word >> 72 != 0:
        self._admitted_before()
    index: uint256 = self.court_count
    self.court_count = index + 1
    self.announcements[court] = word | 1 << 72
    self.words[index] = convert(court, uint256) | (word >> 40) << 160
    log CourtAdmitted(court=court, index=index)


@internal
def _withdraw(court: address):
    word: uint256 = self.announcements[court]
    if word == 0 or word >> 72 != 0:
        self._nothing_to_withdraw()
    self.announcements[court] = 0
    log CourtWithdrawn(court=court)


@internal
@view
def _word(index: uint256) -> uint256:
    word: uint256 = self.words[index]
    if word == 0:
        self._unknown()
    return word


@internal
@pure
def _address(word: uint256) -> address:
    return convert(word & (2**160 - 1), address)


@internal
@pure
def _changed():
    raise "courts: code changed"


@internal
@pure
def _announced_before():
    raise "courts: court was announced"


@internal
@pure
def _bad_gas():
    raise "courts: gas out of bounds"


@internal
@pure
def _no_code():
    raise "courts: no code there"


@internal
@pure
def _not_announced():
    raise "courts: court not announced"


@internal
@pure
def _early():
    raise "courts: admission too early"


@internal
@pure
def _admitted_before():
    raise "courts: court was admitted"


@internal
@pure
def _nothing_to_withdraw():
    raise "courts: nothing to withdraw"


@internal
@pure
def _unknown():
    raise "courts: no such court"
