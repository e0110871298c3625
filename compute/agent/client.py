"""Talks to the server: signed messages over connections that stay open."""

import threading
import time
from typing import TypeVar
from urllib.parse import urljoin, urlsplit

import httpx

from compute.agent import protocol
from compute.agent.keys import Key

Reply = TypeVar("Reply")
TIMEOUT = httpx.Timeout(30.0, connect=10.0)
CONTENT_MAX_BYTES = 256 * 1024 * 1024
ERROR_MAX_CHARACTERS = 300
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Refused(Exception):
    """The server understood and said no; asking again will not help."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{message} ({code})")
        self.status = status
        self.code = code


class Unavailable(Exception):
    """No usable answer: try again later, not before ``retry_after`` seconds."""

    def __init__(self, problem: str, retry_after: float = 0.0) -> None:
        super().__init__(problem)
        self.retry_after = retry_after


class Client:
    """One node's connection; may be used by several threads."""

    def __init__(
        self,
        server: str,
        key: Key,
        *,
        node: str = "",
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.server = server.rstrip("/")
        self.node = node
        self._key = key
        self._clock_offset = 0.0
        self._lock = threading.Lock()
        limits = httpx.Limits(max_keepalive_connections=8, keepalive_expiry=60)
        self._http = httpx.Client(
            timeout=TIMEOUT,
            limits=limits,
            transport=transport,
            # A proxy of the environment cannot reach a server on this computer.
            trust_env=urlsplit(self.server).hostname not in LOOPBACK,
        )

    def close(self) -> None:
        self._http.close()

    def post(self, path: str, message: object, reply: type[Reply]) -> Reply:
        """Send a message and return the answer. Raises Refused, Unavailable."""
        return self._exchange("POST", path, protocol.serialize(message), reply)

    def get(self, path: str, reply: type[Reply]) -> Reply:
        """Ask and return the answer. Raises Refused, Unavailable."""
        return self._exchange("GET", path, b"", reply)

    def _exchange(
        self, method: str, path: str, body: bytes, kind: type[Reply]
    ) -> Reply:
        response = self._send(method, path, body)
        if response.status_code == 401 and self._correct_clock(response):
            response = self._send(method, path, body)
        if response.status_code >= 400:
            raise _problem(response)
        try:
            return protocol.parse(kind, response.content)
        except protocol.Malformed as error:
            raise Unavailable(f"the answer is not usable: {error}") from error

    def _send(self, method: str, path: str, body: bytes) -> httpx.Response:
        headers = self._key.headers(
            method=method,
            path=urlsplit(self.server).path + path,
            body=body,
            node=self.node,
            clock_offset=self._clock_offset,
        )
        headers["Content-Type"] = "application/json"
        try:
            return self._http.request(
                method, self.server + path, content=body, headers=headers
            )
        except httpx.HTTPError as error:
            raise Unavailable(
                f"{self.server}: {error or type(error).__name__}"
            ) from error

    def _correct_clock(self, response: httpx.Response) -> bool:
        """Take over the server's time when that is why it refused."""
        code, _message, body = _read_error(response)
        server_time = body.get("server_time")
        if code != "clock_skew" or not isinstance(server_time, int | float):
            return False
        with self._lock:
            self._clock_offset = float(server_time) - time.time()
        return True

    def fetch(self, url: str) -> bytes:
        """Return the bytes behind a link. Raises Refused, Unavailable."""
        address = urljoin(self.server + "/", url)
        try:
            with self._http.stream("GET", address) as response:
                if response.status_code >= 400:
                    response.read()
                    raise _problem(response)
                return _bounded(response)
        except httpx.HTTPError as error:
            raise Unavailable(f"{address}: {error or type(error).__name__}") from error


def _bounded(response: httpx.Response) -> bytes:
    data = bytearray()
    for part in response.iter_bytes():
        data += part
        if len(data) > CONTENT_MAX_BYTES:
            raise Unavailable("the content is larger than any that is allowed")
    return bytes(data)


def _read_error(response: httpx.Response) -> tuple[str, str, dict[str, object]]:
    try:
        body = response.json()["error"]
        return str(body["code"]), str(body["message"]), dict(body)
    except (ValueError, KeyError, TypeError):
        return "", response.text[:ERROR_MAX_CHARACTERS], {}


def _problem(response: httpx.Response) -> Exception:
    code, message, _body = _read_error(response)
    if response.status_code == 429 or response.status_code >= 500:
        wait = response.headers.get("Retry-After", "")
        return Unavailable(
            f"the server answered {response.status_code} {code}".rstrip(),
            retry_after=float(wait) if wait.isdigit() else 0.0,
        )
    return Refused(response.status_code, code, message)
