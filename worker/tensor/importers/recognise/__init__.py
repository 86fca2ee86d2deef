"""Replace regions of small float operators by the one operator that they amount to."""

from worker.tensor.importers.recognise.rewrite import recognise

__all__ = ["recognise"]
