"""Every error that the worker and the SDK raise on purpose.

ProofmeshError
├── RetryableError          try again later; the daemon goes on
│   ├── RpcError            no endpoint gave a usable answer
│   ├── StaleBlockError     an endpoint lags behind what was already seen
│   ├── GasTooHighError     the fee exceeds what the transaction is worth now
│   ├── FetchError          a blob could not be fetched from anywhere yet
│   └── StoreFullError      no room for a blob in the quota or on the disk
├── JobError                ends a job, keeps the daemon
│   ├── InvalidProgramError the module is malformed, too large or imports what is not allowed
│   ├── InvalidManifestError
│   ├── InvalidBlobError    bytes do not match their digest or their format
│   ├── ExecutionFailedError the host, not the program, ended the run
│   └── VerificationError   a result is not what its digest, its receipt or a re-run says
├── TransactionError        the chain refused a transaction
│   ├── RevertedError       with the contract's reason
│   └── InsufficientFundsError
├── UsageError              the caller asked for something that cannot be (bad file, bad value)
│   ├── SpecError           job.yaml is wrong; `path` names the field
│   └── NotFoundError
├── WaitTimeoutError        the time given for waiting is over; the job lives on
└── FatalError              stop: a person must look
    ├── ConfigError
    │   └── KeyAccessError  a key's file is missing or exposed, or its password wrong
    ├── WrongChainError     the endpoint is on another chain or has other contracts
    ├── KeyInUseError       another process works with the same key
    ├── UnbondedError       the operator has no stake or no worker key set
    └── StoreCorruptError
"""


class ProofmeshError(Exception):
    """The root of all errors raised on purpose."""


class RetryableError(ProofmeshError):
    """Try again later; nothing is lost."""


class RpcError(RetryableError):
    """No endpoint gave a usable answer."""


class StaleBlockError(RetryableError):
    """An endpoint lags behind what was already seen."""


class GasTooHighError(RetryableError):
    """The fee exceeds what the transaction is worth now."""


class FetchError(RetryableError):
    """A blob could not be fetched from any of its places yet."""


class StoreFullError(RetryableError):
    """No room for a blob: the quota is used up by kept blobs, or the disk is full."""


class JobError(ProofmeshError):
    """Ends one job; the daemon goes on."""


class InvalidProgramError(JobError):
    """The module is malformed, too large, or imports what is not allowed."""


class InvalidManifestError(JobError):
    """The manifest or the task table breaks its format."""


class InvalidBlobError(JobError):
    """Bytes do not match their digest or their format."""


class ExecutionFailedError(JobError):
    """The host, not the program, ended the run; `reason` is a short code."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason


class VerificationError(JobError):
    """A result is not what its digest, its receipt or a re-run says."""


class TransactionError(ProofmeshError):
    """The chain refused a transaction."""


class RevertedError(TransactionError):
    """A contract refused; `reason` is its words, such as "jobs: claim closed"."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class InsufficientFundsError(TransactionError):
    """The account lacks gas money or tokens."""


class UsageError(ProofmeshError):
    """The caller asked for something that cannot be."""


class SpecError(UsageError):
    """A job file is wrong; `path` names the field, such as "tasks.range.to"."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path


class NotFoundError(UsageError):
    """No such job, operator, batch or file."""


class WaitTimeoutError(ProofmeshError):
    """The time given for waiting is over; the job lives on."""


class FatalError(ProofmeshError):
    """Stop: a person must look."""


class ConfigError(FatalError):
    """A setting is missing or wrong."""


class KeyAccessError(ConfigError):
    """A key cannot be opened: its file is missing or exposed, or the password is wrong."""


class WrongChainError(FatalError):
    """The endpoint is on another chain, or its contracts have other code."""


class KeyInUseError(FatalError):
    """Another process works with the same key."""


class UnbondedError(FatalError):
    """The operator has no stake, no opt-in, or no worker key set."""


class StoreCorruptError(FatalError):
    """The database cannot be read or written."""
