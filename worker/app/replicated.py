"""The services of the replicated lane, wired."""

from worker.app.ground import Ground
from worker.services.base import Service, StepHook
from worker.services.claimer import Claimer
from worker.services.load import Load
from worker.services.openings import Openings
from worker.services.peers import Peers
from worker.services.preparer import PrepareService
from worker.services.revealer import Revealer
from worker.services.runner import Runner
from worker.services.sealer import Sealer
from worker.services.settler import Settler
from worker.services.wasm_work import WasmWork
from worker.storage.fetch import Fetcher
from worker.types import Seconds
from worker.work.prepare import Preparer


class ReplicatedServices:
    """Everything that works on WebAssembly jobs."""

    def __init__(self, ground: Ground, peers: Peers, fetcher: Fetcher, on_step: StepHook) -> None:
        node, desk = ground.node, ground.desk
        self.openings = Openings(desk, ground.http, peers)
        scratch = ground.config.data / "scratch"
        scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
        work = WasmWork(
            ground.executor, ground.blobs, scratch, node.run.task_seconds, node.run.parallel
        )
        made = Preparer(fetcher, ground.executor, node.limits)
        preparer = PrepareService(
            desk, made, node.policy, ground.health, peers.locators, 0, on_step
        )
        load = Load(desk, node.policy, work.parallel)
        claimer = Claimer(desk, preparer, node.policy, load, ground.health, on_step)
        runner = Runner(desk, preparer, work, node.run.serve_seconds, on_step)
        sealer = Sealer(desk, node.policy, on_step)
        patience = Seconds(node.patience)
        revealer = Revealer(desk, self.openings, patience, on_step)
        settler = Settler(desk, patience, self.openings.forget, on_step)
        preparer.tell(claimer, runner)
        claimer.tell(runner)
        runner.tell(sealer)
        self.acting: list[Service] = [claimer, runner, sealer, revealer, settler]
        """Those that wait for what the chain says and for their transactions."""
        self.all: list[Service] = [preparer, *self.acting]
