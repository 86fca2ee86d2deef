# pragma version 0.4.3
"""
@title HostileToken
@license AGPL-3.0-only
@notice Test only: a token that keeps a fee, says no, or calls back while it moves.
"""

HONEST: constant(uint256) = 0
KEEPS_FEE: constant(uint256) = 1
RETURNS_FALSE: constant(uint256) = 2
CALLS_BACK: constant(uint256) = 3

mode: uint256
target: address
data: Bytes[1024]
balanceOf: public(HashMap[address, uint256])
called_back: public(bool)
call_succeeded: public(bool)


@external
def set_mode(mode: uint256, target: address, data: Bytes[1024]):
    self.mode = mode
    self.target = target
    self.data = data


@external
def mint(account: address, amount: uint256):
    self.balanceOf[account] += amount


@external
def transfer(receiver: address, amount: uint256) -> bool:
    return self._move(msg.sender, receiver, amount)


@external
def transferFrom(sender: address, receiver: address, amount: uint256) -> bool:
    return self._move(sender, receiver, amount)


@internal
def _move(sender: address, receiver: address, amount: uint256) -> bool:
    if self.mode == RETURNS_FALSE:
        return False
    self.balanceOf[sender] -= amount
    self.balanceOf[receiver] += amount - (amount // 100 if self.mode == KEEPS_FEE else 0)
    if self.mode == CALLS_BACK:
        self.called_back = True
        self.call_succeeded = raw_call(self.target, self.data, revert_on_failure=False)
    return True
