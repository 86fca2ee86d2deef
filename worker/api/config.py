"""Where the worker listens, and how much strangers may take."""

from pydantic import BaseModel, ConfigDict, Field


class ApiConfig(BaseModel):
    """Settings of both listeners; sizes in bytes. Port 0 lets the system choose.

    The admin listener has no host: it is on loopback, always.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    public_host: str = "127.0.0.1"
    public_port: int = Field(default=8440, ge=0, le=65_535)
    admin_port: int = Field(default=8441, ge=0, le=65_535)
    transfers: int = Field(default=64, ge=1)
    """At once, up and down together."""

    transfers_per_peer: int = Field(default=8, ge=1)
    upload_bytes: int = Field(default=256 << 20, ge=0)
    """One uploaded blob."""

    upload_bytes_per_token: int = Field(default=16 << 20, ge=0)
    """What a signer may leave here for each whole network token that it holds …"""

    upload_signer_bytes: int = Field(default=1 << 30, ge=0)
    """… and at most, however many."""

    uploads_total_bytes: int = Field(default=4 << 30, ge=0)
    """All uploads that are kept."""

    upload_seconds: int = Field(default=7 * 86_400, ge=0)
    """How long an upload is kept at most."""
