from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MarketplaceConfig(AppConfig):
    name = "marketplace"
    verbose_name = _("Marketplace")

    def ready(self) -> None:
        from compute.signals import unit_decided  # noqa: PLC0415
        from labeling.signals import task_decided  # noqa: PLC0415
        from marketplace import receivers  # noqa: PLC0415

        unit_decided.connect(receivers.on_unit_decided, dispatch_uid="advance")
        task_decided.connect(receivers.on_task_decided, dispatch_uid="advance")
