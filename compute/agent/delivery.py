"""Brings results out: in few full messages, kept on disk until acknowledged."""

import time
from collections.abc import Callable

from compute.agent import protocol
from compute.agent.backoff import Backoff
from compute.agent.client import Client, Refused, Unavailable
from compute.agent.desk import Desk
from compute.agent.store import Outbox

LAST_SECONDS = 5.0  # to empty the outbox after the stop


class Delivery:
    """Runs in one thread until the desk stops and the outbox is empty."""

    def __init__(
        self,
        *,
        client: Client,
        outbox: Outbox,
        desk: Desk,
        say: Callable[[str], None],
    ) -> None:
        self._client = client
        self._outbox = outbox
        self._desk = desk
        self._say = say
        self._backoff = Backoff()
        self._size = protocol.BATCH_MAX
        self._oldest_since = 0.0

    def run(self) -> None:
        """Send what gathers until the desk stops."""
        while not self._desk.stop.is_set():
            wait = self._step()
            if wait > 0:
                self._desk.has_results.wait(wait)

    def flush(self) -> None:
        """Send the rest, for a few seconds at most; what stays is sent next time."""
        deadline = time.monotonic() + LAST_SECONDS
        while len(self._outbox) and time.monotonic() < deadline:
            wait = self._send()
            if wait:
                time.sleep(min(wait, max(0.0, deadline - time.monotonic())))

    def _step(self) -> float:
        """Send if it is time to; return how long to wait before looking again."""
        self._desk.has_results.clear()
        waiting = len(self._outbox)
        if not waiting:
            self._oldest_since = 0.0
            return 1.0
        now = time.monotonic()
        self._oldest_since = self._oldest_since or now
        left = self._oldest_since + self._desk.linger() - now
        if left > 0 and waiting < self._size:
            return left
        wait = self._send()
        self._oldest_since = 0.0
        if wait:
            self._desk.stop.wait(wait)
        return 0.0

    def _send(self) -> float:
        """Send one message; return the seconds to wait when it did not arrive.

        After a failure the messages get smaller, so that a result with which the
        server cannot cope does not hold back the others.
        """
        items = self._outbox.oldest(self._size)
        message = protocol.ResultsRequest(results=items)
        try:
            reply = self._client.post(protocol.RESULTS, message, protocol.ResultsReply)
        except Unavailable as problem:
            self._size = max(1, self._size // 2)
            self._say(f"results are kept until they can be sent: {problem}")
            return self._backoff.failure(at_least=problem.retry_after)
        except Refused as refusal:
            return self._refused(refusal, [str(item["lease"]) for item in items])
        self._backoff.success()
        self._size = min(protocol.BATCH_MAX, self._size * 2)
        for acknowledgement in reply.acknowledgements:
            self._outbox.remove(acknowledgement.lease)
            if acknowledgement.state == protocol.INVALID:
                self._say(f"a result was refused: {acknowledgement.reason}")
        return 0.0

    def _refused(self, refusal: Refused, leases: list[str]) -> float:
        if refusal.status in (401, 403):
            self._desk.problem = str(refusal)
            self._desk.stop.set()
            return 1.0
        if len(leases) > 1:
            self._size = 1
        else:
            self._say(f"a result was refused: {refusal}")
            self._outbox.remove(leases[0])
        return 0.0
