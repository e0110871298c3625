"""The page of API keys: made (the secret is shown once), listed, revoked."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import actions as accounts_actions
from accounts import queries as accounts_queries
from accounts.authentication import person_of
from marketplace.forms import KeyForm
from marketplace.queries import datasets as queries


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def keys(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    organizations = list(accounts_queries.organizations_of(person))
    if not organizations:
        return redirect("organization_new")
    managed = list(queries.managed_by(person))
    form = KeyForm(request.POST or None, organizations=managed)
    secret = ""
    if request.method == "POST" and form.is_valid():
        _key, secret = accounts_actions.create_api_key(
            form.organization, person, name=form.cleaned_data["name"]
        )
        form = KeyForm(organizations=managed)
    return render(
        request,
        "marketplace/keys.html",
        {
            "form": form,
            "secret": secret,
            "may_write": bool(managed),
            "keys": [key for one in managed for key in accounts_queries.keys_of(one)],
        },
    )


@require_POST
@login_required
def key_revoke(request: HttpRequest, key_id: int) -> HttpResponse:
    person = person_of(request)
    key = accounts_queries.key_managed_by(person, key_id)
    accounts_actions.revoke_api_key(key, person, now=timezone.now())
    return redirect("keys")
