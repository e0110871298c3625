"""What a person may take out now; what is missing, and how to mend it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.urls import reverse
from django.utils.translation import gettext as _

from accounts import pi_app
from accounts import queries as people
from accounts.actions import WALLET_SCOPE
from accounts.models import Person, PiIdentity
from rewards import limits
from rewards.models import Account, Payout
from rewards.payouts import controls, queries, rules


@dataclass(frozen=True, kw_only=True)
class Missing:
    """Something that stands in the way; ``link`` leads to where it is mended."""

    words: str
    link: str = ""
    link_words: str = ""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A person's money and limits, in 1e-7 Pi."""

    account: Account | None
    pending: int
    owed: int
    identity: PiIdentity | None
    level: int
    minimum: int
    fee: int
    daily: int
    left_today: int
    open_payout: Payout | None
    missing: Sequence[Missing]
    stopped: bool

    @property
    def free(self) -> int:
        return self.account.available if self.account else 0

    @property
    def held(self) -> int:
        return self.account.held if self.account else 0

    @property
    def most(self) -> int:
        """Return the most that can be asked for now; 0 when nothing can."""
        most = min(self.free, self.left_today)
        blocked = self.missing or self.open_payout or most < self.minimum
        return 0 if blocked else most


def standing_of(person: Person, now: datetime) -> Standing:
    accounts = {row.kind: row for row in Account.objects.filter(person=person)}
    account = accounts.get(Account.Kind.AVAILABLE)
    current = rules.current()
    daily = limits.daily_limit(person.level, current)
    day = now - timedelta(hours=24)
    taken = queries.taken_since(account, day) if account else 0
    identity = people.pi_identity_of(person, pi_app.network())
    return Standing(
        account=account,
        pending=_balance(accounts.get(Account.Kind.PENDING)),
        owed=-_balance(accounts.get(Account.Kind.OWED)),
        identity=identity,
        level=person.level,
        minimum=max(current.minimum, 1),
        fee=limits.NETWORK_FEE,
        daily=daily,
        left_today=max(daily - taken, 0),
        open_payout=queries.open_payout(account) if account else None,
        missing=_missing(identity, daily),
        stopped=bool(controls.why_stopped()),
    )


def _missing(identity: PiIdentity | None, daily: int) -> list[Missing]:
    found = []
    if identity is None:
        found.append(
            Missing(
                words=_("We do not know your Pi account yet, so we cannot pay you."),
                link=reverse("confirm_identity"),
                link_words=_("Join my Pi account"),
            )
        )
    elif WALLET_SCOPE not in identity.scopes:
        found.append(
            Missing(
                words=_(
                    "You have not allowed us to see your wallet's address. Without it"
                    " Pi refuses the payment. Sign in with Pi once more and allow it."
                ),
                link=reverse("confirm_identity"),
                link_words=_("Sign in with Pi again"),
            )
        )
    if daily == 0:
        found.append(
            Missing(
                words=_(
                    "Before your first payout a member of our staff confirms that you"
                    " are one real person. You keep what you earn until then."
                )
            )
        )
    return found


def _balance(account: Account | None) -> int:
    return account.balance if account else 0
