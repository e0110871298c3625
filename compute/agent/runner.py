"""The node at work: one thread gets work in, some run it, one brings results out."""

import queue
import threading
import time
from collections.abc import Callable

from compute.agent import protocol
from compute.agent.client import Client, Refused, Unavailable
from compute.agent.delivery import Delivery
from compute.agent.desk import Desk, Task
from compute.agent.inference import BadInput, ModelFailed
from compute.agent.intake import Intake
from compute.agent.protocol import ExecutionResult
from compute.agent.store import Home


class Runner:
    def __init__(
        self,
        *,
        client: Client,
        home: Home,
        server_key: str,
        workers: int,
        max_units: int,
        once: bool = False,
        say: Callable[[str], None],
    ) -> None:
        self.desk = Desk(workers=workers)
        self._home = home
        self._say = say
        self._intake = Intake(
            client=client,
            home=home,
            desk=self.desk,
            server_key=server_key,
            max_units=max_units,
            once=once,
            say=say,
        )
        self._delivery = Delivery(
            client=client, outbox=home.outbox, desk=self.desk, say=say
        )

    def run(self, *, watch: Callable[[Desk], None]) -> None:
        """Work until the desk is told to stop; then leave nothing behind.

        ``watch`` is called a few times a second, in the calling thread.
        """
        desk = self.desk
        workers = [
            threading.Thread(target=self._guarded, args=[self._work], name=f"run-{n}")
            for n in range(desk.workers)
        ]
        others = [
            threading.Thread(target=self._guarded, args=[part.run], name=name)
            for part, name in ((self._intake, "intake"), (self._delivery, "delivery"))
        ]
        for thread in workers + others:
            thread.start()
        try:
            while not desk.stop.wait(0.25):
                watch(desk)
        finally:
            desk.stop.set()
            desk.wants_work.set()
            desk.has_results.set()
            for thread in workers + others:
                thread.join()
            self._leave()

    def _guarded(self, part: Callable[[], None]) -> None:
        """Stop the whole node when one part of it ends in an error of ours."""
        try:
            part()
        except BaseException as error:
            self.desk.problem = f"the agent failed: {error!r}"
            self.desk.stop.set()
            raise

    def _work(self) -> None:
        while not self.desk.stop.is_set():
            try:
                task = self.desk.ready.get(timeout=0.2)
            except queue.Empty:
                continue
            if self.desk.holds(task.grant.lease):
                self._run(task)

    def _run(self, task: Task) -> None:
        (file,) = task.grant.inputs
        output, error = None, ""
        begun = time.perf_counter()
        try:
            output = task.model.run(task.picture, width=file.width, height=file.height)
        except BadInput:
            error = protocol.BAD_INPUT
        except ModelFailed as problem:
            error = protocol.MODEL_FAILED
            self._say(f"the model failed: {problem}")
        seconds = time.perf_counter() - begun
        lease = task.grant.lease
        self._home.outbox.put(
            ExecutionResult(lease=lease, seconds=seconds, output=output, error=error)
        )
        self.desk.finish(lease, seconds=seconds)

    def _leave(self) -> None:
        """Send what is done and give back what is not."""
        self._delivery.flush()
        unsent = set(self._home.outbox.leases())
        try:
            self._intake.release(
                [lease for lease in self.desk.held() if lease not in unsent]
            )
        except (Refused, Unavailable) as problem:
            self._say(f"leases could not be given back: {problem}")
