# pragma version 0.4.3
"""
@title SilentToken
@license AGPL-3.0-only
@notice Test only: a token of the old kind, whose transfers return nothing.
"""

balanceOf: public(HashMap[address, uint256])


@external
def mint(account: address, amount: uint256):
    self.balanceOf[account] += amount


@external
def transfer(receiver: address, amount: uint256):
    self._move(msg.sender, receiver, amount)


@external
def transferFrom(sender: address, receiver: address, amount: uint256):
    self._move(sender, receiver, amount)


@internal
def _move(sender: address, receiver: address, amount: uint256):
    self.balanceOf[sender] -= amount
    self.balanceOf[receiver] += amount
