"""The only writer of the ledger: every movement of Pi is a call of ``post``."""

from rewards.ledger.accounts import (
    available_account,
    close_account,
    fee_income_account,
    in_flight_account,
    network_fee_account,
    open_account,
    owed_account,
    pending_account,
    pi_in_account,
    pi_out_account,
    wallet_account,
    write_off_account,
)
from rewards.ledger.order import last_final_id, locked_cursor, position_of
from rewards.ledger.posting import (
    Movement,
    Reservation,
    Resolution,
    lock_accounts,
    post,
    reversal_of,
)

__all__ = [
    "Movement",
    "Reservation",
    "Resolution",
    "available_account",
    "close_account",
    "fee_income_account",
    "in_flight_account",
    "last_final_id",
    "lock_accounts",
    "locked_cursor",
    "network_fee_account",
    "open_account",
    "owed_account",
    "pending_account",
    "pi_in_account",
    "pi_out_account",
    "position_of",
    "post",
    "reversal_of",
    "wallet_account",
    "write_off_account",
]
