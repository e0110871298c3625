"""``python -m rewards.simulator --port N --data FILE``: simulated Pi as a process."""

import argparse
import signal
import sys
from pathlib import Path

from rewards.simulator.server import Server
from rewards.simulator.world import Simulator


def main() -> int:
    parser = argparse.ArgumentParser(prog="rewards.simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=8314)
    parser.add_argument(
        "--data", type=Path, help="a file; without it, all is forgotten"
    )
    arguments = parser.parse_args()
    if arguments.data:
        arguments.data.parent.mkdir(parents=True, exist_ok=True)
    server = Server(Simulator(arguments.data), arguments.port)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        return 0
    finally:
        server.server_close()
    return 0


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
