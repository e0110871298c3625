"""Requests and answers inside the simulation, and Pi's way to write them."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, urlsplit

UNITS_PER_PI = 10_000_000
# Stands before a number that JSON is to carry exactly as it is written.
_EXACT = re.compile(r'"\\u0000([0-9.e-]+)"')


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class Refusal(Exception):
    """The answer to a request that cannot be done."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        super().__init__(answer.status)


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes

    @cached_property
    def path(self) -> str:
        return urlsplit(self.target).path

    @cached_property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query))

    @cached_property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode("latin-1")))

    @cached_property
    def document(self) -> dict[str, Any]:
        try:
            found = json.loads(self.body or b"{}", parse_float=str)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise Refusal(platform_error(400, "invalid_arguments", "no JSON object"))
        return found

    def credential(self, scheme: str) -> str | None:
        """Return what follows ``scheme`` in the Authorization header."""
        given, _, secret = self.headers.get("authorization", "").partition(" ")
        return secret if given.lower() == scheme.lower() else None


def exact(text: str) -> str:
    return f"\0{text}"


def number(units: int) -> str:
    """Write an amount as Pi does: JavaScript's shortest form, ``1e-7`` included."""
    if 0 < units < 10:
        return exact(f"{units}e-7")
    whole, rest = divmod(units, UNITS_PER_PI)
    return exact(f"{whole}.{rest:07d}".rstrip("0").rstrip("."))


def decimal_text(units: int) -> str:
    """Write an amount as Horizon does: a string with seven decimals."""
    whole, rest = divmod(units, UNITS_PER_PI)
    return f"{whole}.{rest:07d}"


def units_of(text: str) -> int | None:
    """Return 1e-7 Pi, or None for what is not such an amount above 0."""
    found = re.fullmatch(r"(\d{1,12})(?:\.(\d{1,7})0*)?(?:[eE]-(\d))?", text)
    if found is None:
        return None
    whole, places, exponent = found[1], found[2] or "", int(found[3] or 0)
    if len(places) + exponent > 7:
        return None
    return int(whole + places) * 10 ** (7 - len(places) - exponent) or None


def json_answer(
    status: int, document: Mapping[str, Any], *, media: str = "application/json"
) -> Answer:
    text = _EXACT.sub(r"\1", json.dumps(document))
    return Answer(status, text.encode(), {"Content-Type": media})


def html_answer(status: int, html: str) -> Answer:
    return Answer(status, html.encode(), {"Content-Type": "text/html; charset=utf-8"})


def platform_error(status: int, code: str, message: str, **more: Any) -> Answer:
    return json_answer(status, {"error": code, "error_message": message, **more})


def horizon_problem(
    status: int, kind: str, title: str, extras: Mapping[str, Any] | None = None
) -> Answer:
    document: dict[str, Any] = {
        "type": f"https://stellar.org/horizon-errors/{kind}",
        "title": title,
        "status": status,
    }
    if extras is not None:
        document["extras"] = extras
    return json_answer(status, document, media="application/problem+json")


def gateway_timeout() -> Answer:
    return horizon_problem(504, "timeout", "Timeout")
