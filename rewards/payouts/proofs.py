"""What the chain proves about an envelope: landed, dead, or nothing yet."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from rewards import limits
from rewards.chain import ChainTransaction, HorizonClient
from rewards.models import Envelope, Payout

# How much earlier than a payout's own clock its transaction can be on the chain's.
CLOCKS_APART = timedelta(hours=1)


@dataclass(frozen=True)
class Landed:
    transaction: ChainTransaction


@dataclass(frozen=True)
class Dead:
    """It can never land; ``transaction`` when a ledger holds it as failed."""

    proof: dict[str, Any]
    transaction: ChainTransaction | None = None


def fate_of(envelope: Envelope, chain: HorizonClient) -> Landed | Dead | None:
    """Return what is proven about an envelope; None while it may still land.

    Raises ChainError, which proves nothing.
    """
    # Before the look-up: a ledger that closed after it could hold the envelope.
    closed_at = chain.latest_close()
    found = chain.transaction(envelope.hash)
    if found is not None and found.successful:
        return Landed(found)
    if found is not None:
        return Dead({"failed": found.result, "ledger": found.ledger}, found)
    if limits.has_expired(envelope.max_time, closed_at):
        return Dead({"not_found_at": closed_at.isoformat()})
    if chain.account(envelope.wallet).sequence >= envelope.sequence:
        return _overtaken(envelope, chain.transactions_of(envelope.wallet))
    return None


def _overtaken(envelope: Envelope, rows: Iterable[ChainTransaction]) -> Dead | None:
    """Look for the transaction that took the envelope's sequence number."""
    for row in rows:
        if row.source != envelope.wallet:
            continue
        if row.sequence == envelope.sequence and row.hash != envelope.hash:
            return Dead({"sequence_taken_by": row.hash})
        if row.sequence <= envelope.sequence:
            return None
    return None


def landed_with_memo(
    payout: Payout, memo: str, *, wallets: Iterable[str], chain: HorizonClient
) -> str | None:
    """Return the hash of a payment that carries this memo, after a whole search.

    None is the proof that there is none. Raises ChainError when a page is missing.
    """
    for wallet in wallets:
        for row in chain.transactions_of(wallet):
            if row.successful and row.memo == memo:
                return row.hash
            if row.created_at < payout.created - CLOCKS_APART:
                break
    return None
