# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Registry
@license AGPL-3.0-only
@notice Where operators say what they offer. A profile is leased: it lapses unless renewed.
@dev All of it is the operator's own word, for choice only; nothing is paid for being listed.
"""

from .interfaces import IStaking


struct Profile:
    endpoint: String[128]  # base URL of the worker's public API
    capabilities: uint256  # bits
    hardware: bytes32  # sha256 of the hardware description that the endpoint serves
    region: uint64  # H3 cell of resolution 3 or 4, 0 when not told
    price: uint256  # asked per task, wei of the network token
    version: String[32]  # of the worker's software
    expires_at: uint256


event ProfileAnnounced:
    id: indexed(uint256)
    endpoint: String[128]
    capabilities: uint256
    hardware: bytes32
    region: uint64
    price: uint256
    version: String[32]
    expires_at: uint256


event ProfileRetracted:
    id: indexed(uint256)


MAX_LEASE: public(constant(uint256)) = 30 * 86_400

STAKING: immutable(IStaking)

profiles: HashMap[uint256, Profile]


@deploy
def __init__(staking: IStaking):
    STAKING = staking


@external
def announce(
    id: uint256,
    endpoint: String[128],
    capabilities: uint256,
    hardware: bytes32,
    region: uint64,
    price: uint256,
    version: String[32],
    lease: uint256,
):
    """
    @notice Publish or renew the profile of operator `id`; by its owner or its worker key.
    @param lease Seconds until the profile lapses, at most 30 days.
    """
    self._check_sender(id)
    if len(endpoint) == 0:
        self._no_endpoint()
    if lease == 0 or lease > MAX_LEASE:
        self._bad_lease()
    profile: Profile = Profile(
        endpoint=endpoint,
        capabilities=capabilities,
        hardware=hardware,
        region=region,
        price=price,
        version=version,
        expires_at=block.timestamp + lease,
    )
    self.profiles[id] = profile
    log ProfileAnnounced(
        id=id,
        endpoint=endpoint,
        capabilities=capabilities,
        hardware=hardware,
        region=region,
        price=price,
        version=version,
        expires_at=profile.expires_at,
    )


@external
def retract(id: uint256):
    """@notice Remove the profile of operator `id`; by its owner or its worker key."""
    self._check_sender(id)
    if self.profiles[id].expires_at == 0:
        self._no_profile()
    self.profiles[id] = empty(Profile)
    log ProfileRetracted(id=id)


@external
@view
def profile_of(id: uint256) -> Profile:
    """@return The profile of operator `id`, empty unless its lease still runs."""
    profile: Profile = self.profiles[id]
    if block.timestamp >= profile.expires_at:
        return empty(Profile)
    return profile


@internal
@view
def _check_sender(id: uint256):
    if id == 0:
        self._not_operator()
    if msg.sender == staticcall STAKING.owner_of(id):
        return
    if id != staticcall STAKING.operator_of(msg.sender):
        self._not_operator()


@internal
@pure
def _not_operator():
    raise "registry: neither owner nor worker"


@internal
@pure
def _no_endpoint():
    raise "registry: no endpoint"


@internal
@pure
def _bad_lease():
    raise "registry: lease out of bounds"


@internal
@pure
def _no_profile():
    raise "registry: no profile"
