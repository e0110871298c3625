"""``manage.py reconcile``: hold ledger, Platform and chain against each other now."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from rewards.models import Reconciliation
from rewards.money import to_text
from rewards.reconciliation import running


class Command(BaseCommand):
    help = "Compare ledger, Pi Platform and chain; exit 1 when something differs."

    def handle(self, *_: Any, **__: Any) -> None:
        row = running.reconcile(now=timezone.now())
        for name, figure in row.figures.items():
            if name.startswith("positions"):
                continue
            shown = f"{to_text(figure)} Pi" if isinstance(figure, int) else figure
            self.stdout.write(f"{name:>20}  {shown}")
        for finding in row.findings:
            self.stdout.write(f"! {finding}")
        if row.outcome != Reconciliation.Outcome.MATCH:
            raise CommandError(row.get_outcome_display(), returncode=1)
        self.stdout.write(row.get_outcome_display())
