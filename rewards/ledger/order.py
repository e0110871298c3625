"""Which transfers are final, and how far each sweep along them has come."""

from django.db import OperationalError, connection, transaction
from django.db.models import Max

from rewards.models import Cursor, Transfer

PATIENCE = "500ms"


def last_final_id() -> int:
    """Return an id below which no transfer can appear any more.

    On PostgreSQL a transaction may take an id now and commit it after a higher one. A
    lock on the table that no writer shares is granted when the writers in flight are
    done and before new ones begin: what is the last id at that moment stays above no
    gap. Writers post last, so this takes as long as a commit; if one takes longer,
    nothing is said to be final this time. SQLite has one writer at a time anyway.
    """
    try:
        with transaction.atomic():
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    cursor.execute(f"SET LOCAL lock_timeout = '{PATIENCE}'")
                    cursor.execute("LOCK TABLE rewards_transfer IN SHARE MODE")
                    cursor.execute("SET LOCAL lock_timeout TO DEFAULT")
            return Transfer.objects.aggregate(last=Max("pk"))["last"] or 0
    except OperationalError:
        return 0


def locked_cursor(name: str) -> Cursor | None:
    """Lock a sweep's cursor, or return None: the same sweep is running elsewhere."""
    Cursor.objects.get_or_create(name=name)
    return Cursor.objects.select_for_update(skip_locked=True).filter(name=name).first()


def position_of(name: str) -> int:
    """Return the last transfer that a sweep is done with."""
    return (
        Cursor.objects.filter(name=name).values_list("position", flat=True).first() or 0
    )
