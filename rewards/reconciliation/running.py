"""One comparison from beginning to end: read, compare, keep, stop, tell."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from accounts.models import Person
from accounts.pi_platform import PlatformError
from rewards import pi_network
from rewards.chain import ChainError, HorizonClient
from rewards.models import Envelope, Reconciliation, Stop
from rewards.payouts import controls
from rewards.pi_network import Network
from rewards.queries import ledger_problems
from rewards.reconciliation import comparing, notices, reading, treasury
from rewards.reconciliation.comparing import WalletSeen

# Money on its way makes two looks differ; as many looks are taken.
LOOKS = 5
# What was booked this long before the last comparison is looked at once more.
OVERLAP = timedelta(hours=1)


class Restless(Exception):
    """Money moved during every look."""


@dataclass
class _Found:
    figures: dict[str, Any] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)


def reconcile(
    *,
    now: datetime,
    actor: Person | None = None,
    network: Network | None = None,
) -> Reconciliation:
    """Compare everything, keep the outcome; a difference stops payouts and is told."""
    network = network or pi_network.backend()
    try:
        found = _compare(network)
    except (ChainError, PlatformError, Restless) as error:
        reason = f"{type(error).__name__}: {error}"[:300]
        row = Reconciliation.objects.create(
            outcome=Reconciliation.Outcome.UNKNOWN, figures={}, findings=[reason]
        )
    else:
        row = _keep(found, actor, now)
    if row.outcome != Reconciliation.Outcome.MATCH:
        notices.tell_of_reconciliation(row)
    return row


@transaction.atomic
def _keep(found: _Found, actor: Person | None, now: datetime) -> Reconciliation:
    outcome = Reconciliation.Outcome
    row = Reconciliation.objects.create(
        outcome=outcome.MISMATCH if found.findings else outcome.MATCH,
        figures=found.figures,
        findings=found.findings,
    )
    if found.findings:
        controls.stop(
            Stop.Kind.RECONCILIATION, reason=found.findings[0], now=now, actor=actor
        )
    return row


def _compare(network: Network) -> _Found:
    for _look in range(LOOKS):
        before = reading.mark()
        found = _look_once(network)
        if found is not None and reading.mark() == before:
            return found
    raise Restless(f"money moved during each of {LOOKS} looks")


def last_match() -> Reconciliation | None:
    """Return the last comparison without a difference: from it the next goes on."""
    return (
        Reconciliation.objects.filter(outcome=Reconciliation.Outcome.MATCH)
        .order_by("-id")
        .first()
    )


def last() -> Reconciliation | None:
    return Reconciliation.objects.order_by("-id").first()


def _look_once(network: Network) -> _Found | None:
    """Compare once; None when a wallet moved while it was read."""
    last = last_match()
    known: dict[str, Any] = last.figures if last else {}
    since = last.created - OVERLAP if last else None
    network.chain.check_passphrase()
    seen: dict[str, WalletSeen] = {}
    for name, address in zip(("in", "out"), reading.addresses(), strict=True):
        if address:
            positions = known.get(f"positions_{name}") or ("", "")
            wallet = reading.wallet(network.chain, address, tuple(positions))
            if wallet is None:
                return None
            seen[name] = wallet
    if len(seen) == 2:
        treasury.book_between(seen["in"], seen["out"].address)
    found = _Found()
    found.findings += ledger_problems()
    found.findings += _inside(found)
    if "out" in seen:
        found.findings += _outgoing(seen["out"], network, since, known, found)
    if "in" in seen:
        found.findings += _incoming(seen["in"], network, since, known, found)
    found.findings += _open_at_pi(network)
    return found


def _inside(found: _Found) -> Iterator[str]:
    account, rows = reading.in_flight()
    found.figures |= {"in_flight_ledger": account, "in_flight_payouts": rows}
    if account != rows:
        yield (
            f"payouts:in_flight holds {account}, the payouts on their way add up to"
            f" {rows} (1e-7 Pi)"
        )
    for escrow in reading.closed_with_money():
        yield f"{escrow.code} is closed, but holds {escrow.balance} (1e-7 Pi)"


def _outgoing(
    wallet: WalletSeen,
    network: Network,
    since: datetime | None,
    known: dict[str, Any],
    found: _Found,
) -> Iterator[str]:
    hashes = {row.hash for row in wallet.outgoing()}
    hashes |= {row.hash for row in wallet.spent}
    envelopes = reading.envelopes(network.name, hashes, since)
    older = {
        sent.hash
        for sent in envelopes.values()
        if sent.fate == Envelope.Fate.LANDED and sent.hash not in hashes
    }
    yield from comparing.outgoing(
        wallet,
        envelopes,
        booked=reading.booked_hashes(),
        on_chain={row for row in older if _memo(network.chain, row) is not None},
    )
    unbooked = sum(
        _landed(network.chain, row) for row in reading.landed_unpaid(network.name)
    )
    booked_in, booked_out = reading.flows("asset:pi_out")
    yield from _totals(
        "out", wallet, known, found, (booked_in, booked_out), unbooked=unbooked
    )


def _incoming(
    wallet: WalletSeen,
    network: Network,
    since: datetime | None,
    known: dict[str, Any],
    found: _Found,
) -> Iterator[str]:
    deposits = reading.deposits(network.name, network.platform, since)
    came = {row.hash for row in wallet.incoming()}
    memos = {
        row.txid: _memo(network.chain, row.txid)
        for row in deposits
        if row.txid not in came
    }
    yield from comparing.incoming(
        wallet,
        deposits,
        booked=reading.booked_hashes(),
        on_chain={txid: memo for txid, memo in memos.items() if memo is not None},
    )
    yield from _totals("in", wallet, known, found, reading.flows("asset:pi_in"))


def _totals(
    name: str,
    wallet: WalletSeen,
    known: dict[str, Any],
    found: _Found,
    booked: tuple[int, int],
    *,
    unbooked: int = 0,
) -> Iterator[str]:
    received = known.get(f"received_{name}", 0) + wallet.received
    gone = known.get(f"gone_{name}", 0) + wallet.gone
    opening = known.get(f"opening_{name}", wallet.balance - received + gone)
    found.figures |= {
        f"address_{name}": wallet.address,
        f"balance_{name}": wallet.balance,
        f"opening_{name}": opening,
        f"received_{name}": received,
        f"gone_{name}": gone,
        f"booked_in_{name}": booked[0],
        f"booked_out_{name}": booked[1],
        f"unbooked_{name}": unbooked,
        f"unasked_{name}": max(received - booked[0], 0),
        f"positions_{name}": list(wallet.positions),
    }
    return comparing.totals(
        {"in": "incoming", "out": "outgoing"}[name],
        wallet,
        opening=opening,
        received=received,
        gone=gone,
        booked_in=booked[0],
        booked_out=booked[1],
        unbooked=unbooked,
    )


def _open_at_pi(network: Network) -> Iterator[str]:
    """Pi's list of payments to users must hold nothing that our books have ended."""
    for payment in network.platform.incomplete_server_payments():
        payout = reading.payout_of_payment(payment)
        if payout is None:
            yield f"Pi holds the payment {payment.identifier}, which we did not make"


def _memo(chain: HorizonClient, txid: str) -> str | None:
    found = chain.transaction(txid)
    return found.memo if found is not None and found.successful else None


def _landed(chain: HorizonClient, envelope: Envelope) -> int:
    """Return what an unpaid payout's envelope has taken that is not booked yet."""
    if envelope.fate == Envelope.Fate.LANDED:
        return envelope.payout.amount  # its fee was booked with the proof
    found = chain.transaction(envelope.hash)
    if found is None:
        return 0
    return found.fee_charged + (envelope.payout.amount if found.successful else 0)
