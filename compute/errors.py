"""What compute refuses, as DRF errors: a status, a code, a sentence."""

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException


class ComputeError(APIException):
    status_code = 400
    default_code = "compute_error"
    default_detail = _("This cannot be done.")


class MalformedMessage(ComputeError):
    default_code = "malformed"
    default_detail = _("The message does not have the expected form.")


class SignatureMissing(ComputeError):
    status_code = 401
    default_code = "signature_missing"
    default_detail = _("This address is for nodes, which sign each request.")


class SignatureWrong(ComputeError):
    status_code = 401
    default_code = "signature_wrong"
    default_detail = _("The signature does not fit this node and this request.")


class ClockSkew(ComputeError):
    """Carries the server's time, so that the node can correct its own and try again."""

    status_code = 401
    default_code = "clock_skew"
    default_detail = _("The node's clock is more than two minutes wrong.")

    def __init__(self, server_time: float) -> None:
        super().__init__()
        self.extra = {"server_time": server_time}


class RequestReplayed(ComputeError):
    status_code = 401
    default_code = "request_replayed"
    default_detail = _("This signed request was already used.")


class NodeRevoked(ComputeError):
    status_code = 403
    default_code = "node_revoked"
    default_detail = _("This node was removed. Pair it again to go on.")


class CodeRefused(ComputeError):
    status_code = 403
    default_code = "code_refused"
    default_detail = _("This pairing code is not known, was used, or is too old.")


class TooManyNodes(ComputeError):
    status_code = 409
    default_code = "too_many_nodes"
    default_detail = _("You have as many nodes as one person may have.")


class ModelRefused(ComputeError):
    default_code = "model_refused"
    default_detail = _("This model or its manifest cannot be used.")


class JobTransitionRefused(ComputeError):
    status_code = 409
    default_code = "job_transition_refused"
    default_detail = _("The job cannot change in this way now.")
