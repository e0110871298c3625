"""How a payout is told to its person: steps in words, with times and what to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from rewards import pi_network
from rewards.errors import NetworkUnknown
from rewards.limits import Wait
from rewards.models import Envelope, Payout, PayoutEvent
from rewards.payouts import queries
from rewards.payouts.transitions import FINAL

Status = Payout.Status
# Each step of a person is taken when the payout first comes to one of these.
STEPS: tuple[frozenset[Status], ...] = (
    frozenset({Status.REQUESTED}),
    frozenset({Status.APPROVED}),
    frozenset({Status.RESERVED}),
    frozenset({Status.SUBMITTED}),
    frozenset({Status.COMPLETED}),
)


@dataclass(frozen=True, kw_only=True)
class Step:
    words: str
    state: str  # done | now | later | bad
    at: datetime | None = None
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Told:
    """One payout as its person sees it."""

    payout: Payout
    steps: Sequence[Step]
    advice: str
    link: str
    tone: str  # ok | wait | bad | ""
    can_be_taken_back: bool

    @property
    def is_open(self) -> bool:
        return self.payout.status not in FINAL


def told(payouts: Sequence[Payout]) -> list[Told]:
    """Tell payouts that came with their events and envelopes."""
    return [_told(payout) for payout in payouts]


def _told(payout: Payout) -> Told:
    return Told(
        payout=payout,
        steps=steps_of(payout, sorted(payout.events.all(), key=lambda row: row.pk)),
        advice=queries.advice(payout),
        link=_link(payout),
        tone=_tone(payout),
        can_be_taken_back=queries.can_be_taken_back(payout),
    )


def steps_of(payout: Payout, events: Sequence[PayoutEvent]) -> list[Step]:
    """Return what was done and when, what is happening, and what will follow."""
    reached: dict[int, datetime] = {}
    for event in events:
        for number, statuses in enumerate(STEPS):
            if event.to_status in statuses:
                reached.setdefault(number, event.created)
    over = payout.status in FINAL and payout.status != Status.COMPLETED
    words = _words(payout)
    last = max(_where(payout), 0)
    done = [
        Step(words=words[number], state="done", at=reached.get(number))
        for number in range(len(STEPS))
        if (number in reached if over else number <= last)
    ]
    if over:
        return [*done, _ending(payout, events)]
    if payout.status == Status.COMPLETED:
        return done
    now = Step(words=words[last + 1], state="now", note=_waits(payout))
    later = [Step(words=text, state="later") for text in words[last + 2 :]]
    return [*done, now, *later]


def _words(payout: Payout) -> list[str]:
    checked = _("Approved by the rules") if payout.automatic else _("Checked by staff")
    return [
        _("You asked for it"),
        checked,
        _("Handed to Pi"),
        _("Sent to the chain"),
        _("In your Pi wallet"),
    ]


def _where(payout: Payout) -> int:
    """Return the last step that is done now; an approval that ran out is not."""
    if payout.status in {Status.REQUESTED, Status.PREPARED}:
        return 0
    if payout.status == Status.APPROVED:
        return 1
    if payout.status in {Status.RESERVED, Status.CREATED, Status.SIGNED}:
        return 2
    if payout.status == Status.COMPLETED:
        return 4
    if payout.status == Status.NEEDS_REVIEW:
        return 2
    return 3


def _waits(payout: Payout) -> str:
    if payout.status == Status.NEEDS_REVIEW:
        return _("Our staff are looking at it.")
    if payout.status == Status.PREPARED:
        return _("One member of staff has checked it; a second one is next.")
    if payout.status == Status.REQUESTED:
        return _("Two members of staff look at it, usually within a day.")
    sentences = {
        Wait.STOPPED: _("Payouts are paused. It goes on by itself."),
        Wait.HOURLY_CAP: _("Many payouts leave at this hour. It goes on by itself."),
        Wait.DAILY_CAP: _("Many payouts left today. It goes on tomorrow by itself."),
        Wait.WALLET_FLOOR: _("We are filling our wallet. It goes on by itself."),
        Wait.NO_ANSWER: _("Pi does not answer now. We ask again by ourselves."),
        Wait.OTHER_PAYOUT: _("Another payout is before this one."),
    }
    return sentences.get(Wait(payout.waits_for), "") if _known(payout) else ""


def _known(payout: Payout) -> bool:
    return payout.waits_for in set(Wait)


def _ending(payout: Payout, events: Sequence[PayoutEvent]) -> Step:
    last = events[-1] if events else None
    words = {
        Status.REJECTED: _("Not approved"),
        Status.CANCELLED: _("You took it back"),
        Status.NEEDS_RECIPIENT: _("Your wallet could not receive it"),
        Status.REFUNDED: _("It failed, and the Pi is back"),
    }[Status(payout.status)]
    quiet = payout.status == Status.CANCELLED
    return Step(
        words=words,
        state="done" if quiet else "bad",
        at=payout.finished_at,
        note=last.reason if last and payout.status == Status.REJECTED else "",
    )


def _tone(payout: Payout) -> str:
    if payout.status == Status.COMPLETED:
        return "ok"
    if payout.status == Status.CANCELLED:
        return ""
    return "bad" if payout.status in FINAL else "wait"


def _link(payout: Payout) -> str:
    """Return where its transaction can be seen, once it was sent."""
    landed = [
        row for row in payout.envelope_set.all() if row.fate == Envelope.Fate.LANDED
    ]
    try:
        network = pi_network.backend()
    except NetworkUnknown:
        return ""
    if not landed or network.name != payout.network:
        return ""
    return network.explorer_link(landed[0].hash)
