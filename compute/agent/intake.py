"""Gets work in: claims, fetches, verifies, loads, and keeps leases alive."""

import hashlib
import json
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from compute.agent import protocol
from compute.agent.backoff import Backoff
from compute.agent.client import Client, Refused, Unavailable
from compute.agent.desk import Desk, Task
from compute.agent.inference import CannotRun, Model
from compute.agent.keys import is_signed
from compute.agent.protocol import ClaimReply, LeaseGrant, SignedModel
from compute.agent.store import Home, Tampered

TARGET_SECONDS = 4.0  # of work claimed ahead
ENOUGH_SECONDS = 1.0  # of work left, when the last claim brought less than asked
FETCHERS = 4
FETCH_TRIES = 3
Say = Callable[[str], None]


class Intake:
    """Runs in one thread; ``once`` ends it when there is no work."""

    def __init__(
        self,
        *,
        client: Client,
        home: Home,
        desk: Desk,
        server_key: str,
        max_units: int,
        once: bool,
        say: Say,
    ) -> None:
        self._client = client
        self._home = home
        self._desk = desk
        self._server_key = server_key
        self._max_units = max_units
        self._once = once
        self._say = say
        self._models: dict[str, Model] = {}
        self._cannot_run: list[str] = []
        self._lease_seconds = 60.0
        self._backoff = Backoff()
        self._fetchers = ThreadPoolExecutor(FETCHERS, thread_name_prefix="fetch")
        self._not_before = 0.0
        self._renew_not_before = 0.0
        self._was_short = False

    def run(self) -> None:
        """Claim until told to stop, then give back what was not begun."""
        desk = self._desk
        try:
            while not desk.stop.is_set():
                try:
                    self._step()
                except Unavailable as problem:
                    self._wait_after(problem)
                except Refused as refusal:
                    desk.problem = str(refusal)
                    desk.stop.set()
        finally:
            self._fetchers.shutdown(wait=True, cancel_futures=True)

    def _wait_after(self, problem: Unavailable) -> None:
        wait = self._backoff.failure(at_least=problem.retry_after)
        self._say(f"{problem}; trying again in {wait:.0f} s")
        self._not_before = self._renew_not_before = time.monotonic() + wait

    def _step(self) -> None:
        desk = self._desk
        desk.wants_work.clear()
        # However rarely a node is to ask for more, what it holds must stay alive.
        if time.monotonic() >= self._renew_not_before:
            self._renew()
        wait = self._not_before - time.monotonic()
        if self._was_short and desk.seconds_left() > ENOUGH_SECONDS:
            wait = max(wait, 0.1)
        if wait <= 0:
            wanted = desk.wanted(target_seconds=TARGET_SECONDS, most=self._max_units)
            if wanted > 0:
                self._claim(min(wanted, protocol.BATCH_MAX))
                return
            desk.wants_work.wait(1.0)
        else:
            desk.stop.wait(min(wait, 0.5))

    def _claim(self, count: int) -> None:
        message = protocol.ClaimRequest(
            max_units=count,
            known_models=list(self._models),
            cannot_run=self._cannot_run,
        )
        reply = self._client.post(protocol.CLAIM, message, ClaimReply)
        self._backoff.success()
        self._lease_seconds = reply.lease_seconds
        self._desk.take([grant.lease for grant in reply.leases])
        # All that waits for us, or our share of it: now it is the others' turn, and a
        # node that is busy has no reason to ask again soon.
        self._was_short = len(reply.leases) < count
        if self._was_short:
            self._not_before = time.monotonic() + reply.next_poll_s
        if reply.leases:
            self._fetch(reply)
            return
        if self._once and not self._desk.held():
            self._desk.stop.set()

    # --- Fetching -----------------------------------------------------------------

    def _fetch(self, reply: ClaimReply) -> None:
        """Bring models and photos of a claim and pass on the tasks in their order."""
        pictures: list[tuple[LeaseGrant, Future[bytes]]] = [
            (grant, self._fetchers.submit(self._picture, grant))
            for grant in reply.leases
        ]
        for signed in reply.models:
            self._load(signed)
        given_back = []
        for grant, future in pictures:
            model = self._models.get(grant.model)
            if model is None or self._desk.stop.is_set():
                future.cancel()
                given_back.append(grant.lease)
            elif not self._pass_on(grant, model, future):
                given_back.append(grant.lease)
        self.release(given_back)

    def _pass_on(
        self, grant: LeaseGrant, model: Model, future: "Future[bytes]"
    ) -> bool:
        """Queue a task; a photo that is not what it should be is said so."""
        try:
            picture = future.result()
        except (Tampered, Refused) as problem:
            self._say(f"a photo could not be used: {problem}")
            self._home.outbox.put(
                protocol.ExecutionResult(
                    lease=grant.lease, seconds=0.0, error=protocol.BAD_INPUT
                )
            )
            self._desk.drop(grant.lease)
            return True
        except Unavailable as problem:
            self._say(f"a photo could not be fetched: {problem}")
            return False
        self._desk.ready.put(Task(grant, model, picture))
        return True

    def _picture(self, grant: LeaseGrant) -> bytes:
        (file,) = grant.inputs
        return self._content(file.digest, file.url)

    def _content(self, digest: str, url: str) -> bytes:
        """Return verified bytes. Raises Tampered, Refused, Unavailable."""
        backoff = Backoff()
        for attempt in range(FETCH_TRIES):
            try:
                return self._home.cache.get(digest, lambda: self._client.fetch(url))
            except Unavailable as problem:
                if attempt == FETCH_TRIES - 1 or self._desk.stop.is_set():
                    raise
                self._desk.stop.wait(backoff.failure(at_least=problem.retry_after))
        raise AssertionError("unreachable")

    def _load(self, signed: SignedModel) -> None:
        """Load a model that the server signed; refuse any other for good."""
        try:
            self._check_genuine(signed)
            graph = json.loads(signed.manifest)["graph"]["digest"]
            self._models[signed.digest] = Model(
                signed.manifest, self._content(graph, signed.graph_url)
            )
        except (CannotRun, Tampered, KeyError, ValueError) as problem:
            self._cannot_run.append(signed.digest)
            self._say(f"a model was refused: {problem}")
        except (Refused, Unavailable) as problem:
            self._say(f"a model could not be fetched: {problem}")
            self._not_before = time.monotonic() + self._backoff.failure()

    def _check_genuine(self, signed: SignedModel) -> None:
        digest = hashlib.sha256(signed.manifest.encode()).hexdigest()
        if digest != signed.digest or not is_signed(
            signed.manifest, signature=signed.signature, server_key=self._server_key
        ):
            raise CannotRun("its manifest is not signed by the server's key")

    # --- Leases -------------------------------------------------------------------

    def _renew(self) -> None:
        self._renew_not_before = time.monotonic() + 1.0
        due = self._desk.due(age=self._lease_seconds / 3)
        if not due:
            return
        reply = self._client.post(
            protocol.RENEW, protocol.RenewRequest(leases=due), protocol.RenewReply
        )
        self._desk.renewed(reply.renewed)
        for lease in reply.gone:
            self._desk.drop(lease)

    def release(self, leases: list[str]) -> None:
        """Give leases back, so that others need not wait for their end."""
        if not leases:
            return
        for lease in leases:
            self._desk.drop(lease)
        self._client.post(
            protocol.RELEASE,
            protocol.ReleaseRequest(leases=leases),
            protocol.ReleaseReply,
        )
