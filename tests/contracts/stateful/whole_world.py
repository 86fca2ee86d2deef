"""The whole network: every contract, several payment tokens, two operators of one owner."""

from collections.abc import Sequence

import boa
from boa.contracts.vyper.vyper_contract import VyperContract

from tests.contracts.deliveries.world import Side
from tests.contracts.jobs_world import STANDING, Operator
from tests.contracts.provable_world import ProvableJob
from tests.contracts.stateful import network as net
from tests.contracts.stateful.tensor_cases import TensorJob
from tests.contracts.tensor_world import DemandsWorld
from worker.protocol.sortition import is_eligible, ticket

RICH = 10**6 * net.TOKEN
HONEST, KEEPS_FEE, RETURNS_FALSE, CALLS_BACK, REVERTS, IMAGINES, CALLS_BACK_WHEN_ASKED = range(7)
HOSTILE = (2, 3)
"""The indices of the tokens that may turn hostile; 1 is of the old kind that returns nothing."""


class WholeWorld(DemandsWorld):
    """Real courts, services and demands; a further service is announced."""

    job_type = TensorJob

    def __init__(self) -> None:
        super().__init__(operators=6, requesters=3)
        owner = self.join("owner of two", 5_000).owner
        self.operators = [*self.operators, Operator(7, owner, self.worker_of(7))]
        self.operators.append(self.join_again(owner, 5_000))
        self.wait(2 * net.EPOCH)
        self.registry = net.contract("Registry").deploy(self.staking)
        self.tokens = [self.token, *map(self._listed, ("SilentToken", *["HostileToken"] * 2))]
        self.spare = net.contract("services/ReplicatedJobs").deploy(
            self.staking, self.escrow, self.seeds, 60, 60, 60
        )
        self.staking.announce_service(self.spare, STANDING, sender=self.net.owner)
        self.side = Side(self)

    def worker_of(self, operator: int) -> str:
        """Return an operator's present key."""
        return self.staking.worker_of(operator)

    def _listed(self, kind: str) -> VyperContract:
        """Deploy and list a token that pays for both kinds of jobs."""
        token = net.contract(f"mocks/{kind}").deploy()
        with boa.env.prank(self.net.owner):
            self.courts.set_rate(self.escrow.list_token(token), net.TOKEN)
        for payer in self.requesters:
            token.mint(payer, RICH)
        return token

    def held(self, token: int, account: str) -> int:
        """Return what an account truly holds of a token, whatever that would say now."""
        with boa.env.anchor():
            if token in HOSTILE:
                self.tokens[token].set_mode(HONEST, account, b"")
            return self.tokens[token].balanceOf(account)

    def drawn(self, job: ProvableJob, batch: int = 0) -> Operator:
        """Return an operator that may take the open seat; IndexError where nobody has weight."""
        if not any(self._weights(self._since(job, batch))):
            raise IndexError
        return super().drawn(job, batch)

    def wins(
        self, seed: int, job: ProvableJob, operator: Operator, batch: int = 0, factor: int = 4
    ) -> bool:
        """Whether a seed gives the open seat to an operator, by the weights of its epoch."""
        weights = self._weights(self._since(job, batch))
        drawn = ticket(seed, job.key, batch, operator.id)
        return is_eligible(drawn, factor, 1, weights[operator.id - 1], sum(weights))

    def _since(self, job: ProvableJob, batch: int) -> int:
        return self.word(job, batch).since or job.terms.posted_at

    def _weights(self, at: int) -> Sequence[int]:
        """Return the operators' weights as the epoch of `at` began; zeros where that is too long
        ago to be known."""
        try:
            return [self.staking.weight_at(operator.id, at)[0] for operator in self.operators]
        except boa.BoaError:
            return [0] * len(self.operators)
