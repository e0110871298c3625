"""One process at a time pays from a wallet, and whoever lost it can write nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, QuerySet

from rewards import limits
from rewards.envelopes import Wallet
from rewards.models import Payout, Stop, WalletLease
from rewards.payouts import controls, transitions
from rewards.pi_network import Network

LEASE_SECONDS = 60


class LeaseLost(Exception):
    """Another process pays from this wallet now."""


@dataclass(frozen=True)
class Teller:
    """What a paying process works with; worth nothing once its fence is overtaken."""

    network: Network
    wallet: Wallet
    fence: int


@transaction.atomic
def take(
    network: Network,
    wallet: Wallet,
    *,
    holder: str,
    now: datetime,
    seconds: int = LEASE_SECONDS,
) -> Teller | None:
    """Take a wallet, or keep it; None while another holder's lease runs.

    Every taking by another holder raises the fence.
    """
    rows = WalletLease.objects.select_for_update()
    lease, _ = rows.get_or_create(
        wallet=wallet.address, defaults={"holder": "", "expires_at": now}
    )
    if lease.holder != holder:
        if lease.expires_at > now:
            return None
        lease.holder = holder
        lease.fence += 1
    lease.expires_at = now + timedelta(seconds=seconds)
    lease.save(update_fields=["holder", "fence", "expires_at"])
    return Teller(network, wallet, lease.fence)


@transaction.atomic
def leave(teller: Teller, *, now: datetime) -> None:
    """Give the wallet up at once, so that the next process need not wait."""
    _rows(teller).update(expires_at=now, holder="")


@contextmanager
def writing(teller: Teller, seen: Payout) -> Iterator[Payout]:
    """Open the one transaction of an arrow: fence, then row, as it was seen.

    Raises LeaseLost or PayoutMoved; in both cases somebody else has taken over.
    """
    with transaction.atomic():
        lease = WalletLease.objects.select_for_update().get(
            wallet=teller.wallet.address
        )
        if lease.fence != teller.fence:
            raise LeaseLost
        yield transitions.locked(seen)


def understood(teller: Teller) -> None:
    """Forget answers that were not understood: the last one was."""
    _rows(teller).filter(unknown_answers__gt=0).update(unknown_answers=0)


@transaction.atomic
def not_understood(teller: Teller, *, what: str, now: datetime) -> None:
    """Count an answer that means nothing to us; the second in a row stops payouts."""
    _rows(teller).update(unknown_answers=F("unknown_answers") + 1)
    lease = _rows(teller).first()
    if lease and lease.unknown_answers >= limits.UNKNOWN_ANSWERS_ALLOWED:
        controls.stop(Stop.Kind.CIRCUIT_BREAKER, reason=what, now=now)


def _rows(teller: Teller) -> QuerySet[WalletLease]:
    return WalletLease.objects.filter(wallet=teller.wallet.address, fence=teller.fence)
