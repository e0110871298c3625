"""Staff's view of datasets and projects: to be read; projects change by actions."""

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from marketplace.models import Dataset, Item, Project, ProjectItem
from marketplace.queries import projects as queries
from rewards.money import to_text


class ReadOnly:
    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        return False


@admin.register(Dataset)
class DatasetAdmin(ReadOnly, ModelAdmin):
    list_display = ("name", "organization", "created")
    list_select_related = ("organization",)
    search_fields = ("name", "organization__name", "uuid")


@admin.register(Item)
class ItemAdmin(ReadOnly, ModelAdmin):
    list_display = ("name", "dataset", "width", "height", "created")
    list_select_related = ("dataset",)
    search_fields = ("name", "uuid", "blob__digest")
    show_full_result_count = False


@admin.register(Project)
class ProjectAdmin(ReadOnly, ModelAdmin):
    list_display = (
        "name",
        "organization",
        "status",
        "task_type",
        "progress",
        "escrow_pi",
    )
    list_filter = ("status", "task_type")
    list_select_related = ("organization", "escrow")
    list_per_page = 50
    search_fields = ("name", "organization__name", "uuid")
    readonly_fields = ("progress", "escrow_pi", "reward_pi", "inference_price_pi")
    exclude = ("reward", "inference_price")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Project]:
        return queries.with_counts(super().get_queryset(request))

    @admin.display(description=_("labelled"))
    def progress(self, project: Project) -> str:
        return f"{project.done_count} / {project.all_count}"  # type: ignore[attr-defined]

    @admin.display(description=_("in escrow, Pi"))
    def escrow_pi(self, project: Project) -> str:
        return to_text(project.escrow.balance)

    @admin.display(description=_("reward, Pi"))
    def reward_pi(self, project: Project) -> str:
        return to_text(project.reward)

    @admin.display(description=_("price of an inference, Pi"))
    def inference_price_pi(self, project: Project) -> str:
        return to_text(project.inference_price)


@admin.register(ProjectItem)
class ProjectItemAdmin(ReadOnly, ModelAdmin):
    list_display = ("item", "project", "status")
    list_filter = ("status",)
    list_select_related = ("item", "project")
    search_fields = ("item__name", "project__name", "project__uuid")
    show_full_result_count = False
