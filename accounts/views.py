"""Pages and calls by which somebody signs in with Pi, or joins their Pi account."""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.utils import get_next_redirect_url, perform_login
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_POST, require_safe

from accounts import linking, pi_app, queries
from accounts.authentication import person_of
from accounts.errors import AccountsError, IdentityTaken, PiAway, PiSignInRefused
from accounts.models import Person, User
from accounts.pi_platform import PlatformError, TokenRefused, UserDTO

CONFIRMED_LEVEL = 1
LONGEST_BODY = 10_000
# Which simulated Pi accounts this browser plays, as a phone holds its owner's.
PLAYED_COOKIE = "simulated_pi"
YEAR_SECONDS = 365 * 86_400


def _with_json_refusals(
    view: Callable[..., HttpResponse],
) -> Callable[..., HttpResponse]:
    """Answer our refusals in the API's shape: a script reads them, no person does."""

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except AccountsError as refusal:
            error = {"code": refusal.get_codes(), "message": str(refusal.detail)}
            return JsonResponse({"error": error}, status=refusal.status_code)

    return answered


@require_safe
@ensure_csrf_cookie
def pi_sign_in(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return redirect("confirm_identity")
    return render(
        request,
        "account/pi_sign_in.html",
        {
            "pi_settings": {
                **pi_app.script_settings(username=_played(request)[0]),
                "next": get_next_redirect_url(request) or "",
            },
            "is_simulated": pi_app.is_simulated(),
        },
    )


@require_safe
@login_required
@ensure_csrf_cookie
def confirm_identity(request: HttpRequest) -> HttpResponse:
    """Show what is known of this person, and let them join their Pi account."""
    person = person_of(request)
    identity = queries.pi_identity_of(person, pi_app.network())
    return render(
        request,
        "account/pi_confirm.html",
        {
            "level": person.level,
            "confirmed": person.level >= CONFIRMED_LEVEL,
            "identity": identity,
            "lacks_wallet": identity and "wallet_address" not in identity.scopes,
            "wallets": queries.wallets_of(person, pi_app.network()),
            "is_simulated": pi_app.is_simulated(),
            "pi_settings": {
                **pi_app.script_settings(
                    username=_part_of(person), person=str(person.uuid)
                ),
                "next": get_next_redirect_url(request) or reverse("earn"),
            },
        },
    )


def _part_of(person: Person) -> str:
    """Return the simulated Pi user name that this person plays."""
    identity = queries.pi_identity_of(person, pi_app.network())
    return identity.username if identity else f"pioneer_{person.uuid.hex[:6]}"


@require_POST
@_with_json_refusals
def pi_session(request: HttpRequest) -> HttpResponse:
    """Take an access token: join its Pi account to who is here, or sign its owner in.

    What the browser says about the user is not looked at; Pi is asked.
    """
    asked = _document(request)
    seen = _seen_by_pi(str(asked.get("accessToken") or ""))
    now, network = timezone.now(), pi_app.network()
    if isinstance(request.user, User):
        linking.link(person_of(request), seen, network=network, now=now)
        return JsonResponse({"next": get_next_redirect_url(request) or ""})
    user = linking.sign_in(seen, network=network, now=now)
    # Through allauth: whoever has a second factor is asked for it here, too.
    answer = perform_login(request, user, email_verification="none")
    return JsonResponse({"next": answer.headers.get("Location", "")})


def _seen_by_pi(token: str) -> UserDTO:
    try:
        return pi_app.platform_client().me(token)
    except TokenRefused as error:
        raise PiSignInRefused from error
    except PlatformError as error:
        raise PiAway from error


@require_POST
@_with_json_refusals
def pi_simulated(request: HttpRequest, call: str) -> HttpResponse:
    """Pass a page's wish on to the simulated wallet; with real Pi this is nowhere."""
    if not pi_app.is_simulated() or call not in pi_app.PLAYED:
        raise Http404
    asked = _document(request)
    if call != "authenticate":
        status, document = pi_app.play(call, asked)
        return JsonResponse(document, status=status)
    username = str(asked.get("username") or "")
    _require_own_part(request, username)
    status, document = pi_app.play(call, asked)
    answer = JsonResponse(document, status=status)
    if status == 200:
        _remember_part(request, answer, username)
    return answer


def _require_own_part(request: HttpRequest, username: str) -> None:
    """Refuse a name that somebody else plays: the default back-end must not let in."""
    identity = queries.pi_identity_named(username, pi_app.network())
    if identity is None or username in _played(request):
        return
    if isinstance(request.user, User) and request.user.person_id == identity.person_id:
        return
    raise IdentityTaken


def _played(request: HttpRequest) -> list[str]:
    kept = request.get_signed_cookie(PLAYED_COOKIE, default="")
    return (kept or "").split(",")


def _remember_part(request: HttpRequest, answer: HttpResponse, username: str) -> None:
    others = [name for name in _played(request) if name not in {"", username}]
    answer.set_signed_cookie(
        PLAYED_COOKIE,
        ",".join([username, *others][:20]),
        max_age=YEAR_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _document(request: HttpRequest) -> dict[str, Any]:
    if len(request.body) > LONGEST_BODY:
        raise PiSignInRefused
    try:
        found = json.loads(request.body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise PiSignInRefused
    return found


@require_safe
def validation_key(_request: HttpRequest) -> HttpResponse:
    """Prove to Pi's developer portal that this domain is the app's."""
    if not settings.PI_VALIDATION_KEY:
        raise Http404
    return HttpResponse(settings.PI_VALIDATION_KEY, content_type="text/plain")
