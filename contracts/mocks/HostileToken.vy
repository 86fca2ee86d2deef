# pragma version 0.4.3
"""
@title HostileToken
@license AGPL-3.0-only
@notice Test only: a token that keeps a fee, says no, reverts, counts what never moved, or calls
        back while it moves or is asked.
"""

HONEST: constant(uint256) = 0
KEEPS_FEE: constant(uint256) = 1
RETURNS_FALSE: constant(uint256) = 2
CALLS_BACK: constant(uint256) = 3
REVERTS: constant(uint256) = 4
IMAGINES: constant(uint256) = 5
CALLS_BACK_WHEN_ASKED: constant(uint256) = 6

mode: public(uint256)
target: address
data: Bytes[4096]
held: HashMap[address, uint256]
imagined: HashMap[address, uint256]
called_back: public(bool)
call_succeeded: public(bool)
response: public(Bytes[256])


@external
def set_mode(mode: uint256, target: address, data: Bytes[4096]):
    self.mode = mode
    self.target = target
    self.data = data
    self.called_back = False


@external
def mint(account: address, amount: uint256):
    self.held[account] += amount


@external
@view
def balanceOf(account: address) -> uint256:
    if self.mode == CALLS_BACK_WHEN_ASKED:
        # Nothing can be kept in a static call: that it was answered is told by a revert.
        went: bool = raw_call(self.target, self.data, is_static_call=True, revert_on_failure=False)
        assert not went, "hostile: answered"
    return self.held[account] + (self.imagined[account] if self.mode == IMAGINES else 0)


@external
def transfer(receiver: address, amount: uint256) -> bool:
    return self._move(msg.sender, receiver, amount)


@external
def transferFrom(sender: address, receiver: address, amount: uint256) -> bool:
    return self._move(sender, receiver, amount)


@external
def permit(
    owner: address,
    spender: address,
    amount: uint256,
    deadline: uint256,
    v: uint8,
    r: bytes32,
    s: bytes32,
):
    self._call_back()


@internal
def _move(sender: address, receiver: address, amount: uint256) -> bool:
    if self.mode == RETURNS_FALSE:
        return False
    assert self.mode != REVERTS, "hostile: no"
    if self.mode == IMAGINES:
        self.imagined[receiver] += amount
        return True
    assert amount <= self.held[sender], "hostile: not so much"
    self.held[sender] -= amount
    self.held[receiver] += amount - (amount // 100 if self.mode == KEEPS_FEE else 0)
    self._call_back()
    return True


@internal
def _call_back():
    if self.mode == CALLS_BACK:
        self.called_back = True
        self.call_succeeded, self.response = raw_call(
            self.target, self.data, max_outsize=256, revert_on_failure=False
        )
