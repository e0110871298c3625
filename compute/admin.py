"""Compute in the admin: staff look and may remove a node; nothing is edited here."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.admin import ModelAdmin

from accounts.authentication import person_of
from compute import actions
from compute.models import Job, Lease, Model, Node, Result, Unit


class ReadOnly(ModelAdmin):
    """Rows that only the actions of this app write."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Node)
class NodeAdmin(ReadOnly):
    list_display = ["name", "person", "status", "seen_at", "created"]
    list_filter = ["status"]
    search_fields = ["name", "uuid", "person__uuid", "person__user__email"]
    list_select_related = ["person"]
    actions = ["revoke"]

    @admin.action(description=gettext_lazy("Remove the chosen nodes for good"))
    def revoke(self, request: HttpRequest, queryset: QuerySet[Node]) -> None:
        """Revoke; asked of whoever may change nodes, though no field can be edited."""
        if not request.user.has_perm("compute.change_node"):
            messages.error(request, _("You may not remove nodes."))
            return
        nodes = list(queryset)
        for node in nodes:
            actions.revoke_node(node, actor=person_of(request), now=timezone.now())
        done = ngettext("%d node was removed.", "%d nodes were removed.", len(nodes))
        messages.success(request, done % len(nodes))


@admin.register(Model)
class ModelAdminPage(ReadOnly):
    list_display = ["name", "digest", "key_id", "created"]


@admin.register(Job)
class JobAdmin(ReadOnly):
    list_display = ["__str__", "model", "status", "replicas", "tenant", "created"]
    list_filter = ["status", "model"]
    search_fields = ["uuid", "tenant"]
    list_select_related = ["model"]


@admin.register(Unit)
class UnitAdmin(ReadOnly):
    list_display = ["__str__", "job", "status", "free", "reexecuted", "decided_at"]
    list_filter = ["status", "reexecuted"]
    search_fields = ["uuid", "job__uuid"]
    list_select_related = ["job"]
    show_full_result_count = False


@admin.register(Lease)
class LeaseAdmin(ReadOnly):
    list_display = ["__str__", "unit", "node", "status", "created", "expires_at"]
    list_filter = ["status", "purpose"]
    search_fields = ["uuid", "unit__uuid", "node__name"]
    list_select_related = ["unit", "node"]
    show_full_result_count = False


@admin.register(Result)
class ResultAdmin(ReadOnly):
    list_display = ["__str__", "lease", "accepted", "error", "seconds", "created"]
    list_filter = ["accepted", "error"]
    search_fields = ["lease__uuid", "lease__unit__uuid"]
    list_select_related = ["lease"]
    show_full_result_count = False
