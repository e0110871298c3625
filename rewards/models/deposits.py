"""Pi coming in: one row for each payment from a client to us."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization, Person


class Deposit(models.Model):
    """Pi paid by a client into the platform, as one Pi payment."""

    class Status(models.TextChoices):
        CREATED = "created", _("waiting for payment")  # -> completed | cancelled
        COMPLETED = "completed", _("completed")  # the transfer deposit:{uuid} exists
        CANCELLED = "cancelled", _("cancelled")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT)
    payer = models.ForeignKey(Person, on_delete=models.PROTECT)
    amount = models.BigIntegerField()
    network = models.CharField(max_length=16)
    txid = models.CharField(max_length=80, null=True, unique=True)
    status = models.CharField(
        max_length=10, choices=Status, default=Status.CREATED, db_index=True
    )
    created = models.DateTimeField(auto_now_add=True)
    completed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gt=0), name="deposit_amount_positive"
            ),
            models.CheckConstraint(
                condition=~Q(status="completed")
                | Q(completed_at__isnull=False, txid__isnull=False),
                name="deposit_completed_has_transaction",
            ),
        ]

    def __str__(self) -> str:
        return f"deposit {self.uuid.hex[:8]} ({self.status})"
