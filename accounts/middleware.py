"""Keeps the staff pages behind a second factor, whichever way somebody signed in."""

from collections.abc import Callable
from typing import Any

from allauth.account.authentication import get_authentication_records
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render, resolve_url

from accounts import queries
from accounts.models import User

OPEN_TO_ALL = {"logout", "jsi18n"}


class SecondFactor:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: object, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """Send who may not enter the staff pages to where they can mend it.

        The admin's own log-in form is never shown: it asks for a password alone.
        """
        match = request.resolver_match
        if match is None or "admin" not in match.namespaces:
            return None
        if match.url_name in OPEN_TO_ALL:
            return None
        user = request.user
        if not isinstance(user, User):
            return redirect_to_login(_wanted(request))
        if not user.is_staff:
            raise PermissionDenied
        if not queries.has_second_factor(user):
            return render(request, "account/second_factor_needed.html", status=403)
        if not _was_asked(request, user):
            return redirect_to_login(
                _wanted(request), login_url=resolve_url("mfa_reauthenticate")
            )
        return None


def _wanted(request: HttpRequest) -> str:
    """Return where to go afterwards: never back to a form that was sent."""
    match = request.resolver_match
    if request.method == "GET" and match and match.url_name != "login":
        return request.get_full_path()
    return resolve_url("admin:index")


def _was_asked(request: HttpRequest, user: User) -> bool:
    """Say whether this session has given a code, and not a password alone."""
    records = get_authentication_records(request, user)
    return any(record.get("method") == "mfa" for record in records)
