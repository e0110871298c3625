"""Deposits for staff: to be read, and asked about again where Pi refused."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException

from accounts.authentication import person_of
from rewards import deposits
from rewards.admin.ledger import ReadOnlyAdmin
from rewards.errors import NetworkUnknown
from rewards.models import Deposit
from rewards.money import to_text
from rewards.pi_network import backend


@admin.register(Deposit)
class DepositAdmin(ReadOnlyAdmin):
    list_display = (
        *("name", "organization", "payer", "amount_pi", "status", "refusal"),
        *("network", "created", "completed_at"),
    )
    list_filter = ("status", "network")
    list_select_related = ("organization", "payer")
    search_fields = ("uuid", "payment_id", "txid", "organization__name")
    ordering = ("-id",)
    show_full_result_count = False
    actions = ("ask_again",)
    fields = (
        *("uuid", "organization", "payer", "uid", "amount_pi", "network", "status"),
        *("refusal", "payment_id", "transaction", "created", "moved_at"),
        *("looked_at", "completed_at"),
    )

    @admin.display(description=_("deposit"))
    def name(self, deposit: Deposit) -> str:
        return deposit.uuid.hex[:8]

    @admin.display(description=_("amount, Pi"))
    def amount_pi(self, deposit: Deposit) -> str:
        return to_text(deposit.amount)

    @admin.display(description=_("transaction"))
    def transaction(self, deposit: Deposit) -> str:
        """Return the transaction as a link to the explorer of its own network."""
        try:
            network = backend()
        except NetworkUnknown:
            return deposit.txid or ""
        if not deposit.txid or deposit.network != network.name:
            return deposit.txid or ""
        return format_html(
            '<a href="{}" rel="noopener noreferrer" target="_blank">{}</a>',
            network.explorer_link(deposit.txid),
            deposit.txid,
        )

    def has_ask_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("rewards.change_deposit")

    @admin.action(description=_("Ask Pi about these again"), permissions=["ask"])
    def ask_again(self, request: HttpRequest, queryset: QuerySet[Deposit]) -> None:
        for deposit in queryset:
            try:
                now_is = deposits.look_again(
                    deposit, person_of(request), now=timezone.now()
                )
            except APIException as refusal:
                messages.error(request, f"{deposit.uuid.hex[:8]}: {refusal.detail}")
            else:
                words = now_is.get_status_display()
                messages.success(request, f"{deposit.uuid.hex[:8]}: {words}")
