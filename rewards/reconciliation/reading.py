"""What is compared, as it stands: the chain's wallets, Pi's payments, our rows."""

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.db.models import Q, Sum

from accounts import pi_app
from accounts.pi_platform import PaymentDTO, PaymentNotFound, PlatformClient
from rewards.chain import ChainPayment, ChainTransaction, HorizonClient, NoSuchAccount
from rewards.models import Account, Deposit, Envelope, Payout, Transfer
from rewards.payouts.queries import payout_by_text
from rewards.payouts.transitions import IN_FLIGHT
from rewards.reconciliation.comparing import (
    CreditedDeposit,
    PaymentSeen,
    SentEnvelope,
    WalletSeen,
)

RETURNED = {Payout.Status.REFUNDED, Payout.Status.NEEDS_RECIPIENT}


def addresses() -> tuple[str, str]:
    """Return our incoming and outgoing wallet; "" for one that is not told."""
    inward, outward = settings.PI_INCOMING_ADDRESS, settings.PI_WALLET_ADDRESS
    if pi_app.is_simulated():
        from rewards.simulator import keys  # noqa: PLC0415 (a heavy import)

        inward = inward or keys.INCOMING.public_key
        outward = outward or keys.OUTGOING.public_key
    return inward, outward


def wallet(
    chain: HorizonClient, address: str, positions: tuple[str, str]
) -> WalletSeen | None:
    """Return a wallet with all that moved after the positions; None: it has moved.

    Raises ChainError.
    """
    try:
        before = chain.account(address)
    except NoSuchAccount:
        return WalletSeen(address=address, balance=0, positions=positions)
    payments, at_payment = _payments(chain, address, positions[0])
    spent, at_transaction = _spent(chain, address, positions[1])
    if chain.account(address) != before:
        return None
    return WalletSeen(
        address=address,
        balance=before.balance,
        payments=payments,
        spent=spent,
        positions=(at_payment, at_transaction),
    )


def _payments(
    chain: HorizonClient, address: str, cursor: str
) -> tuple[list[ChainPayment], str]:
    rows: list[ChainPayment] = []
    while True:
        page, cursor = chain.payments_page(address, cursor=cursor)
        if not page:
            return rows, cursor
        rows += page


def _spent(
    chain: HorizonClient, address: str, cursor: str
) -> tuple[list[ChainTransaction], str]:
    rows: list[ChainTransaction] = []
    while True:
        page, cursor = chain.transactions_page(address, cursor=cursor, order="asc")
        if not page:
            return rows, cursor
        rows += [row for row in page if row.source == address]


def envelopes(
    network: str, hashes: Iterable[str], since: datetime | None
) -> dict[str, SentEnvelope]:
    """Return the envelopes with these hashes, and those that landed since then."""
    recent = Q(fate=Envelope.Fate.LANDED)
    if since is not None:
        recent &= Q(payout__finished_at=None) | Q(payout__finished_at__gte=since)
    rows = (
        Envelope.objects.filter(payout__network=network)
        .filter(Q(hash__in=set(hashes)) | recent)
        .select_related("payout")
    )
    fees = dict(
        Transfer.objects.filter(
            kind=Transfer.Kind.NETWORK_FEE,
            group__in={f"payout:{row.payout.uuid}" for row in rows},
        ).values_list("key", "amount")
    )
    return {row.hash: _sent(row, fees) for row in rows}


def _sent(row: Envelope, fees: dict[str, int]) -> SentEnvelope:
    payout = row.payout
    key = f"payout:{payout.uuid}:fee"
    if row.fate != Envelope.Fate.LANDED:
        key += f":{row.hash[:16]}"
    return SentEnvelope(
        hash=row.hash,
        fate=row.fate,
        payout=str(payout.uuid),
        amount=payout.amount,
        to_address=payout.to_address,
        payment_id=payout.payment_id or "",
        is_paid=payout.status == Payout.Status.COMPLETED,
        is_returned=payout.status in RETURNED,
        fee_booked=fees.get(key),
    )


def landed_unpaid(network: str) -> list[Envelope]:
    """Return what is or may be on the chain, though its payout is not yet booked."""
    return list(
        Envelope.objects.filter(payout__network=network, payout__status__in=IN_FLIGHT)
        .exclude(fate=Envelope.Fate.DEAD)
        .select_related("payout")
    )


def deposits(
    network: str, platform: PlatformClient, since: datetime | None
) -> list[CreditedDeposit]:
    """Return what was credited since then, with what Pi says. Raises PlatformError."""
    rows = Deposit.objects.filter(network=network, status=Deposit.Status.COMPLETED)
    if since is not None:
        rows = rows.filter(completed_at__gte=since)
    return [
        CreditedDeposit(
            deposit=str(row.uuid),
            amount=row.amount,
            payment_id=row.payment_id or "",
            txid=row.txid or "",
            at_pi=_at_pi(platform, row.payment_id or ""),
        )
        for row in rows.order_by("id")
    ]


def _at_pi(platform: PlatformClient, payment_id: str) -> PaymentSeen | None:
    try:
        payment = platform.payment(payment_id)
    except PaymentNotFound:
        return None
    done = payment.transaction
    return PaymentSeen(
        amount=payment.amount,
        txid=done.txid if done else "",
        is_completed=bool(done and done.verified)
        and payment.status.developer_completed,
    )


def booked_hashes() -> set[str]:
    """Return the transactions that were booked as the treasury's own."""
    keys = Transfer.objects.filter(key__startswith="treasury:")
    return {key.split(":")[1] for key in keys.values_list("key", flat=True)}


def flows(code: str) -> tuple[int, int]:
    """Return what the ledger says came into and left an asset account."""
    account = Account.objects.filter(code=code).first()
    return (account.debits, account.credits) if account else (0, 0)


def in_flight() -> tuple[int, int]:
    """Return payouts:in_flight, and what the payouts on their way add up to."""
    account = Account.objects.filter(code="payouts:in_flight").first()
    rows = Payout.objects.filter(status__in=IN_FLIGHT)
    return (
        account.balance if account else 0,
        rows.aggregate(sum=Sum("amount"))["sum"] or 0,
    )


def closed_with_money() -> list[Account]:
    rows = Account.objects.filter(kind=Account.Kind.ESCROW, closed=True)
    return [account for account in rows if account.balance or account.held]


def mark() -> tuple[int, int]:
    """Return what changes whenever money on its way moves: to be read twice."""
    transfer = Transfer.objects.order_by("-id").values_list("id", flat=True).first()
    envelope = Envelope.objects.order_by("-id").values_list("id", flat=True).first()
    return transfer or 0, envelope or 0


def payout_of_payment(payment: PaymentDTO) -> Payout | None:
    """Return the payout that a payment at Pi was made for."""
    named = str(payment.metadata.get("payout_id") or "")
    return payout_by_text(named)


def is_payout_or_deposit(txid: str) -> bool:
    return (
        Envelope.objects.filter(hash=txid).exists()
        or Deposit.objects.filter(txid=txid).exists()
    )


def payments_in(chain: HorizonClient, address: str, txid: str) -> list[ChainPayment]:
    """Return what one transaction moved in or out of a wallet, newest looked at first.

    Raises ChainError.
    """
    rows, _ = _payments(chain, address, "")
    return [row for row in rows if row.hash == txid]
