"""Money for staff: the books to be read, payouts to be decided by two."""

from rewards.admin import deposits, payouts, reconciliation
from rewards.admin.ledger import ReadOnlyAdmin

__all__ = ["ReadOnlyAdmin", "deposits", "payouts", "reconciliation"]
