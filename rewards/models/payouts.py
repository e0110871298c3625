"""Pi going out: payouts, the envelopes sent for them, and what may stop them."""

import uuid

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization, Person
from rewards.models.ledger import Account, Hold


class Payout(models.Model):
    """One payment from us to one wallet, from the asking to the proof."""

    class Status(models.TextChoices):
        # -> prepared | approved | rejected | cancelled: its amount is on hold
        REQUESTED = "requested", _("asked for")
        # -> approved | rejected | cancelled | requested: the approval's time ran out
        PREPARED = "prepared", _("waiting for a second person")
        # -> reserved | rejected | cancelled | requested: the approval's time ran out
        APPROVED = "approved", _("approved")
        # -> created | refunded | needs_recipient | needs_review: in payouts:in_flight
        RESERVED = "reserved", _("on its way to Pi")
        # -> signed | refunded | needs_recipient | needs_review: Pi knows it, and no
        # envelope of it can land
        CREATED = "created", _("known to Pi")
        # -> submitted | created (proven dead): the envelope is stored
        SIGNED = "signed", _("signed")
        # -> confirmed | created (proven dead) | needs_review: it may be on the chain
        SUBMITTED = "submitted", _("sent to the chain")
        CONFIRMED = "confirmed", _("on the chain")  # -> completed | needs_review
        COMPLETED = "completed", _("paid")
        REJECTED = "rejected", _("rejected")
        CANCELLED = "cancelled", _("taken back")
        NEEDS_RECIPIENT = "needs_recipient", _("waiting for you")
        REFUNDED = "refunded", _("failed, given back")
        # -> created | confirmed: a treasurer lets it be looked at again, and what
        # happens then happens on proof
        NEEDS_REVIEW = "needs_review", _("being checked")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT)  # paid from
    person = models.ForeignKey(  # who asked and receives
        Person, on_delete=models.PROTECT, related_name="payouts"
    )
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, null=True)
    amount = models.BigIntegerField()
    network = models.CharField(max_length=16)  # PI_BACKEND at the asking
    uid = models.CharField(max_length=64)  # the recipient's, at the asking
    hold = models.OneToOneField(Hold, on_delete=models.PROTECT)
    status = models.CharField(max_length=15, choices=Status, default=Status.REQUESTED)
    prepared_by = models.ForeignKey(
        Person, on_delete=models.PROTECT, null=True, related_name="+"
    )
    approved_by = models.ForeignKey(
        Person, on_delete=models.PROTECT, null=True, related_name="+"
    )
    automatic = models.BooleanField(default=False)  # approved by the rules alone
    approval_expires_at = models.DateTimeField(null=True)
    batch = models.CharField(max_length=40, blank=True, db_index=True)
    payment_id = models.CharField(max_length=64, null=True, unique=True)  # Pi's
    from_address = models.CharField(max_length=56, blank=True)
    to_address = models.CharField(max_length=56, blank=True)
    failure = models.CharField(max_length=40, blank=True)  # a code of ours or of Pi's
    attempts = models.PositiveSmallIntegerField(default=0)  # since the last step
    next_try_at = models.DateTimeField(null=True)
    waits_for = models.CharField(max_length=40, blank=True)  # why it did not move
    created = models.DateTimeField(default=timezone.now)
    reserved_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gt=0), name="payout_amount_positive"
            ),
            # Two persons, whoever they are: a superuser is no exception.
            models.CheckConstraint(
                condition=Q(prepared_by=None)
                | Q(approved_by=None)
                | ~Q(prepared_by=F("approved_by")),
                name="payout_two_persons",
            ),
            models.CheckConstraint(
                condition=(Q(prepared_by=None) | ~Q(prepared_by=F("person")))
                & (Q(approved_by=None) | ~Q(approved_by=F("person"))),
                name="payout_not_ones_own",
            ),
            models.CheckConstraint(
                condition=Q(
                    status__in=[
                        "requested",
                        "prepared",
                        "rejected",
                        "cancelled",
                    ]
                )
                | Q(automatic=True)
                | Q(approved_by__isnull=False, prepared_by__isnull=False),
                name="payout_approved_before_paid",
            ),
            models.UniqueConstraint(
                fields=["account"],
                condition=~Q(
                    status__in=[
                        "completed",
                        "rejected",
                        "cancelled",
                        "refunded",
                        "needs_recipient",
                    ]
                ),
                name="payout_one_open_at_a_time",
            ),
        ]
        indexes = [models.Index(fields=["status", "next_try_at"])]

    def __str__(self) -> str:
        return f"payout {self.uuid.hex[:8]} ({self.status})"


class Envelope(models.Model):
    """A signed transaction, stored before it is first sent; only its fate changes."""

    class Fate(models.TextChoices):
        OPEN = "open", _("may land")  # -> landed | dead
        LANDED = "landed", _("on the chain")
        DEAD = "dead", _("can never land")  # proven by the chain

    payout = models.ForeignKey(Payout, on_delete=models.PROTECT)
    hash = models.CharField(max_length=64, unique=True)
    xdr = models.TextField()
    wallet = models.CharField(max_length=56)
    sequence = models.BigIntegerField()
    fee = models.BigIntegerField()  # the most it may cost, 1e-7 Pi
    max_time = models.DateTimeField()
    fate = models.CharField(max_length=6, choices=Fate, default=Fate.OPEN)
    proof = models.JSONField(null=True)  # what the chain said
    created = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["wallet"],
                condition=Q(fate="open"),
                name="envelope_one_open_a_wallet",
            ),
            models.UniqueConstraint(
                fields=["payout"],
                condition=Q(fate="landed"),
                name="envelope_lands_once",
            ),
        ]

    def __str__(self) -> str:
        return f"envelope {self.hash[:8]} ({self.fate})"


class PayoutEvent(models.Model):
    """One transition of a payout: who, from what, to what, why; append-only."""

    payout = models.ForeignKey(Payout, on_delete=models.PROTECT, related_name="events")
    actor = models.ForeignKey(Person, on_delete=models.PROTECT, null=True)
    from_status = models.CharField(max_length=15, blank=True)
    to_status = models.CharField(max_length=15)
    reason = models.CharField(max_length=300, blank=True)
    created = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.from_status} → {self.to_status}"


class Stop(models.Model):
    """Payouts stand still while one of these is not lifted."""

    class Kind(models.TextChoices):
        KILL_SWITCH = "kill_switch", _("stopped by staff")
        CIRCUIT_BREAKER = "circuit_breaker", _("stopped after errors")
        RECONCILIATION = "reconciliation", _("the books do not match")

    kind = models.CharField(max_length=15, choices=Kind)
    reason = models.CharField(max_length=500)
    raised_by = models.ForeignKey(
        Person, on_delete=models.PROTECT, null=True, related_name="+"
    )
    lifted_by = models.ForeignKey(
        Person, on_delete=models.PROTECT, null=True, related_name="+"
    )
    lifted_at = models.DateTimeField(null=True)
    told_at = models.DateTimeField(null=True)  # when the treasurer was told
    created = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind"], condition=Q(lifted_at=None), name="stop_once_a_kind"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.reason}"


class WalletLease(models.Model):
    """Which one process may use a wallet now, and how often it was not understood.

    ``fence`` grows with every new holder; what an older holder still wants to write is
    refused by it.
    """

    wallet = models.CharField(max_length=56, unique=True)
    holder = models.CharField(max_length=80)
    fence = models.PositiveBigIntegerField(default=0)
    expires_at = models.DateTimeField()
    unknown_answers = models.PositiveSmallIntegerField(default=0)  # in a row

    def __str__(self) -> str:
        return f"{self.holder} ({self.fence})"
