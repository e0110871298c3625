"""What proves the ledger to others: chained blocks, and comparisons with Pi."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from rewards.models.ledger import Transfer


class LedgerBlock(models.Model):
    """A run of transfers under one hash, which takes the block before it in."""

    number = models.PositiveBigIntegerField(primary_key=True)  # from 1, without gaps
    first = models.OneToOneField(Transfer, on_delete=models.PROTECT, related_name="+")
    last = models.OneToOneField(Transfer, on_delete=models.PROTECT, related_name="+")
    count = models.PositiveIntegerField()
    previous = models.CharField(max_length=64, unique=True)  # 64 zeros for the first
    hash = models.CharField(max_length=64, unique=True)
    # For each transfer 8 bytes of its id and 8 of its hash: says which one was changed.
    marks = models.BinaryField(default=bytes)
    created = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"block {self.number}: {self.hash[:12]}"


class Cursor(models.Model):
    """How far a sweep has come along the transfers; its row is the sweep's lock."""

    name = models.CharField(max_length=20, primary_key=True)
    position = models.BigIntegerField(default=0)  # the last transfer that is done with

    def __str__(self) -> str:
        return f"{self.name}: {self.position}"


class Reconciliation(models.Model):
    """One comparison of ledger, Platform and chain, with every row that differs."""

    class Outcome(models.TextChoices):
        MATCH = "match", _("everything matches")
        MISMATCH = "mismatch", _("rows differ")
        UNKNOWN = "unknown", _("Pi could not be asked")

    outcome = models.CharField(max_length=8, choices=Outcome)
    figures = models.JSONField()  # name → amount in 1e-7 Pi, as compared
    findings = models.JSONField(default=list)  # sentences, one for each difference
    created = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.created:%Y-%m-%d %H:%M} {self.outcome}"
