"""Which Pi app this site is, by the settings: its network, its client, its script."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import httpx
from django.conf import settings
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from accounts.errors import PiAway
from accounts.pi_platform import PlatformClient

SIMULATED = "simulated"
# Of both real networks: which chain an app pays on was fixed when it was registered.
PLATFORM_URL = "https://api.minepi.com"
# Pi's own script, which the simulation does without.
SDK_URL = "https://sdk.minepi.com/pi-sdk.js"
# The simulation's app has a key that is no secret.
SIMULATED_KEY = "simulation"
# Without `wallet_address` nobody can be paid, so it is asked for at sign-in.
SCOPES = ("username", "payments", "wallet_address")


def network() -> str:
    return str(settings.PI_BACKEND)


def is_simulated() -> bool:
    return network() == SIMULATED


def platform_client() -> PlatformClient:
    """Return the client of the configured app; one for each place and key."""
    if is_simulated():
        return _client(settings.PI_SIMULATOR_URL, SIMULATED_KEY)
    return _client(PLATFORM_URL, settings.PI_API_KEY)


def forget_clients() -> None:
    """Let the next call make a new client: after a fork, or between tests."""
    _client.cache_clear()


@lru_cache(maxsize=4)
def _client(base_url: str, api_key: str) -> PlatformClient:
    return PlatformClient(base_url, api_key)


# --- For pages that speak with Pi


def script_settings(*, username: str = "", person: str = "") -> dict[str, Any]:
    """Return what static/js/pi/sdk.js is given; ``username`` only plays a part."""
    settings_ = {
        "backend": network(),
        "scopes": SCOPES,
        "session": reverse("pi_session"),
        "incomplete": _incomplete_url(),
    }
    if not is_simulated():
        return {**settings_, "sdk": SDK_URL, "sandbox": settings.PI_SANDBOX}
    return {
        **settings_,
        "wallet": {name: reverse("pi_simulated", args=[name]) for name in PLAYED},
        "username": username,
        "asks_username": not person,
        "words": _words(),
    }


def _incomplete_url() -> str:
    """Return where a payment that was left open is settled: a floor above this one."""
    try:
        return reverse("pi_incomplete")
    except NoReverseMatch:
        return ""


def _words() -> dict[str, str]:
    return {
        "title": _("Simulated Pi wallet"),
        "play": _("This is play money. No Pi app opens, no Pi account is touched."),
        "who": _("Your Pi user name"),
        "name_rule": _("Letters, digits and _; choose any that is free."),
        "sign_in": _("Allow and go on"),
        "pay": _("Pay {amount} Pi"),
        "fee": _("and {amount} Pi network fee"),
        "close": _("Not now"),
    }


# What the page may ask of the simulated wallet, and where that is.
PLAYED = {
    "authenticate": "/simulated/users",
    "payments": "/simulated/payments",
    "pay": "/simulated/wallet/pay",
    "cancel": "/simulated/wallet/cancel",
}


def play(call: str, asked: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    """Ask the simulated wallet for a page of ours. Raises PiAway."""
    body = dict(asked)
    token = body.pop("accessToken", "")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    url = settings.PI_SIMULATOR_URL.rstrip("/") + PLAYED[call]
    try:
        answer = httpx.post(url, json=body, headers=headers, trust_env=False)
        return answer.status_code, dict(answer.json())
    except (httpx.HTTPError, ValueError) as error:
        raise PiAway from error
