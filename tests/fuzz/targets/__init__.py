"""Every parser of untrusted bytes, by name."""

from tests.fuzz.target import Target
from tests.fuzz.targets import (
    documents,
    endpoints,
    events,
    files,
    host,
    places,
    receipts,
    requests,
    tensors,
)

_ROOMS = (documents, endpoints, events, files, host, places, receipts, requests, tensors)

TARGETS: dict[str, Target] = {target.name: target for room in _ROOMS for target in room.TARGETS}
