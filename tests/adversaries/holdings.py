"""What accounts have, as the contracts say, and how that compares with the ledger."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from tests.adversaries.ledger import Ledger
from worker.chain.contracts import Contracts
from worker.protocol.words import GWEI

_TOKEN = 0

_SERVICES = 2

Key = TypeVar("Key", int, str)


@dataclass(frozen=True)
class Holdings:
    """Views of one block. Stakes and locks are gwei, all else is wei of the network token."""

    wallets: Mapping[str, int]
    credits: Mapping[str, int]
    operator_credits: Mapping[int, int]
    operator_fees: Mapping[int, int]
    stakes: Mapping[int, int]
    locked: Mapping[int, int]

    def worth(self, operators: Iterable[int], accounts: Iterable[str]) -> int:
        """Return all that these operators and accounts have together, in wei."""
        of_operators = sum(
            self.stakes[one] * GWEI + self.operator_credits[one] for one in operators
        )
        return of_operators + sum(self.wallets[one] + self.credits[one] for one in accounts)


async def read_holdings(
    contracts: Contracts, block: int, operators: Sequence[int], accounts: Sequence[str]
) -> Holdings:
    """Ask the contracts at one block."""

    async def ask(contract: str, view: str, *args: object) -> int:
        answer = await contracts.call(contract, view, *args, block=block)
        return int(answer[0] if isinstance(answer, (tuple, list)) else answer)

    return Holdings(
        wallets={one: await ask("Token", "balanceOf", one) for one in accounts},
        credits={one: await ask("Escrow", "credit_of", one, _TOKEN) for one in accounts},
        operator_credits={
            one: await ask("Escrow", "operator_credit", one, _TOKEN) for one in operators
        },
        operator_fees={one: await ask("Escrow", "operator_fees", one, _TOKEN) for one in operators},
        stakes={one: await ask("Staking", "operator", one) for one in operators},
        locked={one: await ask("Staking", "locked_of", one) for one in operators},
    )


def differences(before: Holdings, after: Holdings, ledger: Ledger) -> list[str]:
    """Return every amount that is not what the ledger says, to the wei, in words."""
    found = [
        *_compare("wallet", before.wallets, after.wallets, ledger.wallets),
        *_compare("Escrow credit", before.credits, after.credits, ledger.credits),
        *_compare(
            "operator credit",
            before.operator_credits,
            after.operator_credits,
            ledger.operator_credits,
        ),
        *_compare("fees kept", before.operator_fees, after.operator_fees, ledger.operator_fees),
        *_compare("stake", before.stakes, after.stakes, ledger.stakes),
    ]
    for operator, locked in after.locked.items():
        due = ledger.kept_bonds(operator, _SERVICES)
        if locked != due:
            found.append(f"locked of {operator}: {locked} where {due} are due")
    return found


def _compare(
    what: str, before: Mapping[Key, int], after: Mapping[Key, int], changes: Mapping[Key, int]
) -> Iterator[str]:
    for key in before:
        due = before[key] + changes.get(key, 0)
        if after[key] != due:
            yield f"{what} of {key}: {after[key]} where {due} are due"
