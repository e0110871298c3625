"""Reconciliations for staff: their history, what differed, and one more now."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.authentication import person_of
from rewards import pi_network
from rewards.admin.ledger import ReadOnlyAdmin
from rewards.admin.payouts import attempt, require
from rewards.chain import ChainError
from rewards.errors import PiUnreachable
from rewards.forms import BookForm
from rewards.models import Reconciliation
from rewards.money import to_text
from rewards.reconciliation import running, treasury

RUN = "rewards.add_reconciliation"
FIGURES = {
    "address_in": _("incoming wallet"),
    "balance_in": _("incoming wallet: holds"),
    "opening_in": _("incoming wallet: held before its first operation"),
    "received_in": _("incoming wallet: came in, says the chain"),
    "booked_in_in": _("incoming wallet: came in, say the books"),
    "unasked_in": _("incoming wallet: came in and nobody asked for it"),
    "gone_in": _("incoming wallet: left, says the chain"),
    "booked_out_in": _("incoming wallet: left, say the books"),
    "address_out": _("outgoing wallet"),
    "balance_out": _("outgoing wallet: holds"),
    "opening_out": _("outgoing wallet: held before its first operation"),
    "received_out": _("outgoing wallet: came in, says the chain"),
    "booked_in_out": _("outgoing wallet: came in, say the books"),
    "unasked_out": _("outgoing wallet: came in and nobody asked for it"),
    "gone_out": _("outgoing wallet: left, says the chain"),
    "booked_out_out": _("outgoing wallet: left, say the books"),
    "unbooked_out": _("outgoing wallet: left for payouts still on their way"),
    "in_flight_ledger": _("payouts on their way, says the ledger"),
    "in_flight_payouts": _("payouts on their way, added up"),
}


@admin.register(Reconciliation)
class ReconciliationAdmin(ReadOnlyAdmin):
    list_display = ("created", "outcome", "differences")
    list_filter = ("outcome",)
    ordering = ("-id",)
    readonly_fields = ("outcome", "created", "what_differs", "what_was_compared")
    exclude = ("figures", "findings")

    @admin.display(description=_("differences"))
    def differences(self, row: Reconciliation) -> str:
        count = len(row.findings)
        if not count:
            return "–"
        return ngettext("%(count)d row", "%(count)d rows", count) % {"count": count}

    @admin.display(description=_("what differs"))
    def what_differs(self, row: Reconciliation) -> str:
        return format_html_join("", "<p>{}</p>", ((line,) for line in row.findings))

    @admin.display(description=_("what was compared"))
    def what_was_compared(self, row: Reconciliation) -> str:
        lines = (
            (words, _figure(row.figures[name]))
            for name, words in FIGURES.items()
            if name in row.figures
        )
        return format_html_join("", "<p>{}: <b>{}</b></p>", lines)

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("now/", wrap(self.run), name="rewards_reconcile"),
            path("book/", wrap(self.book), name="rewards_book"),
            *super().get_urls(),
        ]

    def run(self, request: HttpRequest) -> HttpResponse:
        """Compare now, and show what came out."""
        require(request, RUN)
        if request.method != "POST":
            return redirect("admin:rewards_till")
        row = running.reconcile(now=timezone.now(), actor=person_of(request))
        if row.outcome == Reconciliation.Outcome.MATCH:
            messages.success(request, _("Everything matches."))
        else:
            messages.error(request, row.get_outcome_display())
        return redirect("admin:rewards_reconciliation_change", row.pk)

    def book(self, request: HttpRequest) -> HttpResponse:
        """Book a transaction of the treasurer's own, as the chain shows it."""
        require(request, RUN)
        form = BookForm(request.POST)
        if request.method != "POST" or not form.is_valid():
            messages.error(request, _("Give the transaction's 64 signs, and a reason."))
            return redirect("admin:rewards_till")

        def do() -> None:
            try:
                treasury.book_transaction(
                    form.cleaned_data["txid"].lower(),
                    pi_network.backend().chain,
                    person_of(request),
                    reason=form.cleaned_data["reason"],
                )
            except ChainError as error:
                raise PiUnreachable from error

        attempt(request, do, str(_("Booked. Compare again to see that it matches.")))
        return redirect("admin:rewards_till")


def _figure(figure: Any) -> str:
    return f"{to_text(figure)} Pi" if isinstance(figure, int) else str(figure)
