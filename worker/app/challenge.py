"""The services that check others' openings and convict who is wrong, wired."""

from dataclasses import dataclass

from worker.chain.endpoints import RpcPool
from worker.services.base import Service, StepHook
from worker.services.challenge.challenger import Challenger
from worker.services.challenge.checker import Checker, Tell, Wanted
from worker.services.challenge.config import ChallengeConfig
from worker.services.challenge.demander import Demander
from worker.services.challenge.docket import Docket
from worker.services.challenge.evidence import Evidence
from worker.services.challenge.runs import Runs
from worker.services.desk import Desk
from worker.services.peers import Peers
from worker.services.provable.lane import Turn
from worker.storage.challenges import CaseStore
from worker.storage.database import Database
from worker.storage.demands import DemandStore
from worker.storage.http import GuardedHttp
from worker.work.peers import PeerClient


@dataclass(frozen=True)
class Bench:
    """What accusing stands on, in a worker and in a process that only watches."""

    desk: Desk[Turn]
    pool: RpcPool
    http: GuardedHttp
    database: Database
    runs: Runs
    config: ChallengeConfig


class ChallengeServices:
    """Checker and challenger of one key. The desk's worker key pays, and is the prover."""

    def __init__(self, bench: Bench, wanted: Wanted, tell: Tell, on_step: StepHook) -> None:
        desk, database = bench.desk, bench.database
        chain, jobs, outbox = desk.chain, desk.jobs, desk.outbox
        docket = Docket(chain.contracts, bench.pool, jobs, desk.identity.worker)
        self.cases, demands = CaseStore(database), DemandStore(database)
        peers, client = Peers(desk), PeerClient(bench.http)
        evidence = Evidence(docket, bench.runs, demands, peers, client)
        demander = Demander(chain, docket, self.cases, demands, outbox, tell, on_step)
        self.checker = Checker(chain, docket, self.cases, bench.runs, wanted, tell, on_step)
        self.challenger = Challenger(
            chain, docket, self.cases, jobs, outbox, evidence, demander, bench.config, tell, on_step
        )
        self.checker.tell(self.challenger)
        self.all: list[Service] = [self.checker, self.challenger]
