# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title admission
@license AGPL-3.0-only
@notice The services that may lock stake: who they are, when each came and went.
@dev Admission takes longer than leaving, so that an operator who distrusts a service can be gone
     before it comes. A service that was admitted once can always release, burn and pay.
"""

from ..interfaces import IService
from . import parameters
from . import stake_words

uses: parameters


event ServiceAnnounced:
    service: indexed(address)
    standing: uint256  # bond that each operator locks at opt-in, gwei


event ServiceAdmitted:
    service: indexed(address)
    index: uint256
    standing: uint256


event ServiceRetired:
    service: indexed(address)


MAX_SERVICES: constant(uint256) = 8  # two lane words; retired ones keep their place

service_word: HashMap[address, uint256]
service_count: public(uint256)


@external
@view
def is_active(service: address) -> bool:
    """@return Whether `service` may make new locks and agreements."""
    return self._is_active(self._service(service))


@external
@view
def service(service: address) -> stake_words.Service:
    """@return When `service` was announced, admitted and retired, and its standing bond in gwei."""
    return self._service(service)


@internal
@view
def _service(service: address) -> stake_words.Service:
    return stake_words._service(self.service_word[service])


@internal
@pure
def _is_active(service: stake_words.Service) -> bool:
    return service.place != 0 and service.retired_at == 0


@internal
@view
def _active(service: address) -> stake_words.Service:
    found: stake_words.Service = self._service(service)
    if not self._is_active(found):
        self._not_active()
    return found


@internal
@view
def _active_index(service: address) -> uint256:
    """@return The lane of a service that may lock."""
    word: uint256 = self.service_word[service]
    if word & stake_words.U8 == 0 or word >> stake_words.RETIRED_AT != 0:
        self._not_active()
    return (word & stake_words.U8) - 1


@internal
@view
def _index(service: address) -> uint256:
    """@return The lane of a service that was ever admitted."""
    place: uint256 = self.service_word[service] & stake_words.U8
    if place == 0:
        self._not_a_service()
    return place - 1


@internal
def _admit_genesis(service: address, standing: uint256):
    """@notice Admit without delay, while nobody can have staked yet."""
    parameters._check_genesis()
    self._announce(service, standing)
    self._enlist(service)


@internal
def _announce(service: address, standing: uint256):
    if self.service_word[service] != 0:
        self._announced_before()
    if standing > stake_words.U64:
        self._bond_too_large()
    announced: stake_words.Service = empty(stake_words.Service)
    announced.standing = standing
    announced.announced_at = block.timestamp
    self.service_word[service] = stake_words._service_word(announced)
    log ServiceAnnounced(service=service, standing=standing)


@internal
def _admit(service: address):
    announced_at: uint256 = self._service(service).announced_at
    if announced_at == 0:
        self._not_announced()
    if block.timestamp < announced_at + parameters._unbonding() + parameters.GRACE:
        self._admission_early()
    self._enlist(service)


@internal
def _retire(service: address):
    """@notice Stop new locks and agreements, or take an announcement back."""
    found: stake_words.Service = self._service(service)
    if found.announced_at == 0 or found.retired_at != 0:
        self._nothing_to_retire()
    found.retired_at = block.timestamp
    self.service_word[service] = (0 if found.place == 0 else stake_words._service_word(found))
    log ServiceRetired(service=service)


@internal
@view
def _voidable_index(service: address) -> uint256:
    """@return The lane of a service that retired so long ago that no lock of it can be live."""
    found: stake_words.Service = self._service(service)
    if (
        found.retired_at == 0
        or block.timestamp < found.retired_at + parameters.MAX_LOCK + parameters.GRACE
    ):
        self._not_voidable()
    return found.place - 1


@internal
def _enlist(service: address):
    admitted: stake_words.Service = self._service(service)
    if admitted.place != 0:
        self._admitted_before()
    if self.service_count == MAX_SERVICES:
        self._list_full()
    if staticcall IService(service).max_lock() > parameters.MAX_LOCK:
        self._locks_too_long()
    index: uint256 = self.service_count
    if staticcall IService(service).OWN_STAKE_ONLY():
        parameters._note_own_only(index)
    self.service_count = index + 1
    admitted.place = index + 1
    admitted.admitted_at = block.timestamp
    self.service_word[service] = stake_words._service_word(admitted)
    log ServiceAdmitted(service=service, index=index, standing=admitted.standing)


@internal
@pure
def _not_active():
    raise "staking: service not active"


@internal
@pure
def _not_a_service():
    raise "staking: not a service"


@internal
@pure
def _announced_before():
    raise "staking: service was announced"


@internal
@pure
def _bond_too_large():
    raise "staking: standing bond too large"


@internal
@pure
def _not_announced():
    raise "staking: service not announced"


@internal
@pure
def _admission_early():
    raise "staking: admission too early"


@internal
@pure
def _nothing_to_retire():
    raise "staking: nothing to retire"


@internal
@pure
def _not_voidable():
    raise "staking: lane not yet void"


@internal
@pure
def _admitted_before():
    raise "staking: service was admitted"


@internal
@pure
def _list_full():
    raise "staking: service list is full"


@internal
@pure
def _locks_too_long():
    raise "staking: service locks too long"
