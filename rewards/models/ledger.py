"""The ledger's rows: accounts, transfers, holds.

Balances are cached on the account by triggers (``rewards.triggers``), never by code.
"""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization, Person


class Account(models.Model):
    """A place where Pi is counted, in whole 1e-7 Pi.

    ``balance`` is credits minus debits: what we owe the owner. ``available`` leaves out
    what holds cover. A ``floor`` of None lets the balance fall without end (assets).
    """

    class Kind(models.TextChoices):
        ASSET = "asset", _("Pi held by the platform")
        ORGANIZATION = "organization", _("organization's wallet")
        ESCROW = "escrow", _("project's escrow")
        FEES = "fees", _("project's fees")
        APPEALS = "appeals", _("project's appeals reserve")
        PENDING = "pending", _("earned, not yet released")
        AVAILABLE = "available", _("ready to withdraw")
        OWED = "owed", _("to be taken from later earnings")
        INCOME = "income", _("platform's income")
        EXPENSE = "expense", _("platform's expense")
        ADJUSTMENT = "adjustment", _("written off")
        IN_FLIGHT = "in_flight", _("payouts on their way")

    code = models.CharField(max_length=80, unique=True)
    kind = models.CharField(max_length=12, choices=Kind)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, null=True)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, null=True)
    debits = models.BigIntegerField(default=0)
    credits = models.BigIntegerField(default=0)
    held = models.BigIntegerField(default=0)
    floor = models.BigIntegerField(null=True, default=0)
    closed = models.BooleanField(
        default=False
    )  # its project is over: back to the client

    class Meta:
        # Never written again, so that this index costs a moving balance nothing.
        indexes = [models.Index(fields=["kind"])]
        constraints = [
            models.CheckConstraint(
                condition=~Q(kind="owed") | Q(credits__lte=F("debits")),
                name="account_owed_is_a_debt",
            ),
            models.CheckConstraint(
                condition=Q(floor=None)
                | Q(credits__gte=F("debits") + F("held") + F("floor")),
                name="account_no_overdraft",
            ),
            models.CheckConstraint(
                condition=Q(debits__gte=0) & Q(credits__gte=0) & Q(held__gte=0),
                name="account_counts_up",
            ),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def balance(self) -> int:
        return self.credits - self.debits

    @property
    def available(self) -> int:
        return self.balance - self.held


class Transfer(models.Model):
    """One movement of money: balances by construction, never changed, never deleted."""

    class Kind(models.TextChoices):
        DEPOSIT = "deposit", _("deposit")
        FUND = "fund", _("project funded")
        INFERENCE = "inference", _("accepted inference")
        ANSWER = "answer", _("accepted answer")
        FEE = "fee", _("fee")
        REFUND = "refund", _("unused escrow returned")
        RELEASE = "release", _("released after the hold")
        REVERSAL = "reversal", _("reversal")
        OWED = "owed", _("taken for what was owed")
        APPEAL = "appeal", _("granted on appeal")
        SWEEP = "sweep", _("fees gathered")
        PAYOUT = "payout", _("payout")
        PAYOUT_DONE = "payout_done", _("payout arrived")
        PAYOUT_VOID = "payout_void", _("payout given back")
        NETWORK_FEE = "network_fee", _("network fee")
        TREASURY = "treasury", _("moved between our wallets")
        WRITE_OFF = "write_off", _("written off")

    key = models.CharField(max_length=120, unique=True)  # names the decision behind it
    # Indexed with the id below: a statement reads one account's transfers in order.
    debit = models.ForeignKey(
        Account, models.PROTECT, related_name="transfers_out", db_index=False
    )
    credit = models.ForeignKey(
        Account, models.PROTECT, related_name="transfers_in", db_index=False
    )
    amount = models.BigIntegerField()
    kind = models.CharField(max_length=12, choices=Kind)
    group = models.CharField(max_length=80, blank=True)  # what caused it: "task:4f1c…"
    reverses = models.OneToOneField("self", on_delete=models.PROTECT, null=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gt=0), name="transfer_amount_positive"
            ),
            models.CheckConstraint(
                condition=~Q(debit=F("credit")), name="transfer_moves"
            ),
        ]
        indexes = [
            models.Index(fields=["group"]),
            models.Index(fields=["debit", "id"]),
            models.Index(fields=["credit", "id"]),
        ]

    def __str__(self) -> str:
        return f"{self.debit_id} → {self.credit_id}: {self.amount} ({self.key})"


class Hold(models.Model):
    """Money set aside for work that has been offered; ends exactly once."""

    key = models.CharField(max_length=120, unique=True)
    account = models.ForeignKey(Account, on_delete=models.PROTECT)
    amount = models.BigIntegerField()
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gt=0), name="hold_amount_positive"
            )
        ]

    def __str__(self) -> str:
        return f"{self.key}: {self.amount}"


class HoldEnd(models.Model):
    class Outcome(models.TextChoices):
        POST = "post"  # the work was decided: its cost is moved, the rest is free
        VOID = "void"  # the work will not be done: all of it is free

    hold = models.OneToOneField(Hold, on_delete=models.PROTECT, related_name="end")
    outcome = models.CharField(max_length=4, choices=Outcome)
    created = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.outcome} {self.hold_id}"
