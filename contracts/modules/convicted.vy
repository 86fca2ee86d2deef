# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title convicted
@license AGPL-3.0-only
@notice How the stake of somebody convicted is divided, and bounties whose owner is not known yet.
@dev Amounts are gwei. At least half is always burnt, so that whoever convicts itself loses; what
     does not divide is burnt too. Moves no token: the deployable does.
"""


# All of `amount` left the operator's stake and its pool; what is neither bounty nor repaid was
# burnt.
event StakeConvicted:
    id: indexed(uint256)
    service: indexed(address)
    amount: uint256
    bounty: uint256
    repaid: uint256


kept_for: public(HashMap[address, uint256])  # by service: bounties that it has yet to award


@internal
@pure
def _split(amount: uint256, payer: address) -> (uint256, uint256):
    """@return The prover's two fifths, and the tenth of `payer`, if there is one."""
    return amount * 2 // 5, 0 if payer == empty(address) else amount // 10


@internal
def _keep(service: address, bounty: uint256):
    self.kept_for[service] += bounty


@internal
def _spend(service: address, bounty: uint256):
    if bounty > self.kept_for[service]:
        self._not_kept()
    self.kept_for[service] -= bounty


@internal
@pure
def _not_kept():
    raise "staking: bounty not kept"
