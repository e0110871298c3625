"""The way in: what Tessera is, what one may do here, a new organization."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts import actions as accounts_actions
from accounts import queries as accounts_queries
from accounts.authentication import person_of
from marketplace.forms import OrganizationForm
from marketplace.queries import projects as queries


@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    return render(request, "marketplace/landing.html")


@require_safe
@login_required
def home(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    organizations = list(accounts_queries.organizations_of(person))
    projects = list(queries.projects_of(organizations)[:3])
    progress = queries.progress_of(projects)
    return render(
        request,
        "marketplace/home.html",
        {
            "confirmed": person.level >= 1,
            "is_client": bool(organizations),
            "projects": [(project, progress[project.pk]) for project in projects],
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def organization_new(request: HttpRequest) -> HttpResponse:
    form = OrganizationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        accounts_actions.create_organization(
            person_of(request), name=form.cleaned_data["name"]
        )
        messages.success(request, _("Done. Now upload the pictures to be labelled."))
        return redirect("datasets")
    return render(request, "marketplace/organization_new.html", {"form": form})
