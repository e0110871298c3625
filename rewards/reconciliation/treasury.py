"""Books what moves between our own wallets, and what the treasurer moves by hand."""

from collections.abc import Iterator

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.actions import record_audit
from accounts.models import Person
from rewards import ledger
from rewards.chain import ChainTransaction, HorizonClient
from rewards.errors import PayoutRefused
from rewards.models import Account, Transfer
from rewards.reconciliation import reading
from rewards.reconciliation.comparing import WalletSeen


@transaction.atomic
def book_between(incoming: WalletSeen, outward: str) -> None:
    """Book Pi that went from our incoming to our outgoing wallet, as the chain says."""
    fees = {row.hash: row.fee_charged for row in incoming.spent}
    moves = []
    for row in incoming.outgoing():
        if row.destination != outward:
            continue
        out, into = _asset("asset:pi_out"), _asset("asset:pi_in")
        moves.append(_move(f"treasury:{row.hash}", out, into, row.amount))
        if fees.get(row.hash):
            moves.append(_fee(row.hash, into, fees[row.hash]))
    if moves:
        ledger.post(moves)


@transaction.atomic
def book_transaction(
    txid: str, chain: HorizonClient, actor: Person, *, reason: str
) -> None:
    """Book a transaction of the treasurer's own that touches one of our wallets.

    What came from outside, and what went there, stands against adjust:writeoff.
    Raises PayoutRefused, ChainError.
    """
    if not reason.strip():
        raise PayoutRefused(_("Say why: others will read it."), "reason_needed")
    found = _own_transaction(txid, chain)
    inward, outward = reading.addresses()
    moves = [
        *_moves("asset:pi_in", inward, found, chain),
        *_moves("asset:pi_out", outward, found, chain),
    ]
    if not moves:
        raise PayoutRefused(_("It did not touch our wallets."), "not_treasury")
    record_audit(actor, "book_treasury", f"transaction:{txid}", reason=reason)
    ledger.post(moves)


def _own_transaction(txid: str, chain: HorizonClient) -> ChainTransaction:
    found = chain.transaction(txid)
    if found is None:
        raise PayoutRefused(_("The chain does not hold this transaction."), "not_found")
    if reading.is_payout_or_deposit(txid):
        raise PayoutRefused(_("This is a payout or a deposit of ours."), "not_treasury")
    return found


def _moves(
    code: str, address: str, found: ChainTransaction, chain: HorizonClient
) -> Iterator[ledger.Movement]:
    """Yield what a transaction did to one of our wallets."""
    if not address:
        return
    asset = _asset(code)
    outside = ledger.open_account("adjust:writeoff", Account.Kind.ADJUSTMENT)
    seen = reading.payments_in(chain, address, found.hash)
    came = sum(row.amount for row in seen if row.destination == address)
    went = sum(row.amount for row in seen if row.source == address)
    key = f"treasury:{found.hash}:{code}"
    if came:
        yield _move(f"{key}:in", asset, outside, came)
    if went:
        yield _move(f"{key}:out", outside, asset, went)
    if found.source == address and found.fee_charged:
        yield _fee(found.hash, asset, found.fee_charged)


def _asset(code: str) -> Account:
    return ledger.open_account(code, Account.Kind.ASSET)


def _move(key: str, debit: Account, credit: Account, amount: int) -> ledger.Movement:
    return ledger.Movement(
        key=key,
        debit=debit.pk,
        credit=credit.pk,
        amount=amount,
        kind=Transfer.Kind.TREASURY,
        group=":".join(key.split(":")[:2]),
    )


def _fee(txid: str, asset: Account, amount: int) -> ledger.Movement:
    expense = ledger.open_account("expense:network_fee", Account.Kind.EXPENSE)
    return ledger.Movement(
        key=f"treasury:{txid}:fee",
        debit=expense.pk,
        credit=asset.pk,
        amount=amount,
        kind=Transfer.Kind.NETWORK_FEE,
        group=f"treasury:{txid}",
    )
