"""Fields at their extremes, and lists at their ends, that no test could fill by transactions."""

import boa
import pytest
from boa.contracts.vyper.vyper_contract import VyperContract
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from tests.contracts.stateful import network as net

# docs/protocol.md, section 1: each word's fields by width, from the least significant bit.
LAYOUTS = {
    "operator": (63, 1, 62, 2, 32, 32, 32, 32),
    "total": (56, 56, 56, 32, 24),
    "service": (8, 64, 40, 40, 40),
    "opt_in": (64, 64, 40, 40),
    "worker_key": (24, 64, 1),
}
FIELDS = [(kind, field) for kind, widths in LAYOUTS.items() for field in range(len(widths))]


def _as_struct(kind, fields):
    """Shape the flat fields like the contract's struct."""
    if kind == "operator":
        stake, pooled, exiting, reach, *weights = fields
        return (stake, exiting, reach, tuple(weights), bool(pooled))
    if kind == "total":
        return (tuple(fields[:4]), fields[4])
    if kind == "worker_key":
        return (fields[0], fields[1], bool(fields[2]))
    return tuple(fields)


@pytest.fixture(scope="module")
def harness():
    return net.contract("mocks/StakeWordsHarness").deploy()


@pytest.mark.parametrize("others", ["empty", "full"])
@pytest.mark.parametrize(("kind", "field"), FIELDS)
def test_word__one_field_at_its_bounds__lies_where_the_protocol_says(harness, kind, field, others):
    """The neighbours keep what they have, be that nothing or all that they can hold."""
    widths = LAYOUTS[kind]
    most = 2 ** widths[field] - 1
    for value in {0, 1, most - 1, most}:
        fields = [0 if others == "empty" else 2**width - 1 for width in widths]
        fields[field] = value
        struct = _as_struct(kind, fields)
        word, unpacked = getattr(harness, kind)(struct)
        parts = zip(fields, widths, strict=True)
        shifts = [sum(widths[:place]) for place in range(len(widths))]
        assert word == sum(part << shift for (part, _), shift in zip(parts, shifts, strict=True))
        assert unpacked == struct


@pytest.mark.parametrize("kind", LAYOUTS)
def test_word__all_fields_full__nothing_spills(harness, kind):
    fields = [2**width - 1 for width in LAYOUTS[kind]]
    struct = _as_struct(kind, fields)
    word, unpacked = getattr(harness, kind)(struct)
    assert word == 2 ** sum(LAYOUTS[kind]) - 1
    assert unpacked == struct


@pytest.mark.parametrize(
    "word", [0, 2**256 - 1, 2**126 - 1 + 2**64, 3 << 126, 5 << 64 | 9, 1 << 63 | 4]
)
def test_operator__what_a_lock_reads__is_what_the_whole_word_says(harness, word):
    stake, exiting, reach = word % 2**63, word >> 64 & (2**62 - 1), word >> 126 & 3
    if exiting > stake:
        with boa.reverts():
            harness.lockable(word)
    else:
        assert harness.lockable(word) == (stake - exiting, reach)


@pytest.fixture
def network():
    deployed = net.deploy()
    net.admit(deployed)
    return deployed


def test_stake__ids_used_up__reverts(network):
    net.fund(network, network.owner, 0)
    terms = (0, net.MINIMUM_STAKE * net.TOKEN, net.NO_PERMIT)
    _store(network.staking, "operators", "total_word", (2**24 - 2) << 200)
    assert network.staking.stake(*terms, sender=network.owner) == 2**24 - 1
    with boa.reverts("staking: no id is left"):
        network.staking.stake(*terms, sender=network.owner)


def test_list_token__indices_used_up__reverts(network):
    _store(network.escrow, "escrow_settings", "listed_count", 2**16 - 2)
    listed = network.escrow.list_token(boa.env.generate_address(), sender=network.owner)
    assert listed == 2**16 - 1
    with boa.reverts("escrow: token list is full"):
        network.escrow.list_token(boa.env.generate_address(), sender=network.owner)


@pytest.mark.parametrize("credit", [0, 1, 2**127, 2**128 - 1])
@pytest.mark.parametrize("fees", [0, 1, 2**127, 2**128 - 1])
def test_operator_credit__beside_any_fees__is_told_apart(network, credit, fees):
    operator, token = 2**24 - 1, 2**16 - 1
    key, word = operator << 16 | token, credit | fees << 128
    _store(network.escrow, "credits", "operator_credit_word", word, key)
    assert network.escrow.operator_credit(operator, token) == credit
    assert network.escrow.operator_fees(operator, token) == fees


def test_pause__again_and_beside_full_fields__replaces_the_first(network):
    """The word's neighbours are the fee and the guardian; moments differ in all of their bits."""
    escrow, owner = network.escrow, network.owner
    guardian = "0x" + "Ff" * 20
    escrow.set_guardian(guardian, sender=owner)
    escrow.set_fee_bps(1_000, sender=owner)
    boa.env.time_travel(2**31 - net.DAY - boa.env.timestamp)
    for until in (2**31 - 1, 2**31, 2**31 - 1):
        escrow.pause(until - boa.env.timestamp, sender=guardian)
        assert escrow.paused_until() == until
        assert (escrow.guardian().lower(), escrow.fee_bps()) == (guardian.lower(), 1_000)


def _store(
    contract: VyperContract, module: str, name: str, value: int, key: int | None = None
) -> None:
    """Write a variable of one of the contract's modules, as no call could in a lifetime."""
    layout = contract.compiler_data.storage_layout["storage_layout"]
    slot = layout[module][name]["slot"]
    if key is not None:  # of a map
        slot = int.from_bytes(keccak(encode(["uint256", "uint256"], [slot, key])), "big")
    boa.env.set_storage(contract.address, slot, value)
