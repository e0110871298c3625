"""What nodes do: models, nodes, jobs, units, leases, results."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Person
from blobs.models import Blob
from rewards.models import Account, Hold


class Model(models.Model):
    """An ONNX graph with its signed manifest: data that a node runs, never code."""

    digest = models.CharField(max_length=64, unique=True)  # SHA-256 of the manifest
    name = models.CharField(_("name"), max_length=80)
    graph = models.ForeignKey(Blob, on_delete=models.PROTECT)
    manifest = models.TextField()  # canonical JSON, exactly the bytes that were signed
    signature = models.CharField(max_length=128)  # hex Ed25519 over the manifest
    key_id = models.CharField(max_length=16)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("model")

    def __str__(self) -> str:
        return self.name


class PairingCode(models.Model):
    """A one-time code with which an operator brings a node; only its hash is kept."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT)
    digest = models.CharField(max_length=64, unique=True)
    created = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"pairing code of {self.person}"


class Node(models.Model):
    class Status(models.TextChoices):
        ACTIVE = "active", _("active")  # -> quarantined | revoked
        QUARANTINED = "quarantined", _("quarantined")  # -> active | revoked
        REVOKED = "revoked", _("revoked")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    person = models.ForeignKey(Person, on_delete=models.PROTECT)
    name = models.CharField(max_length=80)
    public_key = models.CharField(max_length=64, unique=True)  # hex Ed25519
    status = models.CharField(max_length=12, choices=Status, default=Status.ACTIVE)
    capabilities = models.JSONField(default=dict)
    created = models.DateTimeField(auto_now_add=True)
    seen_at = models.DateTimeField(null=True, db_index=True)

    def __str__(self) -> str:
        return self.name


class Job(models.Model):
    """Run this model on these inputs, paid from this account."""

    class Status(models.TextChoices):
        ACTIVE = "active", _("active")  # -> paused | closing
        PAUSED = "paused", _("paused")  # -> active | closing
        CLOSING = "closing", _("closing")  # no new leases -> closed
        CLOSED = "closed", _("closed")  # no unit is open

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    fee_account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    model = models.ForeignKey(Model, on_delete=models.PROTECT)
    price = models.BigIntegerField()  # 1e-7 Pi for each accepted execution
    fee = models.BigIntegerField()  # 1e-7 Pi beside each price
    replicas = models.PositiveSmallIntegerField(default=2)  # executions that must agree
    tenant = models.CharField(max_length=40, db_index=True)
    status = models.CharField(max_length=8, choices=Status, default=Status.ACTIVE)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(price__gte=0) & Q(fee__gte=0) & Q(replicas__gte=1),
                name="job_amounts_not_negative",
            )
        ]

    def __str__(self) -> str:
        return f"job {self.uuid.hex[:8]}"


class Unit(models.Model):
    """One input of a job; as many leases are open on it as executions are missing."""

    class Status(models.TextChoices):
        OPEN = "open", _("open")  # -> final | disputed | failed | cancelled
        # Nodes disagree or err; we execute it ourselves.
        DISPUTED = "disputed", _("disputed")  # -> final | failed
        FINAL = "final", _("final")
        FAILED = "failed", _("failed")  # the input or the model cannot be run
        CANCELLED = "cancelled", _("cancelled")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    job = models.ForeignKey(Job, on_delete=models.PROTECT)
    # [{"digest": hex, "media_type": …, "size": bytes, "width": …, "height": …}]
    inputs = models.JSONField()
    status = models.CharField(max_length=9, choices=Status, default=Status.OPEN)
    free = models.PositiveSmallIntegerField()  # leases that may still be given
    position = models.BigIntegerField()  # lower is served earlier
    hold = models.OneToOneField(Hold, on_delete=models.PROTECT, null=True)
    output = models.JSONField(null=True)  # the accepted one, in the manifest's form
    reexecuted = models.BooleanField(default=False)
    # Re-executions by us that crashed or ran out of time; after three the unit fails.
    attempts = models.PositiveSmallIntegerField(default=0)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status="final", output__isnull=False)
                | (~Q(status="final") & Q(output__isnull=True)),
                name="unit_output_iff_final",
            ),
            models.CheckConstraint(
                condition=Q(status="open") | Q(free=0), name="unit_free_only_if_open"
            ),
        ]
        indexes = [
            models.Index(
                fields=["position"],
                name="unit_claimable",
                condition=Q(status="open", free__gt=0),
            ),
            models.Index(
                fields=["id"], name="unit_disputed", condition=Q(status="disputed")
            ),
            models.Index(fields=["job", "status"]),
        ]

    def __str__(self) -> str:
        return f"unit {self.uuid.hex[:8]}"

    @property
    def is_open(self) -> bool:
        return self.status == self.Status.OPEN


class Lease(models.Model):
    """A node's right to be paid for one execution of a unit, until ``expires_at``."""

    class Purpose(models.TextChoices):
        WORK = "work", _("work")
        AUDIT = "audit", _("audit")
        GOLD = "gold", _("gold")

    class Status(models.TextChoices):
        ACTIVE = "active", _("active")  # -> submitted | released | expired
        SUBMITTED = "submitted", _("submitted")  # a Result exists
        # Given back by the node, or taken back by us; a result may still come late.
        RELEASED = "released", _("released")  # -> submitted
        EXPIRED = "expired", _("expired")  # -> submitted

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT)
    node = models.ForeignKey(Node, on_delete=models.PROTECT)
    person = models.ForeignKey(Person, on_delete=models.PROTECT)  # node.person, then
    purpose = models.CharField(max_length=5, choices=Purpose, default=Purpose.WORK)
    price = models.BigIntegerField()  # fixed at the claim
    status = models.CharField(max_length=9, choices=Status, default=Status.ACTIVE)
    created = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            # One person's nodes never see a unit twice: their agreement proves nothing.
            models.UniqueConstraint(
                fields=["unit", "person"],
                condition=Q(status__in=["active", "submitted"]),
                name="lease_unit_once_a_person",
            )
        ]
        indexes = [
            models.Index(
                fields=["expires_at"],
                name="lease_running",
                condition=Q(status="active"),
            ),
            models.Index(
                fields=["node"], name="lease_held", condition=Q(status="active")
            ),
            models.Index(fields=["person", "-id"]),
        ]

    def __str__(self) -> str:
        return f"lease {self.uuid.hex[:8]}"


class Result(models.Model):
    """What a node answered for one lease: an output, or why there is none."""

    lease = models.OneToOneField(Lease, on_delete=models.PROTECT)
    output = models.JSONField(null=True)
    error = models.CharField(max_length=40, blank=True)
    seconds = models.FloatField()  # of inference, measured by the node
    accepted = models.BooleanField(null=True)  # None until the unit is decided
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(output__isnull=False, error="")
                | (Q(output__isnull=True) & ~Q(error="")),
                name="result_output_or_error",
            )
        ]

    def __str__(self) -> str:
        return f"result of {self.lease_id}"
