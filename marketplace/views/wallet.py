"""The wallet's pages: balance, paying in with Pi, and taking back what was paid in."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_POST, require_safe
from rest_framework.exceptions import APIException

from accounts import pi_app
from accounts import queries as accounts_queries
from accounts.authentication import person_of
from accounts.models import PiIdentity
from marketplace.forms import DepositForm, WithdrawForm
from marketplace.queries import datasets as queries
from marketplace.queries.wallets import recent_deposits, wallet_for
from rewards.limits import NETWORK_FEE
from rewards.payouts import requests as payouts
from rewards.payouts import rules
from rewards.queries import wallet_of


@require_safe
@login_required
@ensure_csrf_cookie
def wallet(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    organizations = list(accounts_queries.organizations_of(person))
    if not organizations:
        return redirect("organization_new")
    identity = accounts_queries.pi_identity_of(person, pi_app.network())
    managed = list(queries.managed_by(person))
    page = request.GET.get("page")
    return render(
        request,
        "marketplace/wallet.html",
        {
            "wallets": [wallet_for(one, person, page=page) for one in organizations],
            "deposits": recent_deposits(organizations),
            "form": DepositForm(organizations=managed),
            "identity": identity,
            "may_pay": bool(managed),
            "managed": {one.pk for one in managed},
            "is_simulated": pi_app.is_simulated(),
            "network_fee": NETWORK_FEE,
            "minimum": rules.current().minimum,
            "pi_settings": _script_settings(identity),
        },
    )


def _script_settings(identity: PiIdentity | None) -> dict[str, object]:
    """Return what static/js/pi/pay.js is given."""
    if identity is None:
        return {}
    names = ("deposits", "approve", "complete", "incomplete", "cancelled")
    return {
        **pi_app.script_settings(
            username=identity.username, person=str(identity.person.uuid)
        ),
        **{name: reverse(f"pi_{name}") for name in names},
        "uid": identity.uid,
    }


@require_POST
@login_required
def withdraw(request: HttpRequest) -> HttpResponse:
    """Ask that Pi be paid back to who paid it in; rewards says whether it may be."""
    person = person_of(request)
    form = WithdrawForm(request.POST, organizations=list(queries.managed_by(person)))
    if not form.is_valid():
        for problems in form.errors.values():
            messages.error(request, " ".join(map(str, problems)))
        return redirect("wallet")
    account = wallet_of(form.organization)
    if account is None:
        messages.error(request, _("There is nothing in this wallet."))
        return redirect("wallet")
    try:
        payouts.request_payout(
            person, account, form.cleaned_data["amount"], now=timezone.now()
        )
    except APIException as refusal:
        messages.error(request, str(refusal.detail))
    else:
        messages.success(request, _("Asked for. You see below how far it is."))
    return redirect("wallet")


@require_POST
@login_required
def withdrawal_cancel(request: HttpRequest, uuid: UUID) -> HttpResponse:
    try:
        payouts.cancel_payout(person_of(request), uuid, now=timezone.now())
    except APIException as refusal:
        messages.error(request, str(refusal.detail))
    else:
        messages.success(request, _("Taken back. The Pi is in the wallet."))
    return redirect("wallet")
