"""Who uploads, where, and at what time."""

import hashlib
from dataclasses import replace

from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_account.signers.local import LocalAccount

from worker.protocol.uploads import Upload, UploadDomain, typed_data
from worker.types import Address, Digest, OperatorId, Timestamp

NOW = 1_000_000
DOMAIN = UploadDomain(chain_id=31_337, service=Address("0x" + "11" * 20))
REQUESTER = Account.from_key("0x" + "22" * 32)


def upload_of(data: bytes, **changes: object) -> Upload:
    upload = Upload(
        digest=Digest(hashlib.sha256(data).digest()),
        size=len(data),
        signer=Address(REQUESTER.address),
        operator=OperatorId(7),
        expiry=Timestamp(NOW + 60),
    )
    return replace(upload, **changes)


def sign(upload: Upload, domain: UploadDomain = DOMAIN, account: LocalAccount = REQUESTER) -> bytes:
    message = encode_typed_data(full_message=typed_data(upload, domain))
    return bytes(account.sign_message(message).signature)
