"""The treasurer's pages: the queue, one payout to decide, the till with its stops."""

from collections.abc import Callable
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException
from unfold.decorators import action

from accounts import pi_app
from accounts.authentication import person_of
from rewards.admin.ledger import ReadOnlyAdmin
from rewards.forms import BatchForm, ReasonForm
from rewards.models import Envelope, Payout, PayoutEvent, Stop
from rewards.money import to_text
from rewards.payouts import approvals, checking, controls, flows, queries, reviews
from rewards.reconciliation import running

DECIDE = "rewards.change_payout"
STOP = "rewards.change_stop"
BADGES = {"ok": "✓", "look": "?", "bad": "!"}


def require(request: HttpRequest, permission: str) -> None:
    if not request.user.has_perm(permission):
        raise PermissionDenied


def attempt(request: HttpRequest, do: Callable[[], object], done: object) -> None:
    """Do it and say so, or say why not."""
    try:
        do()
    except APIException as refusal:
        messages.error(request, str(refusal.detail))
    else:
        messages.success(request, str(done))


@admin.register(Payout)
class PayoutAdmin(ReadOnlyAdmin):
    list_display = (
        *("name", "amount_pi", "status", "checks", "person", "organization"),
        *("prepared", "batch", "created"),
    )
    list_filter = ("status", "automatic", "network")
    list_select_related = ("account", "person", "organization", "prepared_by__user")
    search_fields = ("uuid", "person__uuid", "person__user__email", "payment_id")
    ordering = ("-id",)
    list_per_page = 50
    show_full_result_count = False
    actions = ("prepare_chosen", "approve_chosen")
    actions_list = ("open_till",)

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(DECIDE)

    @admin.display(description=_("payout"))
    def name(self, payout: Payout) -> str:
        return f"{payout.uuid.hex[:8]}"

    @admin.display(description=_("amount, Pi"), ordering="amount")
    def amount_pi(self, payout: Payout) -> str:
        return to_text(payout.amount)

    @admin.display(description=_("checks"))
    def checks(self, payout: Payout) -> str:
        """Say how the checks went, for what still waits for a decision."""
        if not queries.waits_for_staff(payout):
            return ""
        found = checking.checks_of(payout, timezone.now())
        odd = [check.words for check in found if check.tone != "ok"]
        mark = BADGES[checking.worst(found)]
        return format_html(
            '<span title="{}">{} {}</span>', "; ".join(odd), mark, len(odd)
        )

    @admin.display(description=_("prepared by"))
    def prepared(self, payout: Payout) -> str:
        return _name(payout.prepared_by)

    @action(description=_("Till: stops, flows, reconciliation"), url_path="till-link")
    def open_till(self, request: HttpRequest) -> HttpResponse:
        return redirect("admin:rewards_till")

    @admin.action(description=_("Prepare as one batch"), permissions=["decide"])
    def prepare_chosen(self, request: HttpRequest, queryset: QuerySet[Payout]) -> None:
        now = timezone.now()
        batch = f"{now:%Y-%m-%d %H:%M:%S}"
        uuids = list(queryset.order_by("id").values_list("uuid", flat=True))
        left_out = approvals.prepare_batch(
            uuids, person_of(request), batch=batch, now=now
        )
        _say_batch(request, len(uuids), left_out)

    @admin.action(description=_("Approve what is prepared"), permissions=["decide"])
    def approve_chosen(self, request: HttpRequest, queryset: QuerySet[Payout]) -> None:
        uuids = list(queryset.order_by("id").values_list("uuid", flat=True))
        left_out = approvals.approve_each(uuids, person_of(request), now=timezone.now())
        _say_batch(request, len(uuids), left_out)

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("till/", wrap(self.till), name="rewards_till"),
            path("till/stops/", wrap(self.stops), name="rewards_stops"),
            path("till/batch/", wrap(self.batch), name="rewards_batch"),
            path("<int:pk>/decide/", wrap(self.decide), name="rewards_payout_decide"),
            *super().get_urls(),
        ]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, object] | None = None,
    ) -> HttpResponse:
        return redirect("admin:rewards_payout_decide", pk=object_id)

    # --- One payout

    def decide(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show a payout with its checks and audit, and take a decision."""
        require(request, "rewards.view_payout")
        payout = get_object_or_404(queries.for_staff(), pk=pk)
        if request.method == "POST":
            require(request, DECIDE)
            self._decided(request, payout.uuid)
            return redirect("admin:rewards_payout_decide", pk=pk)
        now = timezone.now()
        context = {
            "title": _("Payout %(name)s") % {"name": payout.uuid.hex[:8]},
            "payout": payout,
            "checks": checking.checks_of(payout, now),
            "events": queries.events_of(payout),
            "envelopes": queries.envelopes_of(payout),
            "reason_form": ReasonForm(),
            "may_decide": request.user.has_perm(DECIDE),
            "is_held": queries.can_be_taken_back(payout),
            "me": person_of(request),
        }
        return self._page(request, "decide", context)

    def _decided(self, request: HttpRequest, uuid: UUID) -> None:
        me, now = person_of(request), timezone.now()
        form = ReasonForm(request.POST)
        reason = form.cleaned_data["reason"] if form.is_valid() else ""
        doing: dict[str, tuple[Callable[[], object], object]] = {
            "prepare": (
                lambda: approvals.prepare(uuid, me, now=now),
                _("Prepared. Another member of staff approves it."),
            ),
            "approve": (
                lambda: approvals.approve(uuid, me, now=now),
                _("Approved. It leaves by itself."),
            ),
            "reject": (
                lambda: approvals.reject(uuid, me, reason=reason, now=now),
                _("Rejected. The person reads the reason."),
            ),
            "look_again": (
                lambda: reviews.look_again(uuid, me, reason=reason, now=now),
                _("The worker goes on from what is proven."),
            ),
            "give_back": (
                lambda: reviews.give_back(uuid, me, reason=reason, now=now),
                _("The money goes back as soon as the chain proves that it may."),
            ),
            "accept_proof": (
                lambda: reviews.accept_proof(uuid, me, reason=reason, now=now),
                _("Booked as paid."),
            ),
        }
        chosen = doing.get(request.POST.get("do", ""))
        if chosen is None:
            messages.error(request, _("Choose what to do."))
            return
        attempt(request, *chosen)

    # --- The till

    def till(self, request: HttpRequest) -> HttpResponse:
        """Show what stops payouts, today's flows, batches and reconciliations."""
        require(request, "rewards.view_payout")
        now = timezone.now()
        context = {
            "title": _("Till"),
            "stops": queries.open_stops().select_related("raised_by__user"),
            "why_stopped": controls.why_stopped(),
            "day": flows.day(pi_app.network(), now),
            "waiting": queries.counts(),
            "batches": queries.batches(),
            "reconciliation": running.last(),
            "reason_form": ReasonForm(),
            "may_stop": request.user.has_perm(STOP),
            "may_decide": request.user.has_perm(DECIDE),
        }
        return self._page(request, "till", context)

    def stops(self, request: HttpRequest) -> HttpResponse:
        """Stop payouts at once, or lift one stop; both with a reason."""
        require(request, STOP)
        form = ReasonForm(request.POST)
        if request.method != "POST" or not form.is_valid():
            messages.error(request, _("Say why: others will read it."))
            return HttpResponseRedirect(reverse("admin:rewards_till"))
        me, now, reason = (
            person_of(request),
            timezone.now(),
            form.cleaned_data["reason"],
        )
        if request.POST.get("lift", "").isdecimal():
            row = get_object_or_404(queries.open_stops(), pk=request.POST["lift"])
            controls.lift(row, actor=me, now=now, reason=reason)
            messages.success(request, _("Lifted."))
        else:
            controls.stop(Stop.Kind.KILL_SWITCH, reason=reason, now=now, actor=me)
            messages.warning(request, _("Payouts are stopped."))
        return HttpResponseRedirect(reverse("admin:rewards_till"))

    def batch(self, request: HttpRequest) -> HttpResponse:
        """Approve a whole batch, as the second person."""
        require(request, DECIDE)
        form = BatchForm(request.POST)
        if request.method == "POST" and form.is_valid():
            name = form.cleaned_data["batch"]
            count = queries.prepared_in(name)
            left_out = approvals.approve_batch(
                name, person_of(request), now=timezone.now()
            )
            _say_batch(request, count, left_out)
        return HttpResponseRedirect(reverse("admin:rewards_till"))

    def _page(
        self, request: HttpRequest, name: str, context: dict[str, object]
    ) -> HttpResponse:
        return render(
            request,
            f"admin/rewards/{name}.html",
            {**self.admin_site.each_context(request), "opts": self.opts, **context},
        )


def _say_batch(
    request: HttpRequest, count: int, left_out: list[tuple[UUID, str]]
) -> None:
    done = count - len(left_out)
    if done:
        messages.success(request, _("%(count)d payouts.") % {"count": done})
    for uuid, why in left_out:
        messages.warning(request, f"{uuid.hex[:8]}: {why}")


def _name(person: object) -> str:
    return str(getattr(person, "user", None) or person or "")


@admin.register(PayoutEvent)
class PayoutEventAdmin(ReadOnlyAdmin):
    list_display = ("created", "payout", "from_status", "to_status", "who", "reason")
    list_filter = ("to_status",)
    list_select_related = ("payout", "actor__user")
    search_fields = ("payout__uuid", "actor__user__email", "reason")
    ordering = ("-id",)
    show_full_result_count = False

    @admin.display(description=_("who"))
    def who(self, event: PayoutEvent) -> str:
        return _name(event.actor) or str(_("the rules"))


@admin.register(Envelope)
class EnvelopeAdmin(ReadOnlyAdmin):
    list_display = ("hash", "payout", "fate", "sequence", "max_time", "created")
    list_filter = ("fate",)
    list_select_related = ("payout",)
    search_fields = ("hash", "payout__uuid")
    exclude = ("xdr",)  # signed: whoever holds it can send it
    ordering = ("-id",)
    show_full_result_count = False


@admin.register(Stop)
class StopAdmin(ReadOnlyAdmin):
    list_display = ("created", "kind", "reason", "raised_by", "lifted_at", "lifted_by")
    list_filter = ("kind",)
    list_select_related = ("raised_by", "lifted_by")
    ordering = ("-id",)
