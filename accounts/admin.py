"""People, organizations and keys for staff; evidence is recorded by an action."""

from typing import Any

from allauth.mfa.models import Authenticator
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException
from unfold.admin import ModelAdmin

from accounts import actions, linking, queries
from accounts.authentication import person_of
from accounts.models import (
    AuditEvent,
    Evidence,
    Organization,
    Person,
    PiIdentity,
    PiRelink,
    User,
    Wallet,
)

admin.site.unregister(Group)
admin.site.unregister(Authenticator)  # secrets are no rows to look at


@admin.register(User)
class UserAdmin(ModelAdmin):
    list_display = ("email", "first_name", "level", "is_staff", "is_active")
    list_filter = ("is_staff", "is_active", "groups")
    search_fields = ("email", "first_name")
    list_select_related = ("person",)
    fields = (
        "email",
        "first_name",
        "is_active",
        "is_staff",
        "groups",
        "second_factor",
        "last_login",
        "date_joined",
    )
    readonly_fields = ("email", "second_factor", "last_login", "date_joined")

    actions = ("remove_second_factor",)

    @admin.display(description=_("evidence level"))
    def level(self, user: User) -> int:
        return user.person.level if user.person else 0

    @admin.display(description=_("second factor"), boolean=True)
    def second_factor(self, user: User) -> bool:
        return queries.has_second_factor(user)

    @admin.action(
        description=_("Remove the second factor (a lost phone)"),
        permissions=["change"],
    )
    def remove_second_factor(
        self, request: HttpRequest, queryset: QuerySet[User]
    ) -> None:
        """Let the chosen users set up a new second factor; never oneself."""
        me = person_of(request)
        for user in queryset:
            try:
                actions.remove_second_factor(user, me)
            except APIException as error:
                messages.error(request, f"{user}: {error.detail}")
            else:
                messages.success(
                    request, _("%(user)s sets up a new one.") % {"user": user}
                )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Group)
class GroupAdmin(ModelAdmin):
    search_fields = ("name",)
    filter_horizontal = ("permissions",)


class ReadOnly(ModelAdmin):
    """Rows that only actions write."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Person)
class PersonAdmin(ReadOnly):
    list_display = ("uuid", "user", "level", "created")
    list_filter = ("level",)
    search_fields = ("uuid", "user__email")
    list_select_related = ("user",)
    actions = ("confirm_by_staff",)

    def has_confirm_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.add_evidence")

    @admin.action(
        description=_("Record that staff checked this person (level 1)"),
        permissions=["confirm"],
    )
    def confirm_by_staff(
        self, request: HttpRequest, queryset: QuerySet[Person]
    ) -> None:
        """Record evidence for each chosen person but oneself."""
        me = person_of(request)
        chosen = [person for person in queryset if person.pk != me.pk]
        for person in chosen:
            actions.record_evidence(
                person,
                kind=Evidence.Kind.STAFF_CHECK,
                level=1,
                source=f"person:{me.uuid}",
            )
        messages.success(
            request, _("%(count)d people confirmed.") % {"count": len(chosen)}
        )


@admin.register(PiIdentity)
class PiIdentityAdmin(ReadOnly):
    list_display = ("username", "network", "person", "seen_at", "retired_at")
    list_filter = ("network",)
    search_fields = ("username", "uid", "person__uuid")
    list_select_related = ("person",)


@admin.register(Wallet)
class WalletAdmin(ReadOnly):
    list_display = ("address", "network", "person", "seen_at", "moved_at")
    list_filter = ("network",)
    search_fields = ("address", "person__uuid")
    list_select_related = ("person",)


@admin.register(PiRelink)
class PiRelinkAdmin(ReadOnly):
    """A person whose uid changed: joined or refused by staff, never by themselves."""

    list_display = (
        *("username", "network", "person", "created"),
        *("decided_at", "decided_by", "is_joined"),
    )
    list_filter = ("is_joined", ("decided_at", admin.EmptyFieldListFilter))
    search_fields = ("username", "uid", "person__uuid")
    list_select_related = ("person", "decided_by")
    actions = ("join", "refuse")

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.change_pirelink")

    @admin.action(
        description=_("Join the new uid to the person"), permissions=["decide"]
    )
    def join(self, request: HttpRequest, queryset: QuerySet[PiRelink]) -> None:
        self._decide(request, queryset, is_joined=True)

    @admin.action(description=_("Refuse to join it"), permissions=["decide"])
    def refuse(self, request: HttpRequest, queryset: QuerySet[PiRelink]) -> None:
        self._decide(request, queryset, is_joined=False)

    def _decide(
        self, request: HttpRequest, queryset: QuerySet[PiRelink], *, is_joined: bool
    ) -> None:
        now = timezone.now()
        for relink in queryset:
            try:
                linking.decide_relink(
                    relink.pk, person_of(request), is_joined=is_joined, now=now
                )
            except APIException as error:
                messages.error(request, f"{relink}: {error.detail}")
            else:
                messages.success(request, _("%(case)s is decided.") % {"case": relink})


@admin.register(Organization)
class OrganizationAdmin(ModelAdmin):
    list_display = ("name", "uuid", "created")
    search_fields = ("name", "uuid")


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnly):
    list_display = ("created", "actor", "verb", "subject")
    list_filter = ("verb",)
    search_fields = ("subject",)
    list_select_related = ("actor",)
    show_full_result_count = False
