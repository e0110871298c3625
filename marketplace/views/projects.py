"""Pages of projects: the list, a new one with its live quote, and one as it runs."""

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)
from rest_framework.exceptions import APIException, ValidationError

from accounts import queries as accounts_queries
from accounts.authentication import person_of
from accounts.models import Person
from compute.queries import classes_of, registered_models
from marketplace.actions import projects as actions
from marketplace.api.downloads import download
from marketplace.forms import FundForm, ProjectForm, first_error
from marketplace.models import Project
from marketplace.queries import datasets as dataset_queries
from marketplace.queries import projects as queries
from marketplace.tasks import hint
from marketplace.views import standing

PROJECTS_A_PAGE = 24


def project_for(request: HttpRequest, uuid: UUID) -> tuple[Project, Person]:
    person = person_of(request)
    organizations = list(accounts_queries.organizations_of(person))
    return queries.project_of(organizations, uuid), person


@require_safe
@login_required
def projects(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    organizations = list(accounts_queries.organizations_of(person))
    if not organizations:
        return redirect("organization_new")
    page = Paginator(queries.projects_of(organizations), PROJECTS_A_PAGE).get_page(
        request.GET.get("page")
    )
    progress = queries.progress_of(list(page))
    return render(
        request,
        "marketplace/projects.html",
        {
            "cards": [(project, progress[project.pk]) for project in page],
            "page": page,
            "may_write": dataset_queries.managed_by(person).exists(),
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def project_new(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    form = _project_form(request, person)
    if not form.datasets:
        messages.info(request, _("Make a dataset first, and upload pictures to it."))
        return redirect("datasets")
    if request.method == "POST" and form.is_valid():
        try:
            project = actions.create_project(
                form.dataset_chosen, person, **form.terms()
            )
            return redirect("project", project.uuid)
        except ValidationError as error:
            form.refuse(error)
    return render(
        request,
        "marketplace/project_new.html",
        {
            "form": form,
            "classes": {
                digest: classes_of(model) for digest, model in form.models.items()
            },
        },
    )


def _project_form(request: HttpRequest, person: Person) -> ProjectForm:
    managed = list(dataset_queries.managed_by(person))
    datasets = list(dataset_queries.datasets_of(managed))
    filled = [one for one in datasets if one.item_count]  # type: ignore[attr-defined]
    likely = str(filled[0].uuid) if filled else ""
    return ProjectForm(
        request.POST if request.method == "POST" else None,
        datasets=datasets,
        models=list(registered_models()),
        initial={"dataset": request.GET.get("dataset", likely)},
    )


@require_POST
@login_required
def quote(request: HttpRequest) -> HttpResponse:
    """Answer the form's live quote; what is missing so far is simply not priced."""
    form = _project_form(request, person_of(request))
    form.is_valid()
    priced = standing.quote_of_form(form)
    return render(request, "marketplace/parts/quote.html", {"quote": priced})


@require_safe
@login_required
def project(request: HttpRequest, uuid: UUID) -> HttpResponse:
    found, person = project_for(request, uuid)
    may_write = accounts_queries.is_manager(person, found.organization)
    return render(
        request,
        "marketplace/project.html",
        standing.of_project(found, may_write=may_write)
        | standing.results(found, page=request.GET.get("page", "1")),
    )


@require_safe
@login_required
def project_progress(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Answer the page's poll; a new status needs the whole page."""
    found, _person = project_for(request, uuid)
    now = standing.progress(found)
    response = render(request, "marketplace/parts/progress.html", now)
    if request.GET.get("status") not in {None, found.status}:
        response["HX-Refresh"] = "true"
    if request.GET.get("done") not in {None, str(now["progress"].done)}:
        response["HX-Trigger-After-Swap"] = "labelled"
    return response


@require_safe
@login_required
def project_results(request: HttpRequest, uuid: UUID) -> HttpResponse:
    found, _person = project_for(request, uuid)
    return render(
        request,
        "marketplace/parts/results.html",
        {"project": found} | standing.results(found, page=request.GET.get("page", "1")),
    )


@require_POST
@login_required
def project_fund(request: HttpRequest, uuid: UUID) -> HttpResponse:
    found, person = project_for(request, uuid)
    form = FundForm(request.POST)
    if not form.is_valid():
        messages.error(request, first_error(form))
        return redirect("project", uuid)
    return _turn(
        request,
        found,
        lambda: actions.fund_project(
            found,
            person,
            amount=form.cleaned_data["amount"],
            number=form.cleaned_data["number"],
        ),
    )


@require_POST
@login_required
def project_turn(request: HttpRequest, uuid: UUID, verb: str) -> HttpResponse:
    """Launch, pause, resume, close, or take the money of a draft back."""
    found, person = project_for(request, uuid)
    turns = {
        "launch": lambda: actions.launch_project(found, person, now=timezone.now()),
        "pause": lambda: actions.pause_project(found, person),
        "resume": lambda: actions.resume_project(found, person),
        "close": lambda: actions.close_project(found, person),
        "unfund": lambda: actions.unfund_project(found, person),
    }
    if verb not in turns:
        raise Http404
    return _turn(request, found, turns[verb])


def _turn(
    request: HttpRequest, project: Project, act: Callable[[], Project]
) -> HttpResponse:
    try:
        act()
        hint(project.pk)
    except APIException as error:
        messages.error(request, str(error.detail))
    return redirect("project", project.uuid)


@require_safe
@login_required
def project_export(request: HttpRequest, uuid: UUID, form: str) -> HttpResponseBase:
    found, _person = project_for(request, uuid)
    response = download(found, form)
    if response is None:
        raise Http404
    return response
