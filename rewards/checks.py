"""A system check that finds the ledger's triggers missing."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error
from django.db import connections

from rewards import triggers


def check_triggers(
    databases: Sequence[str] | None = None, **_kwargs: Any
) -> list[CheckMessage]:
    """Run by ``manage.py check --database`` and before every migrate."""
    problems: list[CheckMessage] = []
    for alias in databases or []:
        connection = connections[alias]
        if "rewards_transfer" not in connection.introspection.table_names():
            continue  # not migrated yet; migrate installs them
        missing = triggers.expected(connection.vendor) - len(
            triggers.installed(connection)
        )
        if missing:
            problems.append(
                Error(
                    f"{missing} of the ledger's triggers are missing in '{alias}'.",
                    hint="Run: python manage.py migrate --skip-checks",
                    id="rewards.E001",
                )
            )
    return problems
