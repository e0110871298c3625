"""The ledger, to be read: nothing here can be added, changed or deleted."""

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from rewards.models import Account, Hold, Transfer
from rewards.money import to_text


class ReadOnlyAdmin(ModelAdmin):
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: Model | None = None
    ) -> bool:
        return False


@admin.register(Account)
class AccountAdmin(ReadOnlyAdmin):
    list_display = ("code", "kind", "balance_pi", "held_pi")
    list_filter = ("kind",)
    search_fields = ("code",)

    @admin.display(description=_("balance, Pi"))
    def balance_pi(self, account: Account) -> str:
        return to_text(account.balance)

    @admin.display(description=_("held, Pi"))
    def held_pi(self, account: Account) -> str:
        return to_text(account.held)


@admin.register(Transfer)
class TransferAdmin(ReadOnlyAdmin):
    list_display = ("id", "created", "kind", "debit", "credit", "amount_pi", "group")
    list_filter = ("kind",)
    search_fields = ("key", "group", "debit__code", "credit__code")
    list_select_related = ("debit", "credit")
    show_full_result_count = False

    @admin.display(description=_("amount, Pi"))
    def amount_pi(self, transfer: Transfer) -> str:
        return to_text(transfer.amount)


@admin.register(Hold)
class HoldAdmin(ReadOnlyAdmin):
    list_display = ("key", "account", "amount_pi", "ended", "created")
    list_select_related = ("account", "end")
    search_fields = ("key",)
    show_full_result_count = False

    @admin.display(description=_("amount, Pi"))
    def amount_pi(self, hold: Hold) -> str:
        return to_text(hold.amount)

    @admin.display(description=_("ended as"))
    def ended(self, hold: Hold) -> Any:
        return hold.end.outcome if hasattr(hold, "end") else None
