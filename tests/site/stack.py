"""A whole running Tessera in a folder of its own: for tests and benchmarks.

Every process is a real one and may be killed and started again by name; all of them
end with the ``with`` block.
"""

import json
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx

from marketplace.site import processes
from marketplace.site.broker import embedded_broker, free_port

STOP_SECONDS = 8.0
Found = TypeVar("Found")


class TookTooLong(AssertionError):
    """What was waited for did not come to be."""


def wait_for(
    condition: Callable[[], Found], *, seconds: float, what: str, pause: float = 0.05
) -> Found:
    """Ask ``condition`` until it is true; return its answer. Raises TookTooLong."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise TookTooLong(f"after {seconds} s still not: {what}")
        time.sleep(pause)


class Stack:
    def __init__(self, folder: Path, *, env: dict[str, str] | None = None) -> None:
        self.folder = folder
        self.port = free_port()
        self.pi_port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.prepared: dict[str, Any] = {}
        self._extra = env or {}
        self._env: dict[str, str] = {}
        self._parts: dict[str, processes.Process] = {}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._stack = ExitStack()
        self._probe = self._stack.enter_context(httpx.Client(timeout=5))

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        redis_url = self._stack.enter_context(embedded_broker(self.folder / "valkey"))
        self._env = {
            **processes.shared_env(
                data=self.folder, redis_url=redis_url, pi_port=self.pi_port
            ),
            "DATABASE_URL": f"sqlite:///{self.folder / 'tessera.sqlite3'}",
            "LOG_LEVEL": "INFO",
            # A test run's own settings are for itself alone.
            "DJANGO_SETTINGS_MODULE": "marketplace.site.settings",
            **self._extra,
        }
        self._stack.callback(self.stop)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    # --- Data

    def manage(self, *arguments: str) -> str:
        """Run a management command to its end; return what it printed."""
        done = subprocess.run(
            processes.manage(*arguments),
            env=self._env,
            cwd=processes.ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, f"{arguments}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def prepare(self, *options: str) -> dict[str, Any]:
        """Make the tables and the demo's people; return what was prepared."""
        output = self.manage("prepare_demo", *options)
        self.prepared = json.loads(output.splitlines()[-1])
        return self.prepared

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Read the running system's database, past the product's own code."""
        path = self.folder / "tessera.sqlite3"
        with closing(sqlite3.connect(path, timeout=30)) as connection:
            return connection.execute(query, values).fetchall()

    def count(self, query: str, *values: object) -> int:
        return int(self.rows(query, *values)[0][0])

    # --- Processes

    def start_server(self, *, workers: int = 2) -> None:
        for part in (
            processes.pi(self.pi_port, data=self.folder),
            processes.web(self.port, workers=workers),
            processes.worker(),
            processes.beat(),
        ):
            self._parts[part.name] = part
            self.start(part.name)
        self.wait_until_up()

    def start_payouts(self) -> None:
        """Start the process that pays, which only some stories need."""
        part = processes.payouts()
        self._parts[part.name] = part
        self.start(part.name)

    def start_agents(self, codes: Sequence[str]) -> None:
        for number, code in enumerate(codes, start=1):
            name = f"agent{number}"
            home = self.folder / "agents" / str(number)
            self._parts[name] = processes.agent(
                name, server=self.url, home=home, code=code
            )
            self.start(name)

    def start(self, name: str) -> None:
        part = self._parts[name]
        log = self.folder / "logs" / f"{name}.log"
        log.parent.mkdir(exist_ok=True)
        with log.open("ab") as output:
            self._running[name] = subprocess.Popen(
                part.argv,
                env={**self._env, **part.env},
                cwd=processes.ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill(self, name: str) -> None:
        """End a process, and what it forked, in the middle of whatever it does."""
        process = self._running.pop(name)
        assert process.poll() is None, f"{name} had ended by itself:\n{self.log(name)}"
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        for process in self._running.values():
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
        for process in self._running.values():
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self._running.clear()

    def wait_until_up(self) -> None:
        try:
            wait_for(self._is_up, seconds=60, what="the web answers")
        except TookTooLong as late:
            raise TookTooLong(f"{late}\n{self.log('web')}") from late

    def _is_up(self) -> bool:
        assert self._running["web"].poll() is None, self.log("web")
        try:
            return self._probe.get(f"{self.url}/accounts/login/").is_success
        except httpx.HTTPError:
            return False

    def log(self, name: str) -> str:
        path = self.folder / "logs" / f"{name}.log"
        return path.read_text(errors="replace")[-4000:] if path.exists() else ""

    # --- People

    def client(self, email: str = "", **headers: str) -> httpx.Client:
        """Return an HTTP client, signed in when an address is given; we close it."""
        client = self._stack.enter_context(
            httpx.Client(
                base_url=self.url, timeout=60, follow_redirects=True, headers=headers
            )
        )
        if email:
            client.get("/accounts/login/")
            answer = client.post(
                "/accounts/login/",
                data={
                    "login": email,
                    "password": self.prepared["password"],
                    "csrfmiddlewaretoken": client.cookies["csrftoken"],
                },
            )
            assert answer.url.path != "/accounts/login/", answer.text[:2000]
            client.headers["X-CSRFToken"] = client.cookies["csrftoken"]
            client.headers["Referer"] = self.url
        return client
