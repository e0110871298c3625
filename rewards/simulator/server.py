"""Serves a simulation over HTTP, each connection in a thread of its own."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from rewards.simulator.faults import Crash, Dropped
from rewards.simulator.world import Simulator

LONGEST_BODY = 1_000_000


class Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, simulator: Simulator, port: int) -> None:
        self.simulator = simulator
        super().__init__(("127.0.0.1", port), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def serving(state_path: Path, url: str) -> Iterator[None]:
    """Answer at a loopback ``url`` for a while, unless somebody does already."""
    port = urlsplit(url).port or 80
    try:
        server = Server(Simulator(state_path), port)
    except OSError:  # the simulation's own process is there
        yield
        return
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._exchange()

    def do_POST(self) -> None:
        self._exchange()

    def _exchange(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > LONGEST_BODY:
            self.send_error(413)
            return
        body = self.rfile.read(length)
        simulator = cast(Server, self.server).simulator
        try:
            status, headers, answer = simulator.exchange(
                self.command, self.path, dict(self.headers), body
            )
        except Dropped:
            self.close_connection = True
            return
        except Crash:  # here the simulation is the one to die
            os._exit(1)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing: an address may hold what is nobody's business."""
