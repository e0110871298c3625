"""The volunteer's program.

    python -m compute.agent --server https://… --code …

Pairs this computer with the operator's account once, then claims work, runs it, and
sends the results, until Ctrl-C. The code is needed the first time only.
"""

import argparse
import os
import platform
import signal
import sys
import time
from pathlib import Path

from compute.agent import protocol
from compute.agent.backoff import Backoff
from compute.agent.client import Client, Refused, Unavailable
from compute.agent.inference import runtime
from compute.agent.keys import Key
from compute.agent.runner import Runner
from compute.agent.store import AlreadyRunning, Home
from compute.agent.terminal import Terminal

DEFAULT_MAX_UNITS = 128


class CannotStart(Exception):
    """The agent says why and ends."""


def options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m compute.agent", description=__doc__
    )
    parser.add_argument("--server", help="address of the platform")
    parser.add_argument("--code", help="pairing code of your page, needed once")
    parser.add_argument(
        "--home",
        type=Path,
        default=Path("~/.tessera-node"),
        help="folder for the key and the cache (default: %(default)s)",
    )
    parser.add_argument(
        "--threads", type=int, default=1, help="cores to use (default: %(default)s)"
    )
    parser.add_argument("--name", default=platform.node(), help="the node's name")
    parser.add_argument(
        "--max-units",
        type=int,
        default=DEFAULT_MAX_UNITS,
        help="most pictures held at a time (default: %(default)s)",
    )
    parser.add_argument("--once", action="store_true", help="end when there is no work")
    return parser.parse_args(arguments)


def capabilities(threads: int) -> dict[str, str]:
    return {
        **runtime(),
        "protocol": str(protocol.VERSION),
        "python": platform.python_version(),
        "system": platform.system(),
        "machine": platform.machine(),
        "cores": str(os.cpu_count() or 1),
        "threads": str(threads),
    }


def pair(home: Home, key: Key, args: argparse.Namespace) -> dict[str, str]:
    """Return who this node is, enrolling it the first time. Raises CannotStart."""
    known = home.identity()
    if known:
        if args.server and args.server.rstrip("/") != known["server"]:
            raise CannotStart(
                f"This folder belongs to a node of {known['server']}. "
                "Choose another with --home."
            )
        return known
    if not args.server or not args.code:
        raise CannotStart("The first time, --server and --code are needed.")
    try:
        _secret, mark = protocol.split_code(args.code)
    except protocol.Malformed as error:
        raise CannotStart(f"This code cannot be used: {error}.") from error
    reply = _enroll(key, args)
    # Before anything is kept: the code says which server we were meant to meet.
    if protocol.fingerprint(reply.server_key) != mark:
        raise CannotStart(
            "This server does not have the key that the pairing code names. "
            "Nothing was paired; check the address."
        )
    home.keep_identity(
        server=args.server.rstrip("/"), node=reply.node, server_key=reply.server_key
    )
    return home.identity()


def _enroll(key: Key, args: argparse.Namespace) -> protocol.EnrollReply:
    client = Client(args.server, key)
    message = protocol.EnrollRequest(
        code=args.code,
        public_key=key.public,
        name=args.name[:80],
        capabilities=capabilities(args.threads),
    )
    backoff = Backoff()
    try:
        for _ in range(8):
            try:
                return client.post(protocol.ENROLL, message, protocol.EnrollReply)
            except Unavailable as problem:
                time.sleep(backoff.failure(at_least=problem.retry_after))
        raise CannotStart(f"{args.server} does not answer.")
    finally:
        client.close()


def greet(client: Client, home: Home, args: argparse.Namespace) -> str:
    """Say hello until the server answers; return the node's name."""
    backoff = Backoff()
    message = protocol.HelloRequest(
        capabilities=capabilities(args.threads), holding=home.outbox.leases()
    )
    while True:
        try:
            return client.post(protocol.HELLO, message, protocol.HelloReply).name
        except Unavailable as problem:
            time.sleep(backoff.failure(at_least=problem.retry_after))


def work(home: Home, args: argparse.Namespace, terminal: Terminal) -> str:
    """Run until told to stop; return the problem that ended it, if any."""
    key = Key.of_home(home.folder)
    identity = pair(home, key, args)
    client = Client(identity["server"], key, node=identity["node"])
    try:
        name = greet(client, home, args)
        terminal.say(f"{name} is paired with {identity['server']}")
        runner = Runner(
            client=client,
            home=home,
            server_key=identity["server_key"],
            workers=args.threads,
            max_units=args.max_units,
            once=args.once,
            say=terminal.say,
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: runner.desk.stop.set())
        terminal.start()
        runner.run(watch=terminal.watch)
        return runner.desk.problem
    finally:
        terminal.stop()
        client.close()


def main() -> int:
    args, terminal = options(sys.argv[1:]), Terminal()
    args.threads = max(1, args.threads)
    args.max_units = max(1, args.max_units)
    try:
        home = Home(args.home.expanduser())
    except (AlreadyRunning, OSError) as error:
        terminal.say(f"The folder cannot be used: {error}")
        return 1
    try:
        problem = work(home, args, terminal)
    except (CannotStart, Refused) as error:
        problem = str(error)
    except KeyboardInterrupt:
        problem = ""
    finally:
        home.close()
    if problem:
        terminal.say(problem)
    return 1 if problem else 0


if __name__ == "__main__":
    # Signals must end a node that waits for the server, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
