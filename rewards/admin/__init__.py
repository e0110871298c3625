"""Money for staff: the books to be read, payouts to be decided by two."""

from rewards.admin import payouts, reconciliation
from rewards.admin.ledger import ReadOnlyAdmin

__all__ = ["ReadOnlyAdmin", "payouts", "reconciliation"]
