"""Laws of the chain: what is sealed cannot be changed without being found."""

import threading
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from rewards import blocks, ledger, triggers
from rewards.models import LedgerBlock, Transfer
from tests.rewards.books import THEN, Books, move, new_books, new_person

pytestmark = pytest.mark.django_db
SOON = THEN + timedelta(minutes=11)


def sealed(*, size: int = 4) -> Books:
    """Return books of which every block but the last has ``size`` transfers."""
    blocks.BLOCK_TRANSFERS = size
    books, person = new_books(), new_person()
    for _ in range(4):
        books.pay(person)
    blocks.seal_due(SOON)
    return books


@pytest.fixture(autouse=True)
def _block_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK_TRANSFERS", 10_000)


def verified(*arguments: str) -> str:
    out = StringIO()
    call_command("verify_chain", *arguments, stdout=out)
    return out.getvalue()


def refused(*arguments: str) -> str:
    errors = StringIO()
    with pytest.raises(CommandError) as found:
        call_command("verify_chain", *arguments, stderr=errors)
    assert found.value.returncode == 1
    return f"{found.value} {errors.getvalue()}"


def tamper(change: Callable[[], Any]) -> None:
    """Do what only the database's owner can: without the guard."""
    triggers.remove(connection)
    change()
    triggers.install(connection)


def test_transfers_are_sealed_in_chained_blocks() -> None:
    sealed()
    first, second, third = LedgerBlock.objects.order_by("number")
    assert [first.count, second.count, third.count] == [4, 4, 2]
    assert first.previous == blocks.NOTHING
    assert (second.previous, third.previous) == (first.hash, second.hash)
    assert "10 transfers in 3 blocks, 0 not sealed" in verified()
    assert third.hash in verified()


def test_young_transfers_wait_and_sealing_again_makes_nothing() -> None:
    books = sealed()
    books.pay(new_person(), at=SOON)
    assert blocks.seal_due(SOON) == 0
    assert "2 not sealed" in verified()
    assert blocks.seal_due(SOON + timedelta(minutes=11)) == 1


def test_many_transfers_are_sealed_without_waiting() -> None:
    books = sealed(size=2)
    books.pay(new_person(), at=SOON)
    assert blocks.seal_due(SOON) == 1


def test_the_database_itself_refuses_to_change_a_block() -> None:
    sealed()
    for call in (
        lambda: LedgerBlock.objects.update(hash="0" * 64),
        lambda: LedgerBlock.objects.all()._raw_delete(connection.alias),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            call()


@pytest.mark.parametrize(
    "change",
    [
        {"amount": 999},
        {"key": "decision:other"},
        {"group": "task:other"},
        {"kind": "fund"},
        {"created": THEN + timedelta(microseconds=1)},
    ],
)
def test_a_changed_transfer_is_named_with_its_block(change: dict[str, Any]) -> None:
    sealed()
    pk = Transfer.objects.order_by("id")[5].pk
    tamper(lambda: Transfer.objects.filter(pk=pk).update(**change))
    said = refused()
    assert "Block 2" in said
    assert f"transfer {pk} was changed" in said
    assert said.count("transfer") == 1


def test_an_account_renamed_is_found() -> None:
    books = sealed()
    books.escrow.code = "project:mine:escrow"
    tamper(books.escrow.save)
    assert "Block 1" in refused()


def test_a_removed_transfer_is_named() -> None:
    sealed()
    pk = Transfer.objects.order_by("id")[2].pk
    tamper(lambda: Transfer.objects.filter(pk=pk)._raw_delete(connection.alias))
    said = refused()
    assert "Block 1" in said
    assert f"transfer {pk} is missing" in said


def test_a_transfer_slipped_in_is_named() -> None:
    books = sealed()
    third = Transfer.objects.order_by("id")[2].pk
    new = move(ledger.pi_in_account(), books.escrow, 5)

    def slip_in() -> None:
        Transfer.objects.filter(pk=third)._raw_delete(connection.alias)
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE rewards_transfer SET id = %s WHERE id = %s", [third, new.pk]
            )

    tamper(slip_in)
    assert f"transfer {third} was changed" in refused()


def test_a_removed_block_and_a_changed_block_are_named() -> None:
    sealed()
    second = LedgerBlock.objects.filter(number=2)
    tamper(lambda: second.update(hash="1" * 64))
    assert "Block 2" in refused()
    tamper(lambda: second._raw_delete(connection.alias))
    assert "block 2 is missing" in refused()


def test_a_chain_made_anew_does_not_have_the_noted_hash() -> None:
    sealed()
    noted = LedgerBlock.objects.get(number=1).hash
    assert "The chain is whole" in verified("--noted", noted)

    def forge() -> None:
        Transfer.objects.order_by("id").filter(amount=1_000).update(amount=999)
        Transfer.objects.order_by("id").filter(amount=1_000_000).update(amount=9)
        LedgerBlock.objects.all()._raw_delete(connection.alias)

    tamper(forge)
    blocks.seal_due(SOON)
    assert "The chain is whole" in verified()
    assert "made anew" in refused("--noted", noted)


@pytest.mark.django_db(transaction=True)
def test_a_lower_id_that_commits_later_is_never_left_out() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time: ids commit in their order")
    books, person = new_books(), new_person()
    ledger.pending_account(person)
    posted, go_on = threading.Event(), threading.Event()

    def slow_writer() -> None:
        try:
            with transaction.atomic():
                books.pay(person)
                posted.set()
                go_on.wait(10)
        finally:
            connection.close()

    writer = threading.Thread(target=slow_writer)
    writer.start()
    posted.wait(10)
    other = new_books()  # takes higher ids and commits before
    try:
        assert blocks.seal_due(SOON) == 0  # waited a moment; nothing is final
    finally:
        go_on.set()
        writer.join()
    assert blocks.seal_due(timezone.now()) == 1
    assert LedgerBlock.objects.get().count == Transfer.objects.count() == 6
    assert other.escrow.pk
    assert "The chain is whole" in verified()
