"""The wallet's pages: balance and statement, and paying in with the simulated Pi."""

import secrets
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts import queries as accounts_queries
from accounts.authentication import person_of
from accounts.models import Organization
from marketplace.forms import DepositForm
from marketplace.queries import datasets as queries
from marketplace.queries.wallets import Statement, deposit_of, statement_for
from rewards import deposits
from rewards.errors import DepositRefused

LINES_A_PAGE = 50


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def wallet(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    organizations = list(accounts_queries.organizations_of(person))
    if not organizations:
        return redirect("organization_new")
    form = DepositForm(
        request.POST or None, organizations=list(queries.managed_by(person))
    )
    if request.method == "POST" and form.is_valid():
        try:
            deposit = deposits.start_deposit(
                form.organization, person, form.cleaned_data["amount"]
            )
            return redirect("deposit", deposit.uuid)
        except DepositRefused as error:
            form.add_error("amount", str(error.detail))
    return render(
        request,
        "marketplace/wallet.html",
        {
            "form": form,
            "statements": [_statement(request, one) for one in organizations],
        },
    )


def _statement(request: HttpRequest, organization: Organization) -> Statement:
    statement = statement_for(organization)
    paginator = Paginator(statement.lines, LINES_A_PAGE)
    return statement.with_page(paginator.get_page(request.GET.get("page")))


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def deposit(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Play Pi's wallet: show the payment, and pay it when asked to."""
    found = deposit_of(person_of(request), uuid)
    if request.method == "POST" and found.status == found.Status.CREATED:
        deposits.complete_deposit(
            found.uuid, txid=f"simulated-{secrets.token_hex(16)}", now=timezone.now()
        )
        messages.success(request, _("Paid. The Pi is in the wallet."))
        return redirect("wallet")
    if found.status != found.Status.CREATED:
        return redirect("wallet")
    return render(request, "marketplace/deposit.html", {"deposit": found})
