# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title credits
@license AGPL-3.0-only
@notice What Escrow owes to requesters, to operators and to the fee sink, until they pull it.
@dev Moves no token: the deployable does, by what is returned here.
"""


event CreditWithdrawn:
    account: indexed(address)
    token: indexed(uint256)
    amount: uint256


event OperatorCreditWithdrawn:
    id: indexed(uint256)
    token: indexed(uint256)
    owner: indexed(address)
    amount: uint256


event FeesCollected:
    token: indexed(uint256)
    sink: indexed(address)
    amount: uint256


NETWORK_TOKEN: constant(uint256) = 0
U16: constant(uint256) = 2**16 - 1
U128: constant(uint256) = 2**128 - 1
U24: constant(uint256) = 2**24 - 1

credit_of: public(HashMap[address, HashMap[uint256, uint256]])
# By id << 16 | token; credit 128 | fees kept until it is withdrawn 128: one slot a payment. Each
# addition is below 2^96, so neither half can overflow in 2^32 payments.
operator_credit_word: HashMap[uint256, uint256]
fees_of: public(HashMap[uint256, uint256])
fees_paid: public(HashMap[uint256, uint256])  # by operator: all fees in the network token


@external
@view
def operator_credit(id: uint256, token: uint256) -> uint256:
    """@return What `withdraw_operator` would pay."""
    return self._operator_credit(id, token) & U128


@external
@view
def operator_fees(id: uint256, token: uint256) -> uint256:
    """@return What `withdraw_operator` would add to the fees."""
    return self._operator_credit(id, token) >> 128


@internal
@view
def _operator_credit(id: uint256, token: uint256) -> uint256:
    return 0 if id > U24 or token > U16 else self.operator_credit_word[id << 16 | token]


@internal
def _credit(account: address, token: uint256, amount: uint256):
    if amount != 0:
        self.credit_of[account][token] += amount


@internal
def _credit_operator(id: uint256, token: uint256, amount: uint256, fee: uint256):
    self.operator_credit_word[id << 16 | token] += amount | fee << 128


@internal
def _book_fee(token: uint256, amount: uint256):
    if amount != 0:
        self.fees_of[token] += amount


@internal
def _take(account: address, token: uint256) -> uint256:
    """@return The whole credit of `account`, which is gone from here."""
    amount: uint256 = self.credit_of[account][token]
    if amount == 0:
        self._no_credit()
    self.credit_of[account][token] = 0
    log CreditWithdrawn(account=account, token=token, amount=amount)
    return amount


@internal
def _take_operator(id: uint256, token: uint256, owner: address) -> uint256:
    """@return The whole credit of operator `id`, which is gone from here; its fees are booked."""
    word: uint256 = self._operator_credit(id, token)
    amount: uint256 = word & U128
    if amount == 0:
        self._no_credit()
    if owner == empty(address):
        self._no_operator()
    self.operator_credit_word[id << 16 | token] = 0
    self._book_fee(token, word >> 128)
    if token == NETWORK_TOKEN:
        self.fees_paid[id] += word >> 128
    log OperatorCreditWithdrawn(id=id, token=token, owner=owner, amount=amount)
    return amount


@internal
def _take_fees(token: uint256, sink: address) -> uint256:
    """@return All fees in `token`, which are gone from here."""
    amount: uint256 = self.fees_of[token]
    if amount == 0:
        self._no_fees()
    self.fees_of[token] = 0
    log FeesCollected(token=token, sink=sink, amount=amount)
    return amount


@internal
@pure
def _no_credit():
    raise "escrow: no credit"


@internal
@pure
def _no_operator():
    raise "escrow: no such operator"


@internal
@pure
def _no_fees():
    raise "escrow: no fees"
