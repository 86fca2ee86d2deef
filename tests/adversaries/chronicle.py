"""Reads the chain as it grows, and keeps the ledger up to it."""

from dataclasses import dataclass, field

from tests.adversaries.ledger import Ledger
from worker.chain.contracts import Event
from worker.chain.wire import Block
from worker.client.network import Network


@dataclass
class Chronicle:
    """What happened since a block. There are no reorganisations here: what was read stays."""

    network: Network
    ledger: Ledger
    read_up_to: int
    events: list[Event] = field(default_factory=list)

    async def read(self) -> Block:
        """Take in what is new; return the block up to which all is known."""
        head = await self.network.head()
        if head.number > self.read_up_to:
            found = await self.network.logs([], self.read_up_to + 1, head.number)
            for event in found:
                self.ledger.book(event)
            self.events += found
            self.read_up_to = head.number
        return head
