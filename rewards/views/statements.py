"""Statements: which accounts there are, one account's lines, and all of it as CSV."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_safe

from accounts.authentication import person_of
from accounts.models import User
from rewards import statements
from rewards.models import Account

# What a transfer paid → the page that shows it, for people and for clients. The pages
# belong to other apps: where one is missing, the line simply has no link.
PAGES_OF_PEOPLE = {"task": ("my_work", False), "unit": ("nodes", False)}
PAGES_OF_CLIENTS = {"project": ("project", True), "deposit": ("deposit", True)}
PAGES = {"payout": ("money", False)}


@require_safe
@login_required
def index(request: HttpRequest) -> HttpResponse:
    accounts = statements.own_accounts(person_of(request))
    return render(request, "rewards/statements.html", {"accounts": accounts})


@require_safe
@login_required
def statement(request: HttpRequest, code: str) -> HttpResponse:
    account = statements.account_for(_user(request), code)
    before = request.GET.get("before", "")
    page = statements.page_of(
        account,
        before=int(before) if before.isdecimal() and len(before) < 19 else None,
    )
    return render(
        request,
        "rewards/statement.html",
        {
            "account": account,
            "lines": [(line, _link(line, account, request)) for line in page.lines],
            "next_before": page.next_before,
            "first": not before,
        },
    )


@require_safe
@login_required
def statement_csv(request: HttpRequest, code: str) -> StreamingHttpResponse:
    account = statements.account_for(_user(request), code)
    name = "".join(sign if sign.isalnum() or sign == "-" else "-" for sign in code)
    return StreamingHttpResponse(
        statements.csv_of(account),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def _user(request: HttpRequest) -> User:
    person_of(request)  # gives a new user its person
    assert isinstance(request.user, User)
    return request.user


def _link(line: statements.Line, account: Account, request: HttpRequest) -> str:
    """Return the page of what a line paid, if there is one for this viewer."""
    kind, _colon, uuid = line.group.partition(":")
    user = _user(request)
    if account.person_id is not None and account.person_id == user.person_id:
        page = (PAGES | PAGES_OF_PEOPLE).get(kind)
    elif user.is_staff:
        page, uuid = ("admin:rewards_transfer_change", True), str(line.id)
    else:
        page = (PAGES | PAGES_OF_CLIENTS).get(kind)
        if page is None and account.code.startswith("project:"):
            # A task or a unit, which clients know as a part of their project.
            page, uuid = PAGES_OF_CLIENTS["project"], account.code.split(":")[1]
    if page is None:
        return ""
    name, has_uuid = page
    try:
        return reverse(name, args=[uuid] if has_uuid else [])
    except NoReverseMatch:
        return ""
