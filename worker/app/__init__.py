"""The composition root: opens what a worker needs, wires its services, runs them, closes all."""

from worker.app.ground import Ground, open_ground
from worker.app.worker import Worker, run, serve

__all__ = ["Ground", "Worker", "open_ground", "run", "serve"]
