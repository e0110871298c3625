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
