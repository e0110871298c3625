"""Pages of datasets: the list, a new one, and one with its pictures."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts import queries as accounts_queries
from accounts.authentication import person_of
from blobs import queries as blobs_queries
from marketplace.actions import datasets as actions
from marketplace.errors import NameTaken, NothingSent
from marketplace.forms import DatasetForm
from marketplace.queries import datasets as queries

PICTURES_A_PAGE = 60
DATASETS_A_PAGE = 24


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def datasets(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    organizations = list(accounts_queries.organizations_of(person))
    if not organizations:
        return redirect("organization_new")
    managed = list(queries.managed_by(person))
    form = DatasetForm(request.POST or None, organizations=managed)
    if request.method == "POST" and form.is_valid():
        try:
            dataset = actions.create_dataset(
                form.organization, person, name=form.cleaned_data["name"]
            )
            return redirect("dataset", dataset.uuid)
        except NameTaken as error:
            form.add_error("name", str(error.detail))
    page = Paginator(queries.datasets_of(organizations), DATASETS_A_PAGE).get_page(
        request.GET.get("page")
    )
    cards = [
        (
            found,
            [blobs_queries.small_link(digest) for digest in queries.covers_of(found)],
        )
        for found in page
    ]
    return render(
        request,
        "marketplace/datasets.html",
        {"form": form, "cards": cards, "page": page, "may_write": bool(managed)},
    )


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def dataset(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Show a dataset; a plain form post uploads, for browsers without scripts."""
    person = person_of(request)
    organizations = list(accounts_queries.organizations_of(person))
    found = queries.dataset_of(organizations, uuid)
    outcomes, refusal = [], ""
    if request.method == "POST":
        try:
            outcomes = actions.add_pictures(
                found, person, request.FILES.getlist("files")
            )
        except NothingSent as error:
            refusal = str(error.detail)
    items = queries.items_of(found)
    page = Paginator(items, PICTURES_A_PAGE).get_page(request.GET.get("page"))
    return render(
        request,
        "marketplace/dataset.html",
        {
            "dataset": found,
            "outcomes": outcomes,
            "refusal": refusal,
            "page": page,
            "pictures": [
                (
                    item,
                    blobs_queries.link(item.blob_id),
                    blobs_queries.small_link(item.blob_id),
                )
                for item in page
            ],
            "may_write": accounts_queries.is_manager(person, found.organization),
        },
    )
