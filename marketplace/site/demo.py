"""``make demo``: prepares the data, then runs and stops every process of the product.

Knows no Django: it has to say at once, and clearly, what is in the way.
"""

import argparse
import errno
import fcntl
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import httpx
from honcho.manager import Manager
from rich.console import Console
from rich.table import Table

from marketplace.site import processes
from marketplace.site.broker import BrokerFailed, embedded_broker, free_port
from marketplace.site.console import QuietPrinter

READY_SECONDS = 60.0
AGENTS = 3
# What RESET=1 keeps: nothing in them was made by using the demo.
KEPT = {"cache", "static", "demo.lock"}

console = Console(highlight=False, soft_wrap=True)


class Refused(Exception):
    """The demo cannot start; the sentence says why and what to do."""


def main() -> int:
    arguments = _arguments()
    _treat_as_interrupt(signal.SIGTERM, signal.SIGHUP)
    data = processes.data_folder()
    try:
        _check_port(arguments.port)
        with _alone(data):
            if arguments.reset:
                _clear(data)
            return _run(arguments.port, data)
    except (Refused, BrokerFailed) as refusal:
        console.print(f"[bold red]The demo did not start.[/] {refusal}")
        return 2
    except KeyboardInterrupt:
        console.print("Stopped.")
        return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--port", type=_port, default=8000)
    parser.add_argument("--reset", action="store_true", help="begin anew")
    return parser.parse_args()


def _port(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"{number} is not between 1 and 65535")
    return number


def _treat_as_interrupt(*signals: signal.Signals) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    for number in signals:
        signal.signal(number, interrupt)


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            what = "taken" if error.errno == errno.EADDRINUSE else "not allowed"
            raise Refused(
                f"Port {port} is {what}. Choose another: make demo PORT={port + 1}"
            ) from error


@contextmanager
def _alone(data: Path) -> Iterator[None]:
    """Hold the data folder's lock: two demos on one database would fight for work."""
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (data / "demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Refused(f"A demo is already running on {data}.") from error
        yield


def _clear(data: Path) -> None:
    if os.environ.get("DATABASE_URL"):
        raise Refused(
            "RESET=1 clears only the embedded database, and DATABASE_URL names another."
            " Empty that one yourself, then start without RESET."
        )
    for entry in data.iterdir():
        if entry.name in KEPT:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _run(port: int, data: Path) -> int:
    given = os.environ.get("REDIS_URL")
    with nullcontext(given) if given else embedded_broker(data / "valkey") as redis_url:
        pi_port = free_port()
        env = processes.shared_env(data=data, redis_url=redis_url, pi_port=pi_port)
        prepared = _prepare(env, homes(data, port))
        return _supervise(port, data, env, prepared, pi_port=pi_port)


def homes(data: Path, port: int) -> list[Path]:
    """Return the agents' folders; a node is paired with one address, port and all."""
    return [data / "agents" / f"{port}-{number}" for number in range(1, AGENTS + 1)]


def _prepare(env: dict[str, str], agents: Sequence[Path]) -> dict[str, Any]:
    """Bring the data up to date in a process of its own; return what it reports."""
    console.print("Preparing the demo …")
    done = subprocess.run(  # noqa: S603 (our own command)
        processes.manage(
            "prepare_demo",
            f"--agents={AGENTS}",
            "--homeless",
            *(str(n) for n, home in enumerate(agents, 1) if not processes.paired(home)),
        ),
        env={"LOG_LEVEL": "WARNING", **env},
        cwd=processes.ROOT,
        stdout=subprocess.PIPE,
        check=False,
    )
    if done.returncode:
        raise Refused("Its data could not be prepared; the lines above say why.")
    prepared: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return prepared


def _parts(
    port: int, data: Path, codes: Sequence[str | None], *, pi_port: int
) -> list[processes.Process]:
    agents = [
        processes.agent(
            f"agent{number}",
            server=f"http://127.0.0.1:{port}",
            home=home,
            code=code,
        )
        for number, (home, code) in enumerate(
            zip(homes(data, port), codes, strict=True), start=1
        )
    ]
    servers = [
        processes.pi(pi_port, data=data),
        processes.web(port),
        processes.worker(),
        processes.beat(),
        processes.payouts(),
    ]
    return [*servers, *agents]


def _supervise(
    port: int,
    data: Path,
    env: dict[str, str],
    prepared: dict[str, Any],
    *,
    pi_port: int,
) -> int:
    printer = QuietPrinter(console, data / "logs")
    manager = Manager(printer)
    for part in _parts(port, data, prepared["codes"], pi_port=pi_port):
        manager.add_process(
            part.name,
            f"exec {shlex.join(part.argv)}",
            env={**env, **part.env},
            cwd=str(processes.ROOT),
        )
    for home, code in zip(homes(data, port), prepared["codes"], strict=True):
        if code:  # what is left there belongs to a node that is no more
            shutil.rmtree(home, ignore_errors=True)
    signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    threading.Thread(target=_announce, args=(port, data, prepared), daemon=True).start()
    manager.loop()
    if manager.returncode in {130, 143}:
        console.print("Stopped. The data is kept; `make demo` goes on from here.")
        return 0
    printer.explain()
    return int(manager.returncode or 1)


def _announce(port: int, data: Path, prepared: dict[str, Any]) -> None:
    address = f"http://127.0.0.1:{port}/"
    deadline = time.monotonic() + READY_SECONDS
    visitor = httpx.Client(timeout=5)
    while not _is_up(visitor, address):
        if time.monotonic() > deadline:
            console.print(f"The web process does not answer; see {data / 'logs'}")
            return
        time.sleep(0.1)
    table = Table(
        title=f"Password of all: {prepared['password']}", title_justify="left"
    )
    for heading in ("who", "email", "what to look at"):
        table.add_column(heading, overflow="fold")
    for account in prepared["accounts"]:
        table.add_row(account["who"], account["email"], account["look"])
    console.print(table)
    console.print(
        "Reviewer, treasurers and admin also give a code from an authenticator with the"
        f" secret {prepared['second_factor']}, or from"
        " [bold].venv/bin/python manage.py demo_code[/]"
    )
    console.print(
        f"Tessera is ready: [bold]{address.replace('127.0.0.1', 'localhost')}[/]"
    )
    console.print(f"Logs: {data / 'logs'}. Ctrl-C stops everything.")


def _is_up(visitor: httpx.Client, address: str) -> bool:
    try:
        return visitor.get(address).is_success
    except httpx.HTTPError:
        return False


if __name__ == "__main__":
    sys.exit(main())
