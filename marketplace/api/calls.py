"""What every call of the clients' API shares: pages, the caller, what was said."""

from typing import Any
from uuid import UUID

from django.http import Http404
from django.utils.translation import gettext as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.serializers import Serializer

from accounts.authentication import organizations_for
from accounts.models import Organization


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the API's description names a client's key."""

    target_class = "accounts.authentication.ApiKeyAuthentication"
    name = "API key"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}


class NewestFirst(CursorPagination):
    page_size = 50
    max_page_size = 200
    page_size_query_param = "page_size"
    ordering = "-id"


class OldestFirst(NewestFirst):
    ordering = "id"


def said(request: Request, serializer: type[Serializer[Any]]) -> dict[str, Any]:
    """Return what was sent, checked. Raises ValidationError."""
    checked = serializer(data=request.data)
    checked.is_valid(raise_exception=True)
    return dict(checked.validated_data)


def organization_for(request: Request, uuid: UUID | None) -> Organization:
    """Return the organization that is meant. Raises ValidationError, Http404."""
    organizations = organizations_for(request)
    if uuid is None:
        if len(organizations) != 1:
            raise ValidationError(
                {"organization": [_("Say which organization this is for.")]}
            )
        return organizations[0]
    for organization in organizations:
        if organization.uuid == uuid:
            return organization
    raise Http404
