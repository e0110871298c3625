"""Laws of statements: the balance runs, owners alone read, no text is a formula."""

import csv
import io
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import actions as accounts_actions
from accounts.models import Membership, User
from rewards import ledger, releases, statements
from rewards.models import Account
from rewards.money import parse
from tests.rewards.books import LATER, REWARD, new_books, new_person

pytestmark = pytest.mark.django_db


def browser_of(person: Any) -> Client:
    browser = Client()
    browser.force_login(User.objects.get(person=person))
    return browser


def page(browser: Client, code: str, query: str = "", status: int = 200) -> str:
    reply = browser.get(f"/statements/{code}/{query}")
    assert reply.status_code == status
    return reply.content.decode()


def rows(browser: Client, code: str) -> list[list[str]]:
    reply = browser.get(f"/statements/{code}/csv/")
    assert reply.streaming
    return list(csv.reader(io.StringIO(b"".join(reply.streaming_content).decode())))


def test_each_line_carries_the_balance_after_it() -> None:
    books, person = new_books(), new_person()
    books.pay(person)
    books.pay(person, reward=500)
    releases.release_due(LATER)
    pending = ledger.pending_account(person)
    lines = statements.page_of(pending).lines
    assert [(line.amount, line.balance) for line in lines] == [
        (-500, 0),
        (-REWARD, 500),
        (500, 1_500),
        (REWARD, REWARD),
    ]


def test_pages_join_without_a_gap_at_a_constant_cost(monkeypatch: Any) -> None:
    monkeypatch.setattr(statements, "LINES_PER_PAGE", 4)
    books, person = new_books(), new_person()
    for reward in range(1, 12):
        books.pay(person, reward=reward)
    seen, counts, before = [], set(), None
    while True:
        with CaptureQueriesContext(connection) as queries:
            found = statements.page_of(books.escrow, before=before)
        seen += found.lines
        counts.add(len(queries))
        before = found.next_before
        if before is None:
            break
    assert len(counts) == 1
    assert len(seen) == 1 + 2 * 11
    for newer, older in pairwise(seen):
        assert newer.balance == older.balance + newer.amount
        assert newer.id > older.id
    assert seen[-1].balance == seen[-1].amount
    books.escrow.refresh_from_db()
    assert seen[0].balance == books.escrow.balance


def test_csv_is_the_whole_statement_oldest_first() -> None:
    books, person = new_books(), new_person()
    books.pay(person)
    header, *lines = rows(browser_of(books.owner), books.escrow.code)
    assert header == list(statements.COLUMNS)
    assert [line[1] for line in lines] == ["fund", "answer", "fee"]
    assert parse(lines[0][2]) == parse(lines[0][3]) == 1_000_000
    assert lines[1][2] == "-0.0001"
    assert parse(lines[-1][3]) == 1_000_000 - 1_100


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1"])
def test_no_cell_of_text_is_a_formula(text: str) -> None:
    assert statements._safe(text) == f"'{text}"
    assert statements._safe("task:1") == "task:1"


def test_people_read_their_own_accounts_and_no_others() -> None:
    books, person, other = new_books(), new_person(), new_person()
    books.pay(person)
    code = ledger.pending_account(person).code
    assert "Accepted answer" in page(browser_of(person), code)
    page(browser_of(other), code, status=404)
    page(browser_of(other), books.escrow.code, status=404)
    assert browser_of(other).get(f"/statements/{code}/csv/").status_code == 404
    assert Client().get(f"/statements/{code}/").status_code == 302


def test_members_read_the_wallet_and_the_escrows_but_not_the_fees() -> None:
    books, member = new_books(), new_person()
    Membership.objects.create(
        person=member, organization=books.organization, role="viewer"
    )
    browser = browser_of(member)
    listed = browser.get("/statements/").content.decode()
    for account in (books.wallet, books.escrow):
        page(browser, account.code)
        assert account.code in listed
    page(browser, books.fees.code, status=404)
    assert books.fees.code not in listed


def test_a_treasurer_reads_every_account() -> None:
    books, person = new_books(), new_person()
    books.pay(person)
    user = User.objects.get(person=new_person())
    user.is_staff = True
    user.save()
    accounts_actions.give_role(
        user, role="treasurer", permissions=["rewards.view_account"]
    )
    browser = browser_of(user.person)
    for account in Account.objects.all():
        page(browser, account.code)


def test_a_line_leads_to_what_it_paid() -> None:
    books, person = new_books(), new_person()
    books.pay(person)
    mine = page(browser_of(person), ledger.pending_account(person).code)
    assert 'href="/earn/answers/"' in mine
    theirs = page(browser_of(books.owner), books.escrow.code)
    assert f'href="/projects/{books.project}/"' in theirs


def test_an_odd_page_number_is_no_error() -> None:
    books = new_books()
    browser = browser_of(books.owner)
    for query in ("?before=x", "?before=-1", "?before=" + "9" * 40, "?before=1"):
        page(browser, books.escrow.code, query)
