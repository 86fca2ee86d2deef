# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title MockDemands
@license AGPL-3.0-only
@notice Test only: does to a service what the contract of demands may do, whenever it is told.
"""

from ..interfaces import IDemands
from ..modules import job_words as words

implements: IDemands


interface IHooks:
    def hold(
        terms: words.Terms, batch: uint256, operator: uint256, until: uint256
    ) -> uint256: nonpayable
    def release(terms: words.Terms, batch: uint256, round: uint256, operator: uint256): nonpayable
    def silence(terms: words.Terms, batch: uint256, round: uint256, operator: uint256): nonpayable


service: IHooks
inner_of: public(HashMap[bytes32, HashMap[uint256, HashMap[uint256, bytes32]]])


@external
def bind(service: IHooks):
    self.service = service


@external
def fix(seat: bytes32, task: uint256, segment: uint256, inner: bytes32):
    self.inner_of[seat][task][segment] = inner


@external
def hold(terms: words.Terms, batch: uint256, operator: uint256, until: uint256) -> uint256:
    return extcall self.service.hold(terms, batch, operator, until)


@external
def release(terms: words.Terms, batch: uint256, round: uint256, operator: uint256):
    extcall self.service.release(terms, batch, round, operator)


@external
def silence(terms: words.Terms, batch: uint256, round: uint256, operator: uint256):
    extcall self.service.silence(terms, batch, round, operator)
