from typing import Any

from django.apps import AppConfig
from django.core.checks import Tags, register
from django.db import connections
from django.db.models.signals import post_migrate, pre_migrate
from django.utils.translation import gettext_lazy as _


def install_triggers(using: str, **_kwargs: Any) -> None:
    from rewards import triggers  # noqa: PLC0415

    triggers.install(connections[using])


def lift_triggers(using: str, **_kwargs: Any) -> None:
    """SQLite remakes a table that is altered, and stops at triggers that name it."""
    from rewards import triggers  # noqa: PLC0415

    if connections[using].vendor == "sqlite":
        triggers.remove(connections[using])


class RewardsConfig(AppConfig):
    name = "rewards"
    verbose_name = _("Rewards")

    def ready(self) -> None:
        from rewards.checks import check_triggers  # noqa: PLC0415

        register(check_triggers, Tags.database)
        pre_migrate.connect(lift_triggers, sender=self)
        post_migrate.connect(install_triggers, sender=self)
