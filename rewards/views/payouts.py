"""A person's money page: what is earned, taking it out, and each payout's way."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST
from rest_framework.exceptions import APIException

from accounts import pi_app
from accounts.authentication import person_of
from accounts.models import Person
from rewards.errors import InsufficientFunds
from rewards.forms import PayoutForm
from rewards.payouts import queries, requests
from rewards.payouts.standing import Standing, standing_of
from rewards.payouts.timeline import told

PAYOUTS_A_PAGE = 10


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def money(request: HttpRequest) -> HttpResponse:
    """Show a person's money; a form that was sent asks for a payout."""
    person = person_of(request)
    standing = standing_of(person, timezone.now())
    form = PayoutForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            _ask(person, standing, form.cleaned_data["amount"])
        except APIException as refusal:
            form.add_error("amount", str(refusal.detail))
        else:
            messages.success(request, _("Asked for. You see below how far it is."))
            return redirect("money")
    page = Paginator(queries.own_payouts(person), PAYOUTS_A_PAGE).get_page(
        request.GET.get("page")
    )
    return render(
        request,
        "rewards/payouts.html",
        {
            "standing": standing,
            "form": form,
            "page": page,
            "payouts": told(list(page)),
            "is_simulated": pi_app.is_simulated(),
        },
        status=400 if form.errors else 200,
    )


def _ask(person: Person, standing: Standing, amount: int) -> None:
    if standing.account is None:
        raise InsufficientFunds
    requests.request_payout(person, standing.account, amount, now=timezone.now())


@require_POST
@login_required
def cancel(request: HttpRequest, uuid: UUID) -> HttpResponse:
    try:
        requests.cancel_payout(person_of(request), uuid, now=timezone.now())
    except APIException as refusal:
        messages.error(request, str(refusal.detail))
    else:
        messages.success(request, _("Taken back. The Pi is yours as before."))
    return redirect("money")
