"""Votes that an operator's owner signs and anybody brings to the chain: the owner pays no gas."""

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from worker.client.governance import Support, fetch_proposal, voted
from worker.client.operator import fetch_operator
from worker.client.wallet import Wallet
from worker.errors import UsageError
from worker.protocol import eip712
from worker.types import Gwei, OperatorId


class Ballot(BaseModel):
    """A signed vote. It says nothing that is secret, and can be used for nothing else."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    proposal: int = Field(ge=1)
    operator: int = Field(ge=1, lt=1 << 24)
    support: Support
    deadline: int = Field(ge=1)
    signature: str = Field(pattern=r"^0x[0-9a-fA-F]{130}$")

    @classmethod
    def read(cls, text: str | bytes) -> "Ballot":
        """Read what `gov sign` printed. Raises UsageError."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(map(str, first["loc"])) or "ballot"
            raise UsageError(f"no ballot: {field}: {first['msg']}") from error


async def sign(wallet: Wallet, number: int, operator: OperatorId, support: Support) -> Ballot:
    """Sign a vote of an operator that the wallet owns; it can be brought until voting closes.

    Sends nothing. Raises NotFoundError, UsageError when the operator is somebody else's.
    """
    proposal = await fetch_proposal(wallet, number)
    owner = (await fetch_operator(wallet, operator)).owner
    if owner != wallet.address:
        raise UsageError(f"operator {operator} is {owner}'s, not {wallet.address}'s")
    domain = await wallet.domain("Governor")
    message = eip712.ballot(domain, number, operator, int(support), proposal.closes_at)
    signature = "0x" + wallet.signer.sign_typed_data(message).hex()
    return Ballot(
        proposal=number,
        operator=operator,
        support=support,
        deadline=proposal.closes_at,
        signature=signature,
    )


async def bring(wallet: Wallet, ballot: Ballot) -> Gwei:
    """Cast a vote that somebody signed; return how much it was, in gwei. Raises RevertedError."""
    entry = await wallet.send(
        "Governor",
        "vote_by_signature",
        ballot.proposal,
        ballot.operator,
        int(ballot.support),
        ballot.deadline,
        bytes.fromhex(ballot.signature[2:]),
    )
    return await voted(wallet, entry)
