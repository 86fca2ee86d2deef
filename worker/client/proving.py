"""Asks a node for a receipt's proofs, and checks them before anybody relies on them."""

from dataclasses import dataclass
from typing import Any

from worker.chain.wire import parse_object
from worker.client.lane import Lane
from worker.client.network import Network
from worker.client.receipts import Receipt, check_receipt, encode_header, result_slot
from worker.client.view import BatchView, JobView
from worker.errors import NotFoundError, RpcError
from worker.protocol.provable_words import ProvableBatch
from worker.protocol.words import Stage
from worker.types import Address


async def fetch_receipts(
    network: Network, view: JobView, batch: BatchView, depth: int
) -> list[Receipt]:
    """Return a receipt for each stage of a settled batch, as of `depth` blocks below the head.

    Raises NotFoundError while no result is settled that deep, VerificationError when the node's
    proofs do not hold.
    """
    block = (await network.head()).number - depth
    if not batch.result:
        raise NotFoundError(f"batch {batch.index} has no result: it is {batch.state}")
    if batch.changed_in > block:
        raise NotFoundError(f"batch {batch.index} is settled, but less than {depth} blocks ago")
    return [await _fetch(network, view, batch, stage, block) for stage in sorted(batch.result)]


async def _fetch(
    network: Network, view: JobView, batch: BatchView, stage: Stage, block: int
) -> Receipt:
    result = batch.result[stage]
    slot = result_slot(view.lane, view.key, batch.index, stage)
    service = network.contracts.address(view.lane)
    header = await _ask(network, "eth_getBlockByNumber", [hex(block), False], "block")
    proof = await _prove(network, service, slot, block)
    terms, origin = view.terms, view.origin
    receipt = Receipt(
        chain_id=network.chain_id,
        service=service.lower(),
        payer=view.payer.lower(),
        a=terms.a,
        b=terms.b,
        named=terms.named.hex(),
        nonce=origin.nonce,
        program=origin.program.hex(),
        inputs=origin.inputs.hex(),
        manifest=origin.manifest.hex(),
        batch=batch.index,
        stage=stage,
        mask=result.mask,
        values=[value.hex() for value in result.values],
        servers=list(result.servers),
        settled_at=result.settled_at,
        accepted=view.lane is Lane.PROVABLE and ProvableBatch.unpack(proof.word).accepted,
        header=encode_header(header).hex(),
        account_proof=proof.account,
        storage_proof=proof.storage,
    )
    check_receipt(receipt, receipt.block_hash, service)
    return receipt


@dataclass(frozen=True)
class _Proof:
    """A slot's word, and the tries' nodes that prove it, in hex."""

    word: int
    account: list[str]
    storage: list[str]


async def _prove(network: Network, service: Address, slot: bytes, block: int) -> _Proof:
    params = [service, ["0x" + slot.hex()], hex(block)]
    answer = await _ask(network, "eth_getProof", params, "proof")
    try:
        kept = answer["storageProof"][0]
        account, storage = (
            [node[2:].lower() for node in nodes]
            for nodes in (answer["accountProof"], kept["proof"])
        )
        return _Proof(int(kept["value"], 16), account, storage)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise RpcError("endpoint sent a malformed proof") from error


async def _ask(network: Network, method: str, params: list[Any], what: str) -> dict[str, Any]:
    return await network.pool.call(method, params, lambda value: dict(parse_object(value, what)))
