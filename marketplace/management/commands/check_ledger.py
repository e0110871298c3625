"""``manage.py check_ledger``: prove that the money adds up, or say where it fails."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from marketplace import ledger_check
from rewards.models import Account, Transfer


class Command(BaseCommand):
    help = (
        "Prove that debits equal credits, that cached balances equal their sums, that "
        "everything accepted was paid once and nothing else was. Exits with 1 and a "
        "line for each problem otherwise."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        with transaction.atomic():  # one moment in time for all the reads
            found = list(ledger_check.problems())
            transfers = Transfer.objects.count()
            accounts = Account.objects.count()
        for problem in found:
            self.stderr.write(problem)
        if found:
            raise CommandError(f"{len(found)} problems in the ledger")
        self.stdout.write(
            f"The ledger adds up: {transfers} transfers over {accounts} accounts."
        )
