"""What a treasurer is shown before deciding: each check done, in words."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from rewards import limits
from rewards.models import Account, Payout, Transfer
from rewards.money import to_text
from rewards.payouts import queries, rules
from rewards.payouts.transitions import HELD

YOUNG = timedelta(days=7)
RECENT = timedelta(days=30)


@dataclass(frozen=True, kw_only=True)
class Check:
    words: str
    found: str
    tone: str  # ok | look | bad


def checks_of(payout: Payout, now: datetime) -> list[Check]:
    """Return what speaks for and against a payout now."""
    found = [_account(payout), _pi_account(payout), _wallet(payout)]
    if payout.organization_id is None:
        found += [_level(payout), _limit(payout, now)]
    return [*found, _first(payout), *_history(payout, now), _age(payout, now)]


def worst(checks: list[Check]) -> str:
    tones = {check.tone for check in checks}
    return "bad" if "bad" in tones else "look" if "look" in tones else "ok"


def _check(words: str, found: str, *, ok: bool, otherwise: str = "bad") -> Check:
    return Check(words=words, found=found, tone="ok" if ok else otherwise)


def _account(payout: Payout) -> Check:
    account = payout.account
    held = payout.status not in HELD or account.held >= payout.amount
    return _check(
        _("The account covers it"),
        _("balance %(balance)s Pi, of it %(held)s Pi on hold")
        % {"balance": to_text(account.balance), "held": to_text(account.held)},
        ok=held and account.available >= 0,
    )


def _pi_account(payout: Payout) -> Check:
    same = queries.uid_of(payout.person, payout.network) == payout.uid
    found = _("the same as at the asking") if same else _("another one since")
    return _check(_("Pi account"), found, ok=same)


def _wallet(payout: Payout) -> Check:
    words = _("Wallet of one person")
    if not payout.to_address:
        return Check(words=words, found=_("Pi has not named it yet"), tone="ok")
    shared = queries.is_anothers_wallet(payout, payout.to_address)
    found = _("already paid as another person's") if shared else payout.to_address
    return _check(words, found, ok=not shared)


def _level(payout: Payout) -> Check:
    level = payout.person.level
    return _check(_("Evidence level"), str(level), ok=level >= limits.TRUSTED_LEVEL)


def _limit(payout: Payout, now: datetime) -> Check:
    most = limits.daily_limit(payout.person.level, rules.current())
    day = now - timedelta(hours=24)
    taken = queries.taken_since(payout.account, day, but=payout) + payout.amount
    return _check(
        _("Limit in 24 hours"),
        _("%(taken)s of %(most)s Pi")
        % {"taken": to_text(taken), "most": to_text(most)},
        ok=taken <= most,
    )


def _first(payout: Payout) -> Check:
    before = queries.was_paid_before(payout.person, payout.uid)
    found = _("was paid here before") if before else _("the first to this Pi account")
    return _check(_("First payout"), found, ok=before, otherwise="look")


def _history(payout: Payout, now: datetime) -> Iterator[Check]:
    reversals = Transfer.objects.filter(
        kind=Transfer.Kind.REVERSAL,
        debit__person=payout.person_id,
        created__gt=now - RECENT,
    ).count()
    yield _check(
        _("Reversals in 30 days"), str(reversals), ok=not reversals, otherwise="look"
    )
    owed = Account.objects.filter(
        person=payout.person_id, kind=Account.Kind.OWED
    ).first()
    debt = -owed.balance if owed else 0
    yield _check(_("Owes us"), f"{to_text(debt)} Pi", ok=debt == 0, otherwise="look")


def _age(payout: Payout, now: datetime) -> Check:
    age = now - payout.person.created
    return _check(
        _("Age of the account"),
        _("%(days)d days") % {"days": age.days},
        ok=age >= YOUNG,
        otherwise="look",
    )
