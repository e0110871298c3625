"""The one error shape of the API: {"error": {"code", "message", "fields"?}}."""

from typing import Any

from rest_framework.exceptions import APIException, ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler


def answer(error: Exception, context: dict[str, Any]) -> Response | None:
    """Shape every refusal alike; what we did not expect goes on to Django's 500."""
    response = exception_handler(error, context)
    if response is None:
        return None
    body: dict[str, Any] = {"code": "error", "message": ""}
    if isinstance(error, ValidationError):
        body = {
            "code": "invalid",
            "message": "Some of what you sent cannot be used.",
            "fields": response.data,
        }
    elif isinstance(error, APIException):
        codes = error.get_codes()
        body = {
            "code": codes if isinstance(codes, str) else error.default_code,
            "message": str(error.detail),
            **getattr(error, "extra", {}),
        }
    else:  # Django's own Http404 and PermissionDenied
        body = {
            "code": "not_found" if response.status_code == 404 else "not_allowed",
            "message": str(response.data.get("detail", "")),
        }
    response.data = {"error": body}
    return response
