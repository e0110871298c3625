"""Who may take out how much from which account, and to which Pi account it goes."""

from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from accounts import pi_app
from accounts import queries as people
from accounts.errors import EvidenceNeeded
from accounts.models import Person
from rewards import limits, money
from rewards.errors import PayoutRefused
from rewards.models import Account, Payout
from rewards.payouts import queries, rules


def check_limits(
    person: Person,
    account: Account,
    amount: int,
    *,
    now: datetime,
    but: Payout | None = None,
) -> None:
    """Raise PayoutRefused or EvidenceNeeded for what the rules do not allow.

    ``but`` is a payout that is looked at again, and is not counted twice.
    """
    check_owner(person, account)
    settings = rules.current()
    if account.organization is not None:
        _check_refund(person, account, amount, but=but)
        return
    why = limits.refusal(
        amount,
        level=person.level,
        taken=queries.taken_since(account, now - timedelta(hours=24), but=but),
        rules=settings,
    )
    if why is None:
        return
    if why is limits.Refusal.LEVEL_TOO_LOW:
        raise EvidenceNeeded
    sentence = {
        limits.Refusal.TOO_SMALL: _("The smallest payout is %(pi)s Pi.")
        % {"pi": money.to_text(settings.minimum)},
        limits.Refusal.DAILY_LIMIT: _("You can take out %(pi)s Pi in 24 hours.")
        % {"pi": money.to_text(limits.daily_limit(person.level, settings))},
    }[why]
    raise PayoutRefused(sentence, why)


def check_owner(person: Person, account: Account) -> None:
    own = account.kind == Account.Kind.AVAILABLE and account.person_id == person.pk
    managed = (
        account.kind == Account.Kind.ORGANIZATION
        and account.organization is not None
        and people.is_manager(person, account.organization)
    )
    if not own and not managed:
        raise PayoutRefused(_("This is not your account."), "not_your_account")


def _check_refund(
    person: Person, account: Account, amount: int, *, but: Payout | None
) -> None:
    """A client's money goes back to who paid it in, and no more than that."""
    assert account.organization is not None
    if amount < max(rules.current().minimum, 1):
        raise PayoutRefused(
            _("The smallest payout is %(pi)s Pi.")
            % {"pi": money.to_text(rules.current().minimum)},
            limits.Refusal.TOO_SMALL,
        )
    left = queries.returnable(
        account.organization,
        person,
        network=pi_app.network(),
        uid=recipient(person),
    )
    if but is not None:
        left += but.amount
    if amount > left:
        raise PayoutRefused(
            _("You can take back what you paid in yourself: %(pi)s Pi.")
            % {"pi": money.to_text(max(left, 0))},
            "not_the_depositor",
        )


def recipient(person: Person) -> str:
    uid = queries.uid_of(person, pi_app.network())
    if uid is None:
        raise PayoutRefused(
            _("Sign in with Pi first, so that we know which wallet is yours."),
            "no_pi_account",
        )
    return uid
