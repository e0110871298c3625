"""What the marketplace refuses, as DRF errors: a status, a code, a sentence."""

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException


class MarketplaceError(APIException):
    status_code = 400
    default_code = "marketplace_error"
    default_detail = _("This cannot be done.")


class NotManager(MarketplaceError):
    status_code = 403
    default_code = "not_manager"
    default_detail = _("Only owners and managers of this organization can do this.")


class NameTaken(MarketplaceError):
    status_code = 409
    default_code = "name_taken"
    default_detail = _("There is already a dataset with this name.")


class EmptyDataset(MarketplaceError):
    status_code = 409
    default_code = "empty_dataset"
    default_detail = _("The dataset has no pictures yet. Upload some first.")


class WrongStatus(MarketplaceError):
    """The project is not in a state in which this can be done."""

    status_code = 409
    default_code = "wrong_status"
    default_detail = _("The project is in a state in which this cannot be done.")


class NothingSent(MarketplaceError):
    default_code = "nothing_sent"
    default_detail = _("No file was sent. Choose at least one picture or zip file.")
