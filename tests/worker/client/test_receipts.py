"""Receipts: checked offline from a block hash alone, and no flipped bit passes."""

from pathlib import Path

import pytest
import vyper
from eth_utils.crypto import keccak
from vyper.compiler.input_bundle import FilesystemInputBundle
from vyper.compiler.settings import Settings

from tests.worker.client.conftest import digests_of
from worker.client.lane import Lane
from worker.client.receipts import SLOTS, Receipt, check_receipt, encode_header
from worker.errors import NotFoundError, VerificationError
from worker.protocol.record import blind
from worker.protocol.words import Stage
from worker.types import Address

DIGESTS = digests_of("a", "b")


@pytest.fixture
async def receipt(client, job, cast) -> Receipt:
    view = await client.view((await client.submit(job)).key)
    with pytest.raises(NotFoundError, match="batch 0 has no result: it is open"):
        await client.receipts("try", 0)
    await cast.conclude(view, 0, DIGESTS)
    (proof,) = await client.receipts("try", 0)
    assert proof.key == view.key
    return proof


async def test_check__block_hash__proves_program_terms_and_values(client, receipt, tmp_path):
    record = (await client.show("try")).record
    path = tmp_path / "receipt.json"
    path.write_text(receipt.model_dump_json())

    loaded = Receipt.load(path)
    moment = check_receipt(loaded, receipt.block_hash, client._network.service)

    assert loaded.task_values() == {0: blind(DIGESTS[0]), 1: blind(DIGESTS[1])}
    assert (loaded.program, loaded.manifest) == (record.program, record.manifest)
    assert moment >= loaded.settled_at >= loaded.terms.posted_at
    assert sorted(loaded.servers) == [1, 2, 3]


async def test_check__batch_that_grew__proves_each_stage_for_itself(client, job, cast):
    view = await client.view((await client.submit(job)).key)
    await cast.grow(view, 0, DIGESTS, digests_of("a", "lie"))

    base, final = await client.receipts("try", 0)

    assert (base.servers, final.servers) == ([1, 2, 3], [1, 2, 4, 5])
    assert (base.stage, base.task_values()) == (Stage.BASE, {0: blind(DIGESTS[0])})
    assert (final.stage, final.task_values()) == (Stage.FINAL, {1: blind(DIGESTS[1])})
    for proof, other in ((base, final), (final, base)):
        service = Address(proof.service)
        check_receipt(proof, proof.block_hash, service)
        borrowed = {"mask": other.mask, "values": other.values, "servers": other.servers}
        mixed = proof.model_copy(update=borrowed)
        with pytest.raises(VerificationError, match="keeps another result"):
            check_receipt(mixed, proof.block_hash, service)
        with pytest.raises(VerificationError):
            moved = proof.model_copy(update={"stage": other.stage})
            check_receipt(moved, proof.block_hash, service)


async def test_check__a_bit_flipped_anywhere__refused(receipt, tmp_path):
    data = receipt.model_dump_json().encode()
    block, service = receipt.block_hash, Address(receipt.service)
    path = tmp_path / "receipt.json"
    for place in range(0, len(data), 7):  # 7 and 8 share no divisor: every bit has its turn
        bent = bytearray(data)
        bent[place] ^= 1 << place % 8
        path.write_bytes(bent)
        with pytest.raises(VerificationError):
            check_receipt(Receipt.load(path), block, service)


async def test_check__other_block__refused(receipt):
    with pytest.raises(VerificationError, match="another block"):
        check_receipt(receipt, bytes(32), Address(receipt.service))


async def test_check__another_contract_than_the_trusted_one__refused(receipt):
    other = Address("0x" + "Ab" * 20)
    with pytest.raises(VerificationError, match=f"{receipt.service}, not of 0x{'ab' * 20}"):
        check_receipt(receipt, receipt.block_hash, other)


NOTHING = "shows that there is nothing|proof does not hold"
LIES = [
    ({"values": ["00" * 32, "11" * 32]}, "keeps another result"),
    ({"servers": [1, 2]}, "keeps another result"),
    ({"servers": [2, 1, 3]}, "keeps another result"),
    ({"settled_at": 1}, "keeps another result"),
    ({"accepted": True}, "only results of provable jobs"),
    ({"mask": 1}, "values and mask do not fit"),
    ({"mask": 5}, "no such tasks"),
    ({"batch": 9}, NOTHING),
    ({"batch": 1}, NOTHING),
    ({"stage": Stage.BASE}, NOTHING),
    ({"nonce": 1}, NOTHING),
    ({"program": "00" * 32}, NOTHING),
    ({"payer": "0x" + "11" * 20}, NOTHING),
    ({"chain_id": 1}, NOTHING),
    ({"service": "0x" + "11" * 20}, NOTHING),
    ({"account_proof": ["c0"]}, "the account proof does not hold"),
    ({"storage_proof": ["ff"]}, "the storage proof does not hold"),
]


async def test_check__another_claim__refused(receipt):
    for change, message in LIES:
        with pytest.raises(VerificationError, match=message):
            bent = receipt.model_copy(update=change)
            check_receipt(bent, receipt.block_hash, Address(bent.service))


async def test_check__useless_node_added__refused(receipt):
    longer = receipt.model_copy(update={"storage_proof": [*receipt.storage_proof, "80"]})
    with pytest.raises(VerificationError, match="not one path"):
        check_receipt(longer, receipt.block_hash, Address(receipt.service))


@pytest.mark.parametrize("data", [b"", b"{}", b'{"version": 2}', b"\xff", b"[" * 100_000])
def test_load__not_a_receipt__refused(tmp_path, data):
    path = tmp_path / "receipt.json"
    path.write_bytes(data)
    with pytest.raises(VerificationError, match=r"receipt\.json"):
        Receipt.load(path)
    with pytest.raises(VerificationError, match="No such file"):
        Receipt.load(tmp_path / "none.json")


@pytest.mark.parametrize("chain_id", [0, 1 << 256])
async def test_load__chain_id_that_none_has__is_named(tmp_path, receipt, chain_id):
    path = tmp_path / "receipt.json"
    path.write_text(receipt.model_copy(update={"chain_id": chain_id}).model_dump_json())
    with pytest.raises(VerificationError, match=r"receipt\.json: chain_id: "):
        Receipt.load(path)


async def test_encode_header__altered_by_the_node__refused(network):
    block = await network.anvil.ask("eth_getBlockByNumber", "latest", False)
    assert keccak(encode_header(block)).hex() == block["hash"][2:]
    with pytest.raises(VerificationError, match="does not fit its hash"):
        encode_header({**block, "timestamp": "0x1"})
    with pytest.raises(VerificationError, match="malformed header"):
        encode_header({name: value for name, value in block.items() if name != "stateRoot"})


@pytest.mark.parametrize(
    ("lane", "names"),
    [
        (Lane.REPLICATED, {Stage.FINAL: "batches", Stage.BASE: "base_result_of"}),
        (Lane.PROVABLE, {Stage.FINAL: "batches"}),
    ],
)
def test_result_slot__compilers_layout__is_the_same(lane, names):
    import snekmate

    path = Path(f"contracts/services/{lane}.vy").resolve()
    packages = Path(snekmate.__path__[0]).parent
    bundle = FilesystemInputBundle([packages, Path("contracts").resolve()])
    source = bundle.load_file(path)
    compiled = vyper.compiler.compile_from_file_input(
        source,
        input_bundle=bundle,
        output_formats=["layout"],
        settings=Settings(evm_version="cancun"),
    )
    slots = dict(_slots(compiled["layout"]["storage_layout"]))
    assert {stage: slots[name] for stage, name in names.items()} == {
        stage: slot for (of, stage), slot in SLOTS.items() if of is lane
    }


def _slots(layout):
    """Yield name and slot of every variable, those of modules too."""
    for name, entry in layout.items():
        if "slot" in entry:
            yield name, entry["slot"]
        else:
            yield from _slots(entry)
