"""The rules of comparing: what our books say against what Pi says, without a clock.

What came in without being asked for is counted, but is no difference: anybody can send
Pi to a wallet, and nobody must be able to stop payouts by it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rewards.chain_records import ChainPayment, ChainTransaction
from rewards.money import to_text


@dataclass(frozen=True, kw_only=True)
class WalletSeen:
    """A wallet as the chain shows it, and all that moved since the last time."""

    address: str
    balance: int
    payments: Sequence[ChainPayment] = ()
    spent: Sequence[ChainTransaction] = ()  # its own transactions, failed ones too
    positions: tuple[str, str] = ("", "")  # where the next look goes on

    def incoming(self) -> list[ChainPayment]:
        return [row for row in self.payments if row.source != self.address]

    def outgoing(self) -> list[ChainPayment]:
        return [
            row
            for row in self.payments
            if row.source == self.address and row.destination != self.address
        ]

    @property
    def received(self) -> int:
        return sum(row.amount for row in self.incoming())

    @property
    def gone(self) -> int:
        fees = sum(row.fee_charged for row in self.spent)
        return sum(row.amount for row in self.outgoing()) + fees


@dataclass(frozen=True, kw_only=True)
class SentEnvelope:
    """One of our envelopes, with what the books say of its payout."""

    hash: str
    fate: str  # open | landed | dead
    payout: str
    amount: int
    to_address: str
    payment_id: str
    is_paid: bool  # the ledger says that it arrived
    is_returned: bool  # the ledger gave the money back
    fee_booked: int | None


@dataclass(frozen=True, kw_only=True)
class PaymentSeen:
    """What Pi says of a payment to us."""

    amount: int
    txid: str
    is_completed: bool


@dataclass(frozen=True, kw_only=True)
class CreditedDeposit:
    """A deposit that the ledger credited, with what Pi says; None: it knows none."""

    deposit: str
    amount: int
    payment_id: str
    txid: str
    at_pi: PaymentSeen | None


def outgoing(
    wallet: WalletSeen,
    envelopes: Mapping[str, SentEnvelope],
    *,
    booked: Collection[str],
    on_chain: Collection[str],
) -> Iterator[str]:
    """Compare what left the outgoing wallet with the envelopes that we signed.

    ``booked`` are transactions that the treasurer booked; ``on_chain`` are hashes that
    landed before what ``wallet`` shows.
    """
    memos: dict[str, str] = {}
    for row in wallet.outgoing():
        sent = envelopes.get(row.hash)
        if sent is None:
            if row.hash not in booked:
                yield (
                    f"transaction {row.hash} took {to_text(row.amount)} Pi to"
                    f" {row.destination}: no payout of ours (memo {row.memo!r})"
                )
            continue
        yield from _differences(row, sent)
        first = memos.setdefault(row.memo, row.hash)
        if first != row.hash:
            yield f"payout {sent.payout} was paid twice: {first} and {row.hash}"
    for spent in wallet.spent:
        yield from _fee_differences(spent, envelopes.get(spent.hash), booked)
    landed = {row.hash for row in wallet.payments} | set(on_chain)
    for sent in envelopes.values():
        if sent.fate == "landed" and sent.hash not in landed:
            yield (
                f"payout {sent.payout} is booked as sent by {sent.hash}, which the"
                " chain does not hold"
            )


def _differences(row: ChainPayment, sent: SentEnvelope) -> Iterator[str]:
    name = f"payout {sent.payout}, transaction {row.hash}"
    if row.amount != sent.amount:
        yield (
            f"{name}: {to_text(row.amount)} Pi left, {to_text(sent.amount)} Pi is"
            " booked"
        )
    if row.destination != sent.to_address:
        yield f"{name}: went to {row.destination}, not to {sent.to_address}"
    if row.memo != sent.payment_id:
        yield f"{name}: carries the memo {row.memo!r}, not {sent.payment_id!r}"
    if sent.fate == "dead":
        yield f"{name}: is on the chain, although it was proven that it never could be"
    if sent.is_returned:
        yield f"{name}: is on the chain, although the money was given back"


def _fee_differences(
    spent: ChainTransaction, sent: SentEnvelope | None, booked: Collection[str]
) -> Iterator[str]:
    if sent is None:
        if spent.hash not in booked:
            yield f"transaction {spent.hash} of our wallet is no envelope of ours"
        return
    if sent.fate == "open" and sent.fee_booked is None:
        return
    if sent.fee_booked != spent.fee_charged:
        yield (
            f"payout {sent.payout}, transaction {spent.hash}: the chain took"
            f" {to_text(spent.fee_charged)} Pi as fee,"
            f" {to_text(sent.fee_booked or 0)} Pi is booked"
        )


def incoming(
    wallet: WalletSeen,
    deposits: Sequence[CreditedDeposit],
    *,
    booked: Collection[str],
    on_chain: Mapping[str, str],
) -> Iterator[str]:
    """Compare what came into the incoming wallet with deposits and with Pi.

    ``on_chain`` gives the memos of transactions older than what ``wallet`` shows.
    """
    came = {row.hash: row for row in wallet.incoming()}
    for deposit in deposits:
        name = f"deposit {deposit.deposit}"
        row = came.get(deposit.txid)
        memo = row.memo if row else on_chain.get(deposit.txid)
        if memo is None:
            yield f"{name}: the chain holds no payment {deposit.txid} to us"
        elif memo != deposit.payment_id:
            yield f"{name}: {deposit.txid} carries the memo {memo!r}"
        if row and row.amount != deposit.amount:
            yield (
                f"{name}: {to_text(row.amount)} Pi came in,"
                f" {to_text(deposit.amount)} Pi is booked"
            )
        yield from _platform_differences(name, deposit)
    for row in wallet.outgoing():
        if row.hash not in booked:
            yield (
                f"transaction {row.hash} took {to_text(row.amount)} Pi out of the"
                f" incoming wallet to {row.destination}: nobody booked it"
            )


def _platform_differences(name: str, deposit: CreditedDeposit) -> Iterator[str]:
    at_pi = deposit.at_pi
    if at_pi is None:
        yield f"{name}: Pi knows no payment {deposit.payment_id}"
    elif (at_pi.amount, at_pi.txid) != (deposit.amount, deposit.txid):
        yield (
            f"{name}: Pi says {to_text(at_pi.amount)} Pi by {at_pi.txid or 'nothing'},"
            f" the books say {to_text(deposit.amount)} Pi by {deposit.txid}"
        )
    elif not at_pi.is_completed:
        yield f"{name}: Pi has not completed the payment {deposit.payment_id}"


def totals(
    name: str,
    wallet: WalletSeen,
    *,
    opening: int,
    received: int,
    gone: int,
    booked_in: int,
    booked_out: int,
    unbooked: int,
) -> Iterator[str]:
    """Compare a wallet's whole life: its balance, and what the ledger says of it.

    ``unbooked`` has landed for payouts that are still on their way.
    """
    held = opening + received - gone
    if wallet.balance < held:
        yield (
            f"the {name} wallet holds {to_text(wallet.balance)} Pi, but its"
            f" operations add up to {to_text(held)} Pi"
        )
    if received < booked_in:
        yield (
            f"the {name} wallet: {to_text(booked_in)} Pi is booked as received,"
            f" {to_text(received)} Pi came in"
        )
    if gone != booked_out + unbooked:
        yield (
            f"the {name} wallet: {to_text(booked_out + unbooked)} Pi is booked as"
            f" sent, {to_text(gone)} Pi left"
        )
