"""What a job will cost and who can run it, told before anything is signed or sent."""

from dataclasses import dataclass

from worker.client.build import Build
from worker.client.eligibility import Candidate
from worker.client.lane import Lane, expected_cost, reserve_of
from worker.protocol.words import BPS, Terms
from worker.types import Wei

PUBLIC_INPUTS = "the program and its inputs are public: every operator who draws the job reads them"


@dataclass(frozen=True)
class Quote:
    """The price of a job. Amounts are wei of the job's token but `gas_cost`, wei of gas money.

    `escrow` is taken at posting; `expected` is paid when nobody dissents, in provable jobs on
    average, and the rest comes back.
    The fee is part of it: operators get that much less. Without a wallet that can pay, `gas` is
    None and `problem` says why the posting would be refused.
    """

    terms: Terms
    tasks: int
    batches: int
    escrow: Wei
    expected: Wei
    fee: Wei
    upload_bytes: int
    candidates: tuple[Candidate, ...]
    gas: int | None
    gas_cost: Wei | None
    problem: str | None

    @property
    def eligible(self) -> tuple[Candidate, ...]:
        """The operators that can claim now."""
        return tuple(one for one in self.candidates if one.is_eligible)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should read before agreeing."""
        warnings = [PUBLIC_INPUTS]
        able = len(self.eligible)
        if able < self.terms.seats:
            warnings.append(f"{able} operators can claim, a batch needs {self.terms.seats}")
        elif able < self.terms.max_seats:
            warnings.append(
                f"{able} operators can claim, a contested batch needs {self.terms.max_seats}"
            )
        elif able < 2 and Lane.of(self.terms) is Lane.PROVABLE:
            warnings.append("1 operator can claim, an audited batch needs 2 of different owners")
        if self.problem:
            warnings.append(f"the posting would be refused: {self.problem}")
        return tuple(warnings)


def make_quote(
    build: Build,
    terms: Terms,
    candidates: list[Candidate],
    gas: int | None,
    gas_price: int,
    problem: str | None,
) -> Quote:
    """Put the sums together. `gas_price` is wei per gas."""
    expected = expected_cost(terms)
    return Quote(
        terms=terms,
        tasks=terms.tasks,
        batches=terms.batches,
        escrow=reserve_of(terms),
        expected=expected,
        fee=Wei(expected * terms.fee_bps // BPS),
        upload_bytes=build.bytes_total,
        candidates=tuple(candidates),
        gas=gas,
        gas_cost=None if gas is None else Wei(gas * gas_price),
        problem=problem,
    )
