"""Who uploads, where, and at what time."""

import hashlib
from dataclasses import replace

from eth_account import Account

from worker.chain.keys import Signer
from worker.protocol.uploads import Upload, UploadDomain
from worker.types import Address, Digest, OperatorId, Timestamp

NOW = 1_000_000
DOMAIN = UploadDomain(chain_id=31_337, service=Address("0x" + "11" * 20))
REQUESTER = Signer(Account.from_key("0x" + "22" * 32))


def upload_of(data: bytes, **changes: object) -> Upload:
    upload = Upload(
        digest=Digest(hashlib.sha256(data).digest()),
        size=len(data),
        signer=Address(REQUESTER.address),
        operator=OperatorId(7),
        expiry=Timestamp(NOW + 60),
    )
    return replace(upload, **changes)
