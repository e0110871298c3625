"""The only place that says which processes a running Tessera on one machine has."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rewards.simulator import keys

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Process:
    """A command of one running part; ``env`` is added to what all parts share."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)


def data_folder() -> Path:
    """Return the folder that settings.DATA_DIR names, without starting Django."""
    return Path(os.environ.get("TESSERA_DATA") or ROOT / ".data").resolve()


def shared_env(*, data: Path, redis_url: str, pi_port: int) -> dict[str, str]:
    """Return the environment of every server process on plain loopback."""
    return {
        **os.environ,
        "TESSERA_DATA": str(data),
        "REDIS_URL": redis_url,
        "HTTPS": "0",
        "PYTHONUNBUFFERED": "1",
        "PI_BACKEND": "simulated",
        "PI_SIMULATOR_URL": f"http://127.0.0.1:{pi_port}",
        "PI_WALLET_ADDRESS": keys.OUTGOING.public_key,
        "PI_INCOMING_ADDRESS": keys.INCOMING.public_key,
        "PAYOUTS_ENABLED": "1",
    }


def manage(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "manage.py", *arguments)


def web(port: int, *, workers: int = 2, threads: int = 16) -> Process:
    """Return the pages and the API; threads, since a node's claim may wait for work."""
    options = {
        "bind": f"127.0.0.1:{port}",
        "workers": workers,
        "worker-class": "gthread",
        "threads": threads,
        "timeout": 120,
        "graceful-timeout": 3,
        "log-level": "warning",
    }
    return Process(
        "web",
        (
            *(sys.executable, "-m", "gunicorn", "marketplace.site.wsgi:application"),
            *(f"--{name}={value}" for name, value in options.items()),
            "--preload",
            # It would lie in the home folder, which may be read-only.
            "--no-control-socket",
        ),
    )


def pi(port: int, *, data: Path) -> Process:
    """Return simulated Pi: the Platform, the chain, and wallets to play with."""
    options = (f"--port={port}", f"--data={data / 'pi.json'}")
    return Process("pi", (sys.executable, "-m", "rewards.simulator", *options))


def worker() -> Process:
    """Return the Celery worker; threads, so that killing it leaves no child behind."""
    # One worker has nobody to greet, and starts a second sooner for not trying.
    alone = ("--without-mingle", "--without-gossip")
    size = ("--pool=threads", "--concurrency=4")
    return _celery("worker", *size, *alone, "--loglevel=INFO")


def beat() -> Process:
    return _celery("beat", "--loglevel=WARNING", "--pidfile=")


def payouts() -> Process:
    """Return the process that pays; it alone is given the outgoing wallet's key."""
    return Process(
        "payouts", manage("run_payouts"), {"PI_WALLET_SEED": keys.OUTGOING.secret}
    )


def _celery(part: str, *options: str) -> Process:
    command = (sys.executable, "-m", "celery", "--quiet", "-A", "marketplace.site")
    return Process(part, (*command, part, *options))


def agent(name: str, *, server: str, home: Path, code: str | None) -> Process:
    """Return a volunteer's node; ``code`` pairs it the first time."""
    options = ("--server", server, "--home", str(home))
    pairing = ("--code", code) if code else ()
    return Process(name, (sys.executable, "-m", "compute.agent", *options, *pairing))


def paired(home: Path) -> bool:
    """Say whether an agent's folder knows which node it is."""
    return (home / "node.json").exists()
