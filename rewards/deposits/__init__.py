"""How a client's Pi comes in: credited once, after Pi verified the payment."""

from rewards.deposits import play
from rewards.deposits.checks import payment_data
from rewards.deposits.play import credit_play_money
from rewards.deposits.steps import (
    LARGEST_DEPOSIT,
    approve_payment,
    complete_payment,
    note_cancel,
    settle_incomplete,
    start_deposit,
)
from rewards.deposits.sweep import look_again, sweep_deposits

__all__ = [
    "LARGEST_DEPOSIT",
    "approve_payment",
    "complete_payment",
    "credit_play_money",
    "look_again",
    "note_cancel",
    "payment_data",
    "play",
    "settle_incomplete",
    "start_deposit",
    "sweep_deposits",
]
