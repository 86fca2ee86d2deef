"""Where block hashes come from, at both ends of their range."""

import ape
import pytest
from eth_utils import keccak

ARB_SYS = "0x0000000000000000000000000000000000000064"
ARB_HEIGHT = 1_000  # what MockArbSys says


@pytest.fixture
def block_seed(project, owner):
    return owner.deploy(project.BlockSeed)


@pytest.fixture
def arbitrum_seed(project, owner, chain):
    mock = owner.deploy(project.MockArbSys)
    code = chain.provider.get_code(mock.address)
    chain.provider.make_request("anvil_setCode", [ARB_SYS, code.hex()])
    return owner.deploy(project.ArbitrumSeed)


def test_height__block_seed__is_the_block_number(block_seed, chain):
    assert block_seed.height() == chain.blocks.head.number


@pytest.mark.parametrize("back", [1, 256])
def test_hash_of__last_256_blocks__is_the_blocks_hash(block_seed, chain, back):
    chain.mine(260)
    head = chain.blocks.head.number
    assert bytes(block_seed.hash_of(head - back)) == bytes(chain.blocks[head - back].hash)


@pytest.mark.parametrize("back", [0, 257, -1])
def test_hash_of__outside__reverts(block_seed, chain, back):
    chain.mine(260)
    with ape.reverts("block_seed: out of range"):
        block_seed.hash_of(chain.blocks.head.number - back)


def test_is_native__only_where_the_opcodes_say_the_same(block_seed, arbitrum_seed):
    assert (block_seed.is_native(), arbitrum_seed.is_native()) == (True, False)


def test_height__arbitrum_seed__asks_arb_sys(arbitrum_seed):
    assert arbitrum_seed.height() == ARB_HEIGHT


@pytest.mark.parametrize("back", [1, 256])
def test_hash_of__arbitrum_last_256__asks_arb_sys(arbitrum_seed, back):
    expected = keccak((ARB_HEIGHT - back).to_bytes(32, "big"))
    assert bytes(arbitrum_seed.hash_of(ARB_HEIGHT - back)) == expected


@pytest.mark.parametrize("back", [0, 257, -1])
def test_hash_of__arbitrum_outside__reverts(arbitrum_seed, back):
    with ape.reverts("arbitrum_seed: out of range"):
        arbitrum_seed.hash_of(ARB_HEIGHT - back)
