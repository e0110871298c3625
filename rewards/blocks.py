"""The chain of blocks: transfers under hashes, so that a change of the past shows.

Triggers refuse to change a transfer, but whoever owns the database can take triggers
off. A block's hash covers its transfers and the block before it: one noted hash (the
last one, kept elsewhere) proves everything up to it.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction

from rewards import ledger
from rewards.models import LedgerBlock, Transfer

BLOCK_TRANSFERS = 10_000  # the most in a block; so many that wait are sealed at once
BLOCK_AGE = timedelta(minutes=10)  # a transfer waits no longer to be sealed
NOTHING = "0" * 64  # stands before the first block
MARK = 8  # bytes of a transfer's id, and of its hash
FIELDS = (
    "id",
    "key",
    "debit__code",
    "credit__code",
    "amount",
    "kind",
    "group",
    "reverses",
    "created",
)


def seal_due(now: datetime) -> int:
    """Seal what has waited long enough; return how many blocks were made."""
    final, made = ledger.last_final_id(), 0
    while _seal_next(final, now):
        made += 1
    return made


@transaction.atomic
def _seal_next(final: int, now: datetime) -> LedgerBlock | None:
    if ledger.locked_cursor("blocks") is None:
        return None
    before = LedgerBlock.objects.order_by("-number").first()
    waiting = Transfer.objects.filter(
        pk__gt=before.last_id if before else 0, pk__lte=final
    )
    rows = list(waiting.order_by("pk").values_list(*FIELDS)[:BLOCK_TRANSFERS])
    if not rows or (len(rows) < BLOCK_TRANSFERS and rows[0][-1] > now - BLOCK_AGE):
        return None
    digests = [_digest(row) for row in rows]
    number = before.number + 1 if before else 1
    previous = before.hash if before else NOTHING
    return LedgerBlock.objects.create(
        number=number,
        first_id=rows[0][0],
        last_id=rows[-1][0],
        count=len(rows),
        previous=previous,
        hash=_hash(number, previous, digests),
        marks=b"".join(
            _mark(row[0], digest) for row, digest in zip(rows, digests, strict=True)
        ),
    )


def _digest(row: Sequence[Any]) -> bytes:
    """Hash one transfer as a JSON list: the same bytes on every database."""
    *fields, created = row
    text = json.dumps([*fields, created.astimezone(UTC).isoformat()])
    return hashlib.sha256(text.encode()).digest()


def _hash(number: int, previous: str, digests: Sequence[bytes]) -> str:
    whole = hashlib.sha256(f"{number}\n{previous}\n{len(digests)}\n".encode())
    for digest in digests:
        whole.update(digest)
    return whole.hexdigest()


def _mark(pk: int, digest: bytes) -> bytes:
    return pk.to_bytes(MARK, "big") + digest[:MARK]


@dataclass(frozen=True)
class Tampered:
    """The first block that is not what it was, and what can be said about it."""

    number: int
    findings: list[str]


@dataclass(frozen=True)
class Proof:
    """What a walk along the chain found."""

    blocks: int  # that are as they were sealed
    transfers: int  # in these blocks
    last_hash: str
    tampered: Tampered | None
    seen: bool  # whether the hash that was asked for is one of theirs


def verify(*, noted: str = "") -> Proof:
    """Recompute the chain from its first block to the first that is not right.

    ``noted`` is a hash that was written down before: a chain made anew would not have
    it.
    """
    previous, last, count, transfers = NOTHING, 0, 0, 0
    seen = not noted
    for block in LedgerBlock.objects.order_by("number").iterator(chunk_size=1):
        findings = list(
            _findings(block, number=count + 1, previous=previous, since=last)
        )
        if findings:
            tampered = Tampered(count + 1, findings)
            return Proof(count, transfers, previous, tampered, seen)
        previous, last, count = block.hash, block.last_id, count + 1
        transfers += block.count
        seen = seen or previous == noted
    return Proof(count, transfers, previous, None, seen)


def _findings(
    block: LedgerBlock, *, number: int, previous: str, since: int
) -> Iterator[str]:
    """Yield what is wrong with a block, given the block before it."""
    if block.number != number:
        yield f"block {number} is missing"
        return
    if block.previous != previous:
        yield "it does not name the hash of the block before it"
    rows = Transfer.objects.filter(pk__gt=since, pk__lte=block.last_id).order_by("pk")
    digests = {row[0]: _digest(row) for row in rows.values_list(*FIELDS).iterator(2000)}
    if _hash(number, previous, list(digests.values())) == block.hash:
        return
    named = list(_changed(bytes(block.marks), digests))
    yield from named
    if not named:
        yield "its transfers or the block itself were changed; which, cannot be told"


def _changed(marks: bytes, digests: dict[int, bytes]) -> Iterator[str]:
    """Yield which transfers differ from the block's own notes of them."""
    noted = {
        int.from_bytes(marks[at : at + MARK], "big"): marks[at + MARK : at + 2 * MARK]
        for at in range(0, len(marks), 2 * MARK)
    }
    for pk in sorted(noted.keys() | digests.keys()):
        if pk not in digests:
            yield f"transfer {pk} is missing"
        elif pk not in noted:
            yield f"transfer {pk} was added later"
        elif digests[pk][:MARK] != noted[pk]:
            yield f"transfer {pk} was changed"


def unsealed() -> int:
    """Return how many transfers wait to be sealed."""
    last = LedgerBlock.objects.order_by("-number").values_list("last", flat=True)
    return Transfer.objects.filter(pk__gt=last.first() or 0).count()
