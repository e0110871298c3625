"""The rows of money, by noun: the ledger, Pi coming in, Pi going out, the books."""

from rewards.models.books import Cursor, LedgerBlock, Reconciliation
from rewards.models.deposits import Deposit
from rewards.models.ledger import Account, Hold, HoldEnd, Transfer
from rewards.models.payouts import Envelope, Payout, PayoutEvent, Stop, WalletLease

__all__ = [
    "Account",
    "Cursor",
    "Deposit",
    "Envelope",
    "Hold",
    "HoldEnd",
    "LedgerBlock",
    "Payout",
    "PayoutEvent",
    "Reconciliation",
    "Stop",
    "Transfer",
    "WalletLease",
]
