"""Plays the workers and the treasurer of a chaos run, and judges what came of it."""

import random
from collections.abc import Sequence
from datetime import datetime

from benchmarks.payout_result import Result
from benchmarks.payout_world import World, ask_again
from rewards.models import Account, Payout, PayoutEvent, Stop
from rewards.payouts import controls, engine, leases, queries, reviews
from rewards.payouts.leases import LeaseLost
from rewards.payouts.transitions import FINAL, Status, in_flight_account, pi_out_account
from rewards.queries import ledger_problems
from rewards.simulator.faults import Crash
from rewards.simulator.keys import OUTGOING
from rewards.simulator.world import Simulator

LEASE_SECONDS = 60


class Driver:
    def __init__(self, world: World, chance: random.Random) -> None:
        self.world = world
        self.chance = chance
        self.crashes = 0
        self.workers = 0
        self.reviews: dict[int, int] = {}
        self.crash_odds = chance.choice((0.0, 0.02, 0.1))
        self.stop_odds = chance.choice((0.0, 0.0, 0.03))
        world.commits = 0
        world.commits_to_crash = {
            chance.randint(1, 40) for _ in range(chance.randint(0, 3))
        }
        for _ in range(chance.randint(0, 2)):
            moment = chance.randint(2, 80)
            world.transport.overtakings[moment] = self._overtake

    # --- Playing

    def drive(self, rounds: int) -> None:
        """Let time pass and workers work until every payout has ended, twice."""
        self._until_quiet(rounds)
        again = [row for row in self._rows() if self.chance.random() < 0.4]
        for payout in again:
            self.world.commits_to_crash.clear()
            self.world.payouts.append(ask_again(self.world, self.chance, payout))
        self._until_quiet(rounds)
        self._settle()

    def _until_quiet(self, rounds: int) -> None:
        for _ in range(rounds):
            moving = self._moving()
            if not moving:
                return
            self._wait(moving)
            self._treasurer(moving)
            self._worker()

    def _moving(self) -> list[tuple[str, datetime | None]]:
        rows = Payout.objects.exclude(status__in=FINAL)
        return list(rows.values_list("status", "next_try_at"))

    def _wait(self, moving: list[tuple[str, datetime | None]]) -> None:
        """Let some time pass, or all of it in which nothing would happen."""
        clock = self.world.clock
        clock.wait(self.chance.choice((1, 2, 5, 15, 40, 90)))
        times = [moment for _, moment in moving if moment]
        if len(times) == len(moving) and min(times) > clock.now():
            clock.wait((min(times) - clock.now()).total_seconds())

    def _worker(self) -> None:
        """Work as one process does, which may end anywhere."""
        try:
            teller = self._take(f"worker {self.workers}")
            if teller is None:
                return
            for uuid in engine.due(teller, self.world.clock.now()):
                while engine.step(uuid, teller, self.world.clock.now()):
                    self._maybe_crash()
            if self.chance.random() < 0.1:
                engine.tidy(teller, self.world.clock.now())
        except Crash:
            self.crashes += 1
            self.workers += 1
        except LeaseLost:
            self.workers += 1

    def _maybe_crash(self) -> None:
        if self.chance.random() < self.crash_odds:
            raise Crash

    def _overtake(self) -> None:
        """Another process finds the lease run out, in the middle of a call of ours."""
        self.world.clock.wait(LEASE_SECONDS + self.chance.choice((1, 30, 200)))
        self.workers += 1
        try:
            teller = self._take(f"worker {self.workers}")
            if teller is not None:
                for _ in range(self.chance.randint(1, 4)):
                    engine.work(teller, self.world.clock.now())
                    self.world.clock.wait(6)
        except Crash:
            self.crashes += 1
            self.workers += 1

    def _take(self, holder: str) -> leases.Teller | None:
        return leases.take(
            self.world.network,
            self.world.wallet,
            holder=holder,
            now=self.world.clock.now(),
            seconds=LEASE_SECONDS,
        )

    def _treasurer(self, moving: list[tuple[str, datetime | None]]) -> None:
        now, (staff, _) = self.world.clock.now(), self.world.staff
        if self.chance.random() < self.stop_odds:
            controls.stop(Stop.Kind.KILL_SWITCH, reason="chaos", now=now, actor=staff)
        if self.chance.random() < 0.2:
            for stop in queries.open_stops():
                controls.lift(stop, actor=staff, now=now)
        in_review = any(status == Status.NEEDS_REVIEW for status, _ in moving)
        if self.chance.random() < 0.3 and in_review:
            for row in queries.queue().filter(status=Status.NEEDS_REVIEW):
                self._review(row)

    def _review(self, row: Payout) -> None:
        now, (staff, _) = self.world.clock.now(), self.world.staff
        self.reviews[row.pk] = self.reviews.get(row.pk, 0) + 1
        envelope = queries.envelope_of(row)
        landed = envelope is not None and envelope.fate == envelope.Fate.LANDED
        decide = reviews.look_again
        if self.reviews[row.pk] > 3 and row.payment_id and not landed:
            decide = reviews.give_back
        try:
            decide(row.uuid, staff, reason="chaos", now=now)
        except Crash:
            self.crashes += 1

    def _settle(self) -> None:
        """Let everything that is still under way at Pi arrive, and tidy up."""
        self.world.simulator.script.faults.clear()
        self.world.transport.overtakings.clear()
        self.world.commits_to_crash.clear()
        now = self.world.clock
        for _ in range(3):
            now.wait(600)
            for stop in queries.open_stops():
                controls.lift(stop, actor=self.world.staff[0], now=now.now())
            self.world.simulator.chain.land_pending()
            teller = self._take("the last")
            if teller is not None:
                engine.tidy(teller, now.now())

    # --- Judging

    def judge(self, result: Result) -> None:
        rows = self._rows()
        compare(self.world.simulator, rows, result)
        result.crashes = self.crashes
        result.trace = [*self.world.simulator.script.log, *self._events(rows)]

    def _events(self, rows: list[Payout]) -> list[str]:
        numbers = {row.pk: number for number, row in enumerate(rows)}
        return [
            f"{event.created:%H:%M:%S} payout {numbers[event.payout_id]}:"
            f" {event.from_status} → {event.to_status} {event.reason}"
            for event in PayoutEvent.objects.order_by("id")
        ]

    def _rows(self) -> list[Payout]:
        ids = [row.pk for row in self.world.payouts]
        return list(
            Payout.objects.filter(pk__in=ids)
            .select_related("person", "account")
            .order_by("id")
        )


def compare(simulator: Simulator, rows: Sequence[Payout], result: Result) -> None:
    """Compare every payout with the chain, and the ledger with the wallet."""
    for row in rows:
        debits = sum(
            len(simulator.debits(payment.identifier))
            for payment in simulator.state.payments.values()
            if payment.metadata.get("payout_id") == str(row.uuid)
        )
        result.double_paid += max(debits - 1, 0)
        result.stuck += row.status not in FINAL
        if debits != (row.status == Status.COMPLETED):
            result.drift += row.amount
    pi_out = Account.objects.get(pk=pi_out_account().pk)
    result.drift += abs(-pi_out.balance - simulator.balance(OUTGOING.public_key))
    result.drift += Account.objects.get(pk=in_flight_account().pk).balance
    result.drift += len(list(ledger_problems()))
    result.stuck += sum(row.is_open for row in simulator.state.payments.values())
    result.wrong_cancels += len(simulator.cancelled_though_landed())
    result.payouts = len(rows)
    result.completed = sum(row.status == Status.COMPLETED for row in rows)
