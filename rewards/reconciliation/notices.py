"""The only place that tells the treasurer: by mail, and by a web hook.

The hook's address is fixed by name but its server is not: only https, only to a public
address, and to the very address that was looked at.
"""

import ipaddress
import logging
import socket
from collections.abc import Callable, Sequence
from datetime import datetime
from urllib.parse import urlsplit, urlunsplit

import httpx
from django.conf import settings
from django.core.mail import send_mail

from rewards.models import Reconciliation, Stop

logger = logging.getLogger(__name__)

TIMEOUT = httpx.Timeout(10.0, connect=5.0)
LINES = 50  # of findings in a letter; all of them are in the staff pages
Resolver = Callable[[str, int], Sequence[str]]


class HookRefused(Exception):
    """This address is not one that a server should call."""


def tell_of_reconciliation(row: Reconciliation) -> None:
    differs = row.outcome == Reconciliation.Outcome.MISMATCH
    what = "the books do not match, payouts are stopped" if differs else "Pi is silent"
    more = len(row.findings) - LINES
    lines = [str(finding) for finding in row.findings[:LINES]]
    tell(
        f"Reconciliation: {what}", [*lines, f"… and {more} more"][: LINES + (more > 0)]
    )


def tell_of_stops(now: datetime) -> int:
    """Tell of each stop once; one that could not be told is told at the next call."""
    told = 0
    for stop in Stop.objects.filter(told_at=None).order_by("id"):
        if tell(f"Payouts are stopped: {stop.get_kind_display()}", [stop.reason]):
            told += Stop.objects.filter(pk=stop.pk).update(told_at=now)
    return told


def tell(subject: str, lines: Sequence[str]) -> bool:
    """Send to everybody who is to be told; False when not one of the ways worked."""
    ways = [
        way
        for way, is_set in (
            (_mail, settings.TREASURER_EMAILS),
            (_call, settings.TREASURER_WEBHOOK),
        )
        if is_set
    ]
    results = [_tried(way, subject, lines) for way in ways]
    return any(results) or not results


def _tried(
    way: Callable[[str, Sequence[str]], None], subject: str, lines: Sequence[str]
) -> bool:
    try:
        way(subject, lines)
    except (OSError, httpx.HTTPError, HookRefused) as error:
        logger.warning("treasurer_not_told", extra={"error": type(error).__name__})
        return False
    return True


def _mail(subject: str, lines: Sequence[str]) -> None:
    send_mail(
        f"[Tessera] {subject}",
        "\n".join(lines),
        settings.DEFAULT_FROM_EMAIL,
        settings.TREASURER_EMAILS,
    )


def _call(subject: str, lines: Sequence[str]) -> None:
    post_hook(settings.TREASURER_WEBHOOK, {"subject": subject, "lines": list(lines)})


def addresses_of(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


def post_hook(
    url: str,
    body: dict[str, object],
    *,
    resolve: Resolver = addresses_of,
    transport: httpx.BaseTransport | None = None,
) -> None:
    """Post JSON to a public https address. Raises HookRefused, OSError, HTTPError."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 443
    if parts.scheme != "https" or not host or parts.username or parts.password:
        raise HookRefused("a hook is an https address without a password")
    found = resolve(host, port)
    if not found or not all(_is_public(address) for address in found):
        raise HookRefused("a hook is not called inside our own network")
    # The name is looked up once: a second look-up could lead somewhere else.
    literal = f"[{found[0]}]" if ":" in found[0] else found[0]
    target = urlunsplit(parts._replace(netloc=f"{literal}:{port}", fragment=""))
    with httpx.Client(
        timeout=TIMEOUT, transport=transport, trust_env=False, follow_redirects=False
    ) as client:
        answer = client.post(
            target,
            json=body,
            headers={"Host": parts.netloc},
            extensions={"sni_hostname": host},
        )
    if not answer.is_success:
        raise HookRefused(f"the hook answered {answer.status_code}")


def _is_public(address: str) -> bool:
    given = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(given, "ipv4_mapped", None)
    return (mapped or given).is_global and not given.is_multicast
