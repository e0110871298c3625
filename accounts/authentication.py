"""Who is calling: API keys, and the person behind any request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from accounts import actions, queries
from accounts.models import ApiKey, Organization, Person, User

if TYPE_CHECKING:
    # At run time rest_framework.views imports this module through the settings.
    from rest_framework.views import APIView


class ApiKeyAuthentication(BaseAuthentication):
    """``Authorization: Bearer tsk_…``: acts as its maker, for its client."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        scheme, _space, secret = get_authorization_header(request).partition(b" ")
        if scheme.lower() != b"bearer" or not secret:
            return None
        key = queries.live_key(actions.key_digest(secret.decode("latin-1")))
        user = queries.user_of(key.created_by) if key else None
        if key is None or user is None or not user.is_active:
            raise AuthenticationFailed(_("This API key is unknown or was revoked."))
        return user, key

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class ApiKeyThrottle(SimpleRateThrottle):
    """A limit for each key; people in a browser are not counted here."""

    scope = "api_key"

    def get_cache_key(self, request: Request, view: APIView) -> str | None:
        if not isinstance(request.auth, ApiKey):
            return None
        return self.cache_format % {"scope": self.scope, "ident": request.auth.pk}


def attempted_address(
    request: HttpRequest | None, credentials: dict[str, Any] | None = None
) -> str:
    """Return the address that somebody tries to log in with, for axes to count by.

    The site's form calls it ``login``, the admin's form ``username``, and allauth hands
    it to the back-ends as ``email``.
    """
    given = credentials or {}
    form = request.POST if request else {}
    for value in (
        given.get("email"),
        given.get("username"),
        form.get("login"),
        form.get("username"),
    ):
        if value:
            return str(value).strip().lower()
    return ""


def person_of(request: HttpRequest | Request) -> Person:
    """Return the person who is signed in. Raises NotAuthenticated."""
    user = request.user
    if not isinstance(user, User):
        raise NotAuthenticated
    return user.person or actions.give_person(user)


def organizations_for(request: Request) -> list[Organization]:
    """Return the organizations that this API call may act for: a key's own only."""
    if isinstance(request.auth, ApiKey):
        return [request.auth.organization]
    return list(queries.organizations_of(person_of(request)))
