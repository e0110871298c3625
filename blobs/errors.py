"""What the store of bytes refuses, as DRF errors: a status, a code, a sentence."""

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException


class BlobsError(APIException):
    status_code = 400
    default_code = "blobs_error"
    default_detail = _("This file cannot be used.")


class LinkExpired(BlobsError):
    status_code = 403
    default_code = "link_expired"
    default_detail = _("This link has expired. Go back to the page and load it again.")
