"""Reads of one account as its owner sees it: lines, running balance, what each paid."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from itertools import islice

from django.db.models import Max, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import Http404

from accounts.models import Person, User
from accounts.queries import organizations_of
from rewards.models import Account, Transfer
from rewards.money import to_text

LINES_PER_PAGE = 50
CHUNK = 2_000
Kind = Account.Kind
PERSONAL = (Kind.PENDING, Kind.AVAILABLE, Kind.OWED)
OF_CLIENTS = (Kind.ORGANIZATION, Kind.ESCROW, Kind.APPEALS)
COLUMNS = ("time", "kind", "amount_pi", "balance_pi", "for", "transfer")


@dataclass(frozen=True)
class Line:
    """One transfer, seen from the account: ``amount`` is what it added."""

    id: int
    created: datetime
    kind: Transfer.Kind
    amount: int
    balance: int  # after it
    group: str
    key: str


@dataclass(frozen=True)
class Page:
    """A page of lines, newest first; ask again with ``before=next_before``."""

    lines: list[Line]
    next_before: int | None


def accounts_for(user: User) -> QuerySet[Account]:
    """Return the accounts whose statements this user may read.

    People read their own, members their organization's wallet and projects, and who
    may view accounts in the staff pages reads all.
    """
    if user.is_staff and user.has_perm("rewards.view_account"):
        return Account.objects.all()
    person = user.person
    if person is None:
        return Account.objects.none()
    return Account.objects.filter(_own(person))


def _own(person: Person) -> Q:
    mine = Q(person=person, kind__in=PERSONAL)
    ours = Q(organization__in=organizations_of(person), kind__in=OF_CLIENTS)
    return mine | ours


def own_accounts(person: Person) -> QuerySet[Account]:
    """Return the accounts to choose from, with their owners."""
    return (
        Account.objects.filter(_own(person))
        .select_related("organization")
        .order_by("organization", "pk")
    )


def account_for(user: User, code: str) -> Account:
    """Return an account whose statement this user may read. Raises Http404."""
    account = accounts_for(user).filter(code=code).first()
    if account is None:
        raise Http404
    return account


def page_of(account: Account, *, before: int | None = None) -> Page:
    """Return a page with the balance after each line, by four statements at any depth.

    The account's balance and what came since are read in one statement, so that a
    transfer that is posted meanwhile cannot shift the lines: an account's transfers are
    posted under its lock, so their ids are in the order of their commits.
    """
    balance, before = _anchor(account, before)
    sides = (
        Transfer.objects.filter(**{side: account}, pk__lt=before).order_by("-pk")
        for side in ("debit", "credit")
    )
    newest = merge(
        *(side[: LINES_PER_PAGE + 1] for side in sides),
        key=lambda transfer: -transfer.pk,
    )
    transfers = list(islice(newest, LINES_PER_PAGE + 1))
    lines = []
    for transfer in transfers[:LINES_PER_PAGE]:
        line = _line(transfer, account, balance)
        lines.append(line)
        balance -= line.amount
    more = len(transfers) > LINES_PER_PAGE
    return Page(lines, lines[-1].id if more else None)


def _anchor(account: Account, before: int | None) -> tuple[int, int]:
    """Return the balance just before a transfer's id, and that id."""
    debits = Transfer.objects.filter(debit=OuterRef("pk")).order_by().values("debit")
    credited = (
        Transfer.objects.filter(credit=OuterRef("pk")).order_by().values("credit")
    )
    row = Account.objects.filter(pk=account.pk)
    if before is None:
        now = row.annotate(
            last_in=Coalesce(Subquery(credited.annotate(n=Max("pk")).values("n")), 0),
            last_out=Coalesce(Subquery(debits.annotate(n=Max("pk")).values("n")), 0),
        ).get()
        return now.balance, max(now.last_in, now.last_out) + 1
    then = row.annotate(
        since_in=Coalesce(
            Subquery(
                credited.filter(pk__gte=before).annotate(n=Sum("amount")).values("n")
            ),
            0,
        ),
        since_out=Coalesce(
            Subquery(
                debits.filter(pk__gte=before).annotate(n=Sum("amount")).values("n")
            ),
            0,
        ),
    ).get()
    return then.balance - then.since_in + then.since_out, before


def _line(transfer: Transfer, account: Account, balance: int) -> Line:
    out = transfer.debit_id == account.pk
    return Line(
        id=transfer.pk,
        created=transfer.created,
        kind=Transfer.Kind(transfer.kind),
        amount=-transfer.amount if out else transfer.amount,
        balance=balance,
        group=transfer.group,
        key=transfer.key,
    )


def csv_of(account: Account) -> Iterator[str]:
    """Yield the whole statement as CSV, oldest first, in pieces."""
    writer = csv.writer(_Lines())
    transfers = Transfer.objects.filter(Q(debit=account) | Q(credit=account)).order_by(
        "pk"
    )
    yield writer.writerow(COLUMNS)
    rows, balance = transfers.iterator(CHUNK), 0
    while chunk := list(islice(rows, CHUNK)):
        text = []
        for transfer in chunk:
            line = _line(transfer, account, 0)
            balance += line.amount
            text.append(writer.writerow(_cells(line, balance)))
        yield "".join(text)


def _cells(line: Line, balance: int) -> list[str]:
    # The amounts are numbers of ours: "-1.5" is no formula, and stays a number.
    return [
        line.created.isoformat(),
        line.kind.value,
        to_text(line.amount),
        to_text(balance),
        _safe(line.group),
        _safe(line.key),
    ]


def _safe(text: str) -> str:
    """Keep a spreadsheet from taking a text for a formula."""
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text


class _Lines:
    """Hands each written row back instead of keeping it."""

    def write(self, text: str) -> str:
        return text
