"""What accounts refuse, as DRF errors: a status, a code, a sentence."""

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException


class AccountsError(APIException):
    status_code = 400
    default_code = "accounts_error"
    default_detail = _("This cannot be done with this account.")


class EvidenceNeeded(AccountsError):
    status_code = 403
    default_code = "evidence_needed"
    default_detail = _(
        "We do not know yet that you are one real person. Confirm with Pi first."
    )


class IdentityTaken(AccountsError):
    status_code = 409
    default_code = "identity_taken"
    default_detail = _("This Pi account already belongs to another person.")


class OwnCase(AccountsError):
    status_code = 403
    default_code = "own_case"
    default_detail = _("Nobody decides their own case. Ask a colleague.")


class WalletTaken(IdentityTaken):
    default_code = "wallet_taken"
    default_detail = _("This Pi wallet already belongs to another person.")


class OtherIdentity(AccountsError):
    status_code = 409
    default_code = "other_identity"
    default_detail = _(
        "Another Pi account is already joined to yours. Ask our staff to change it."
    )


class IdentityChanged(AccountsError):
    status_code = 409
    default_code = "identity_changed"
    default_detail = _(
        "Pi gave your account a new number, as it does after you took permissions back."
        " Our staff were asked to join it to what you have here."
    )


class PiSignInRefused(AccountsError):
    status_code = 403
    default_code = "pi_sign_in_refused"
    default_detail = _("Pi does not know this sign-in any more. Please try again.")


class PiAway(AccountsError):
    status_code = 503
    default_code = "pi_away"
    default_detail = _("Pi does not answer just now. Please try again in a minute.")
