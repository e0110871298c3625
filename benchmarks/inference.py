"""Executions per second through the platform against a bare loop on the same cores.

    python -m benchmarks.inference [--seconds 40]

The bare loop decodes, resizes and runs the graph, one process a core. The platform is a
web server and one agent of its own operator a core, all on this computer: units are
claimed, executed twice, compared, decided and paid. Both take turns, so that a computer
that gets slower favours neither; while the bare loop runs, the agents are stopped.
"""

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PHOTOS = ROOT / "marketplace" / "demo_photos"
GRAPH = ROOT / "compute" / "zoo" / "ssdlite_mobilenet_v2_coco.onnx"
UNITS_MAX = 5_000
REPLICAS = 2
ROUNDS = 4


# --- The bare loop ------------------------------------------------------------------


def bare_loop(seconds: float) -> tuple[int, float]:
    """Run photo after photo; return how many in how many seconds."""
    import io  # noqa: PLC0415 (each process loads its own)

    import numpy as np  # noqa: PLC0415
    import onnxruntime  # noqa: PLC0415
    from PIL import Image  # noqa: PLC0415

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        str(GRAPH), options, providers=["CPUExecutionProvider"]
    )

    def execute(data: bytes) -> None:
        image = Image.open(io.BytesIO(data)).convert("RGB")
        width, height = image.size
        small = image.transform(
            (300, 300),
            Image.Transform.AFFINE,
            (width / 300, 0, 0, 0, height / 300, 0),
            Image.Resampling.BILINEAR,
        )
        pixels = np.asarray(small, dtype=np.float32) * np.float32(2 / 255) - 1
        batch = np.ascontiguousarray(pixels.transpose(2, 0, 1)[np.newaxis])
        session.run(["scores", "boxes"], {"image": batch})

    photos = [path.read_bytes() for path in sorted(PHOTOS.glob("*.jpg"))]
    for data in photos:
        execute(data)
    count, begun = 0, time.perf_counter()
    # Whole rounds only: photos differ in size, and both sides should see the same.
    while time.perf_counter() - begun < seconds:
        for data in photos:
            execute(data)
        count += len(photos)
    return count, time.perf_counter() - begun


def bare_per_second(cores: int, seconds: float) -> float:
    with get_context("spawn").Pool(cores) as pool:
        runs = pool.map(bare_loop, [seconds] * cores)
    return sum(count / took for count, took in runs)


# --- The platform -------------------------------------------------------------------


class Platform:
    """A platform of its own in a folder of its own, gone when the benchmark ends."""

    def __init__(self, folder: Path, agents: int) -> None:
        self.folder = folder
        self.agents = agents
        self.processes: list[subprocess.Popen[bytes]] = []
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        os.environ.update(
            TESSERA_DATA=str(folder / "data"),
            DATABASE_URL=f"sqlite:///{folder / 'data' / 'tessera.sqlite3'}",
            REDIS_URL="",
            HTTPS="0",
            DEBUG="0",
            LOG_LEVEL="ERROR",
            NODE_RATE="1000000/min",
            LEASE_SECONDS="600",
            DJANGO_SETTINGS_MODULE="marketplace.site.settings",
        )

    def start(self) -> None:
        import django  # noqa: PLC0415 (after the environment is set)

        (self.folder / "data" / "static").mkdir(parents=True)
        django.setup()
        from django.core.management import call_command  # noqa: PLC0415

        call_command("migrate", verbosity=0)
        call_command("register_models", stdout=sys.stderr)
        self.job, codes = set_up(self.agents)
        bind = f"--bind=127.0.0.1:{self.port} --keep-alive=75 --log-level=error"
        threads = "--worker-class=gthread --workers=1 --threads=8"
        self._spawn(f"gunicorn marketplace.site.wsgi {bind} {threads}")
        wait_for(self._answers, seconds=60)
        for number, code in enumerate(codes):
            start = f"compute.agent --server={self.address} --code={code} --threads=1"
            home = self.folder / f"agent-{number}"
            self._spawn(f"{start} --name={number}", f"--home={home}")

    def _spawn(self, command: str, *more: str) -> None:
        arguments = [sys.executable, "-m", *command.split(), *more]
        process = subprocess.Popen(arguments, cwd=ROOT, stdout=sys.stderr.fileno())
        self.processes.append(process)

    @contextmanager
    def asleep(self) -> Iterator[None]:
        """Stop the agents for a while: an idle node still asks for work."""
        agents = self.processes[1:]
        for process in agents:
            process.send_signal(signal.SIGSTOP)
        yield
        for process in agents:
            process.send_signal(signal.SIGCONT)

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(f"{self.address}/api/v1/nodes/why/", timeout=5)
        except urllib.error.HTTPError as error:
            return error.code == 401
        except OSError:
            return False
        return True

    def run(self, photos: list[list[dict[str, Any]]], *, seconds: float) -> float:
        """Offer these units and return the seconds until all are decided and paid."""
        from django.utils import timezone  # noqa: PLC0415

        from compute import actions, queries  # noqa: PLC0415

        begun = time.perf_counter()
        actions.open_units(self.job, photos, now=timezone.now())
        wait_for(lambda: queries.open_unit_count(self.job) == 0, seconds=seconds)
        return time.perf_counter() - begun

    def stop(self) -> None:
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()


def set_up(operators: int) -> tuple[Any, list[str]]:
    """Return a funded job and a pairing code for each of its operators."""
    from django.db import transaction  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415

    from accounts import actions as accounts  # noqa: PLC0415
    from compute import actions, queries  # noqa: PLC0415
    from rewards import ledger  # noqa: PLC0415
    from rewards.models import Account, Transfer  # noqa: PLC0415

    escrow = ledger.open_account("project:benchmark:escrow", Account.Kind.ESCROW)
    fees = ledger.open_account("project:benchmark:fees", Account.Kind.FEES)
    with transaction.atomic():
        deposit = ledger.Movement(
            key="benchmark",
            debit=ledger.pi_in_account().pk,
            credit=escrow.pk,
            amount=10**12,
            kind=Transfer.Kind.DEPOSIT,
        )
        ledger.post([deposit])
    job = actions.open_job(
        account=escrow,
        fee_account=fees,
        model=queries.registered_models()[0],
        price=20_000,
        fee=2_000,
        tenant="benchmark",
        replicas=REPLICAS,
    )
    codes = []
    for number in range(operators):
        user = accounts.register_user(email=f"{number}@example.org", password="x" * 12)
        assert user.person is not None
        accounts.record_evidence(
            user.person, kind="staff_check", level=1, source="benchmark"
        )
        codes.append(actions.issue_code(user.person, now=timezone.now()))
    return job, codes


def stored_photos() -> list[list[dict[str, Any]]]:
    from PIL import Image  # noqa: PLC0415

    from blobs import actions as blobs  # noqa: PLC0415

    inputs = []
    for path in sorted(PHOTOS.glob("*.jpg")):
        blob = blobs.put(path.read_bytes(), media_type="image/jpeg")
        with Image.open(path) as image:
            width, height = image.size
        file = {"digest": blob.digest, "media_type": blob.media_type}
        inputs.append([{**file, "size": blob.size, "width": width, "height": height}])
    return inputs


def wait_for(condition: Callable[[], bool], *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit("the benchmark did not end in time")
        time.sleep(0.1)


def measure(platform: Platform, *, cores: int, seconds: float) -> dict[str, float]:
    """Return the figures of ROUNDS rounds, each the bare loop and then the platform."""
    photos = stored_photos()
    platform.run(photos, seconds=120)  # models and photos into the caches
    part = seconds / ROUNDS
    bare, done, took = [], 0, 0.0
    for number in range(ROUNDS):
        with platform.asleep():
            bare.append(bare_per_second(cores, part))
        rounds = max(1, int(bare[-1] * part / REPLICAS / len(photos)))
        units = (photos * rounds)[:UNITS_MAX]
        spent = platform.run(units, seconds=10 * part + 60)
        done, took = done + len(units) * REPLICAS, took + spent
        rate = len(units) * REPLICAS / spent
        print(f"round {number + 1}: bare {bare[-1]:.1f}/s, platform {rate:.1f}/s")
    with platform.asleep():
        bare.append(bare_per_second(cores, part))
    bare_rate, rate = sum(bare) / len(bare), done / took
    return {
        "platform_per_s": round(rate, 2),
        "bare_per_s": round(bare_rate, 2),
        "ratio": round(rate / bare_rate, 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=40.0, help="of each side")
    args = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    folder = Path(tempfile.mkdtemp(prefix="tessera-benchmark-"))
    platform = Platform(folder, max(REPLICAS, cores))
    try:
        platform.start()
        seconds = min(max(args.seconds, 4.0), 300.0)
        figures = measure(platform, cores=cores, seconds=seconds)
    finally:
        platform.stop()
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
