"""The process that pays: the only one that is given the wallet's key."""

import os
import secrets
import signal
import socket
import threading
import time
from argparse import ArgumentParser
from typing import Any

import structlog
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, close_old_connections
from django.utils import timezone

from rewards.chain import ChainUnreachable, WrongNetwork
from rewards.envelopes import Wallet
from rewards.payouts import approvals, engine, leases
from rewards.payouts.leases import LeaseLost, Teller
from rewards.pi_network import Network, backend, outgoing_wallet

log = structlog.get_logger(__name__)
TIDY_SECONDS = 300.0


class Command(BaseCommand):
    help = "Pays approved payouts until it is stopped. May be killed at any moment."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--pause", type=float, default=2.0, help="seconds")
        parser.add_argument(
            "--lease", type=int, default=leases.LEASE_SECONDS, help="seconds"
        )
        parser.add_argument("--once", action="store_true", help="one round, then stop")

    def handle(self, *args: Any, **options: Any) -> None:
        ending = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: ending.set())
        network, wallet = _checked(options["pause"], ending)
        # Told apart from a process before it that had the same number.
        holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"[:80]
        tidied = 0.0
        teller = None
        while not ending.is_set():
            teller = _round(network, wallet, holder, options["lease"])
            if teller and time.monotonic() - tidied > TIDY_SECONDS:
                engine.tidy(teller, timezone.now())
                tidied = time.monotonic()
            if options["once"]:
                break
            ending.wait(options["pause"])
        if teller is not None:
            leases.leave(teller, now=timezone.now())


def _checked(pause: float, ending: threading.Event) -> tuple[Network, Wallet]:
    """Return network and wallet, once the chain that answers is the one meant."""
    network = backend()
    try:
        wallet = outgoing_wallet()
    except ValueError as error:
        raise CommandError(str(error)) from None
    while True:
        try:
            network.chain.check_passphrase()
        except WrongNetwork as error:
            raise CommandError(f"Refusing to pay: {error}") from None
        except ChainUnreachable as error:
            log.warning("chain_unreachable", reason=str(error))
            if ending.wait(max(pause, 0.2)):
                raise CommandError("stopped before the chain answered") from None
        else:
            log.info("payouts_ready", network=network.name, wallet=wallet.address)
            return network, wallet


def _round(
    network: Network, wallet: Wallet, holder: str, seconds: int
) -> Teller | None:
    """Keep the lease, then take one arrow of each payout that is due."""
    close_old_connections()
    now = timezone.now()
    try:
        approvals.expire_approvals(now=now)
        teller = leases.take(network, wallet, holder=holder, now=now, seconds=seconds)
        if teller is None:
            return None
        for uuid in engine.due(teller, now):
            # Calls to Pi take their time; a lease kept is a fence not raised.
            leases.take(
                network, wallet, holder=holder, now=timezone.now(), seconds=seconds
            )
            engine.walk(uuid, teller, timezone.now)
    except LeaseLost:
        log.warning("wallet_lease_lost", wallet=wallet.address)
        return None
    except OperationalError as error:
        log.warning("database_unavailable", reason=type(error).__name__)
        return None
    return teller
