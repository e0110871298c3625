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


class DepositRefused(RewardsError):
    status_code = 409
    default_code = "deposit_refused"
    default_detail = _("This deposit cannot be completed.")
