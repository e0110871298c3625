"""The only place that signs: one payment in one envelope, known by its hash."""

from dataclasses import dataclass, field
from datetime import datetime

from rewards.money import PLACES, to_decimal

LONGEST_MEMO_BYTES = 28


@dataclass(frozen=True)
class SignedEnvelope:
    xdr: str
    hash: str


@dataclass(frozen=True)
class Wallet:
    """The key to a wallet. Exists only in the process that pays."""

    address: str
    seed: str = field(repr=False)


def wallet_from_seed(seed: str) -> Wallet:
    """Return the wallet that a seed opens. Raises ValueError for what is no seed."""
    from stellar_sdk import Keypair  # noqa: PLC0415 (slow, and only payers need it)

    try:
        return Wallet(Keypair.from_secret(seed).public_key, seed)
    except Exception:  # noqa: BLE001 (whatever is wrong, the seed must not be shown)
        raise ValueError("the wallet's seed cannot be read") from None


def seven_places(units: int) -> str:
    """Return Pi with exactly seven decimals, the only form sent to the chain."""
    return f"{to_decimal(units):.{PLACES}f}"


def build_payment(
    wallet: Wallet,
    *,
    passphrase: str,
    sequence: int,
    destination: str,
    amount: int,
    memo: str,
    fee: int,
    max_time: datetime,
) -> SignedEnvelope:
    """Sign one payment of ``amount`` (1e-7 Pi); its hash is known before it is sent.

    ``sequence`` is the transaction's own: the account's plus one. There is no earliest
    time, so that clocks that differ cannot make it too early.
    """
    from stellar_sdk import Account, Asset, TransactionBuilder  # noqa: PLC0415

    if amount <= 0 or fee <= 0:
        raise ValueError("a payment and its fee are more than 0")
    if len(memo.encode()) > LONGEST_MEMO_BYTES:
        raise ValueError("the memo does not fit")
    envelope = (
        TransactionBuilder(
            Account(wallet.address, sequence - 1), passphrase, base_fee=fee
        )
        .append_payment_op(destination, Asset.native(), seven_places(amount))
        .add_text_memo(memo)
        .add_time_bounds(0, int(max_time.timestamp()))
        .build()
    )
    envelope.sign(wallet.seed)
    return SignedEnvelope(envelope.to_xdr(), envelope.hash_hex())
