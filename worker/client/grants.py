"""Leave for Escrow to take an exact sum: a permit, or an approval for tokens without permits."""

from dataclasses import dataclass

from worker.client.wallet import NO_PERMIT, Permit, Wallet, as_tokens
from worker.errors import InsufficientFundsError, RevertedError
from worker.types import Address, Wei


@dataclass(frozen=True)
class Grant:
    """How `spender` gets `amount` of `token`: by the permit, or after `approve`."""

    token: Address
    spender: str
    amount: Wei
    permit: Permit
    needs_approval: bool

    async def approve(self, wallet: Wallet, name: str) -> None:
        """Approve exactly the amount where no permit does; `name` makes the transaction unique."""
        if self.needs_approval:
            await self._approve(wallet, self.amount, f"approve:{name}")

    async def take_back(self, wallet: Wallet, name: str) -> None:
        """Leave no allowance behind when nothing was taken."""
        if self.needs_approval:
            await self._approve(wallet, Wei(0), f"revoke:{name}")

    async def _approve(self, wallet: Wallet, amount: Wei, purpose: str) -> None:
        spender = wallet.contracts.address(self.spender)
        await wallet.send("Token", "approve", spender, amount, purpose=purpose, at=self.token)


async def make_grant(wallet: Wallet, token: Address, spender: str, amount: Wei) -> Grant:
    """Return a grant of exactly `amount`; signs at most a permit, sends nothing.

    Raises InsufficientFundsError when the wallet has less.
    """
    balance = await wallet.call("Token", "balanceOf", wallet.address, at=token)
    if balance < amount:
        raise InsufficientFundsError(
            f"{wallet.address} holds {as_tokens(balance)} of token {token}, "
            f"the job needs {as_tokens(amount)}"
        )
    to = wallet.contracts.address(spender)
    if await wallet.call("Token", "allowance", wallet.address, to, at=token) >= amount:
        return Grant(token, spender, amount, NO_PERMIT, needs_approval=False)
    try:
        permit = await wallet.permit(spender, amount, token)
    except RevertedError:  # not an EIP-2612 token
        return Grant(token, spender, amount, NO_PERMIT, needs_approval=True)
    return Grant(token, spender, amount, permit, needs_approval=False)
