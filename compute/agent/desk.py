"""What the node holds at this moment, shared between its threads."""

import queue
import threading
import time
from dataclasses import dataclass

from compute.agent.inference import Model
from compute.agent.protocol import LeaseGrant

# The first guess of a picture's time, before any was measured.
GUESS_SECONDS = 0.25
NEW_SHARE = 0.2  # of the newest measurement in the running mean
LINGER_SECONDS = (0.05, 3.0)
LINGER_SHARE = 0.3


@dataclass(frozen=True)
class Task:
    """A lease with everything that is needed to run it."""

    grant: LeaseGrant
    model: Model
    picture: bytes


class Desk:
    """Leases from the claim to the outbox, and how fast they go."""

    def __init__(self, *, workers: int) -> None:
        self.workers = workers
        self.ready: queue.Queue[Task] = queue.Queue()
        self.stop = threading.Event()
        self.wants_work = threading.Event()
        self.has_results = threading.Event()
        self.done = 0
        self.problem = ""
        self._held: dict[str, float] = {}  # lease -> when its time was last renewed
        self._lock = threading.Lock()
        self._seconds_each = GUESS_SECONDS
        self._busy_since = 0.0

    def take(self, leases: list[str]) -> None:
        now = time.monotonic()
        with self._lock:
            if not self._held:
                self._busy_since = now
            self._held.update(dict.fromkeys(leases, now))

    def holds(self, lease: str) -> bool:
        with self._lock:
            return lease in self._held

    def drop(self, lease: str) -> None:
        """Forget a lease: it is answered, given back or gone."""
        with self._lock:
            self._held.pop(lease, None)
            few = len(self._held) <= self._low_water()
        if few:
            self.wants_work.set()
        self.has_results.set()

    def finish(self, lease: str, *, seconds: float) -> None:
        with self._lock:
            share = NEW_SHARE if self.done else 1.0
            self._seconds_each += share * (seconds - self._seconds_each)
            self.done += 1
        self.drop(lease)

    def held(self) -> list[str]:
        with self._lock:
            return list(self._held)

    def due(self, *, age: float) -> list[str]:
        """Return the leases that were claimed or renewed longer ago than ``age``."""
        limit = time.monotonic() - age
        with self._lock:
            return [lease for lease, since in self._held.items() if since < limit]

    def renewed(self, leases: list[str]) -> None:
        now = time.monotonic()
        with self._lock:
            self._held.update({key: now for key in leases if key in self._held})

    def wanted(self, *, target_seconds: float, most: int) -> int:
        """Return how many more units keep this node busy for ``target_seconds``."""
        with self._lock:
            goal = self.workers * target_seconds / max(self._seconds_each, 1e-3)
            if len(self._held) > self._low_water():
                return 0
            return max(0, min(int(goal) + 1, most) - len(self._held))

    def seconds_left(self) -> float:
        """Return how long this node is busy with what it holds."""
        with self._lock:
            return len(self._held) * self._seconds_each / self.workers

    def _low_water(self) -> int:
        """Claim again while there is half a second of work left: no idle moment."""
        return int(0.5 * self.workers / max(self._seconds_each, 1e-3))

    def linger(self) -> float:
        """Return how long a result may wait for company on its way.

        The first results leave at once, since somebody may be waiting for them; the
        longer the node has been busy, the fewer and fuller are its messages.
        """
        shortest, longest = LINGER_SECONDS
        with self._lock:
            if not self._held:
                return 0.0
            busy = time.monotonic() - self._busy_since
        return min(max(LINGER_SHARE * busy, shortest), longest)
