"""``manage.py verify_chain``: prove that no sealed transfer was changed since."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from rewards import blocks


class Command(BaseCommand):
    help = (
        "Recompute the chain of ledger blocks. Prints the last hash, to be noted "
        "elsewhere. Exits with 1 and names the first block that was tampered with, and "
        "the transfers in it that differ, otherwise."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--noted",
            default="",
            metavar="HASH",
            help="a hash noted before; it must be one of this chain",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        proof = blocks.verify(noted=options["noted"])
        if proof.tampered:
            for finding in proof.tampered.findings:
                self.stderr.write(finding)
            raise CommandError(f"Block {proof.tampered.number} was tampered with.")
        if not proof.seen:
            raise CommandError("The noted hash is not in this chain: it was made anew.")
        self.stdout.write(
            f"The chain is whole: {proof.transfers} transfers in {proof.blocks} "
            f"blocks, {blocks.unsealed()} not sealed yet. Last hash:\n{proof.last_hash}"
        )
