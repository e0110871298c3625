"""What the ledger refuses, as DRF errors: a status, a code, a sentence."""

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException


class RewardsError(APIException):
    status_code = 400
    default_code = "rewards_error"
    default_detail = _("This payment cannot be made.")


class InsufficientFunds(RewardsError):
    status_code = 402
    default_code = "insufficient_funds"
    default_detail = _("There is not enough Pi in this account.")


class KeyReused(RewardsError):
    """The same key was used for another movement: a bug above, never a retry."""

    status_code = 409
    default_code = "key_reused"
    default_detail = _("This payment key already stands for another payment.")


class HoldEnded(RewardsError):
    status_code = 409
    default_code = "hold_ended"
    default_detail = _("This hold has already ended in another way.")


class NotReversible(RewardsError):
    status_code = 409
    default_code = "not_reversible"
    default_detail = _("Only a payment for work can be taken back.")


class DepositRefused(RewardsError):
    status_code = 409
    default_code = "deposit_refused"
    default_detail = _("This deposit cannot be completed.")


class PiUnreachable(RewardsError):
    """Nothing is known and nothing is lost: what was asked may be asked again."""

    status_code = 503
    default_code = "pi_unreachable"
    default_detail = _("Pi does not answer now. We ask again by ourselves.")


class NetworkUnknown(RewardsError):
    status_code = 503
    default_code = "network_unknown"
    default_detail = _("Pi is not set up here.")


class PayoutRefused(RewardsError):
    """This payout cannot be asked for, or not be decided so; the code says why."""

    status_code = 409
    default_code = "payout_refused"
    default_detail = _("This payout cannot be made.")


class PayoutMoved(RewardsError):
    """Somebody or something else took the payout a step further in the meantime."""

    status_code = 409
    default_code = "payout_moved"
    default_detail = _("This payout has moved on in the meantime. Look at it again.")


class TwoPersonsNeeded(RewardsError):
    status_code = 403
    default_code = "two_persons_needed"
    default_detail = _(
        "A payout is prepared by one member of staff and approved by another, and by"
        " nobody for themselves."
    )
