"""Pi coming in: one row for each payment from a client to us."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization, Person


class Deposit(models.Model):
    """Pi paid by a client into the platform, as one Pi payment."""

    class Status(models.TextChoices):
        # -> approving | cancelled: our own row, of which Pi knows nothing yet
        CREATED = "created", _("waiting for payment")
        # -> approved | completing | cancelled: Pi's payment is known and was checked
        APPROVING = "approving", _("being approved")
        # -> completing | cancelled: the payer may sign it in their wallet
        APPROVED = "approved", _("waiting for your wallet")
        # -> completed | approved (that was not its transaction) | cancelled | refused
        COMPLETING = "completing", _("being verified")
        COMPLETED = "completed", _("completed")  # the transfer deposit:{uuid} exists
        CANCELLED = "cancelled", _("cancelled")
        REFUSED = "refused", _("being checked")  # Pi contradicts itself: staff look

    # What the sweep asks Pi about.
    IN_DOUBT = (Status.APPROVING, Status.APPROVED, Status.COMPLETING)

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT)
    payer = models.ForeignKey(Person, on_delete=models.PROTECT)
    amount = models.BigIntegerField()
    network = models.CharField(max_length=16)  # PI_BACKEND at the start
    uid = models.CharField(max_length=64, blank=True)  # the payer's at Pi, at the start
    payment_id = models.CharField(max_length=64, null=True, unique=True)  # Pi's
    txid = models.CharField(max_length=80, null=True, unique=True)
    status = models.CharField(
        max_length=10, choices=Status, default=Status.CREATED, db_index=True
    )
    refusal = models.CharField(max_length=40, blank=True)  # a code of ours or of Pi's
    created = models.DateTimeField(default=timezone.now)
    moved_at = models.DateTimeField(default=timezone.now)  # when the status changed
    looked_at = models.DateTimeField(null=True)  # when the sweep last asked Pi
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
            models.CheckConstraint(
                condition=~Q(status__in=["approving", "approved", "completing"])
                | Q(payment_id__isnull=False),
                name="deposit_in_doubt_has_payment",
            ),
            models.CheckConstraint(
                condition=~Q(status="completing") | Q(txid__isnull=False),
                name="deposit_completing_has_transaction",
            ),
        ]

    def __str__(self) -> str:
        return f"deposit {self.uuid.hex[:8]} ({self.status})"
