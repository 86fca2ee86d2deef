"""Who uploads, where, and at what time."""

from eth_account import Account

from worker.chain.keys import Signer
from worker.protocol.uploads import UploadDomain
from worker.types import Address

NOW = 1_000_000
DOMAIN = UploadDomain(chain_id=31_337, service=Address("0x" + "11" * 20))
PAYER = Signer(Account.from_key("0x" + "22" * 32))
