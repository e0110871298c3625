"""Pages of the people who label: what there is to earn, the labeling page, my work."""

import uuid

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts import actions as accounts_actions
from accounts.authentication import person_of


@require_safe
@login_required
def earn(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    return render(
        request, "labeling/earn.html", {"campaigns": [], "confirmed": person.level >= 1}
    )


@require_safe
@login_required
def my_work(request: HttpRequest) -> HttpResponse:
    return render(request, "labeling/my_work.html", {"answers": []})


@require_safe
@login_required
def label(request: HttpRequest, campaign_uuid: uuid.UUID) -> HttpResponse:
    if person_of(request).level < 1:
        return redirect("confirm_identity")
    return render(request, "labeling/label.html", {"campaign_uuid": campaign_uuid})


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def confirm_identity(request: HttpRequest) -> HttpResponse:
    """Play Pi's sign-in: the simulated network knows exactly one person a sign-in."""
    person = person_of(request)
    if request.method == "POST":
        accounts_actions.link_pi_identity(
            person,
            uid=f"simulated-{person.uuid}",
            username=f"pioneer_{person.uuid.hex[:6]}",
            network="simulated",
            now=timezone.now(),
        )
        return redirect("earn")
    return render(
        request, "labeling/confirm_identity.html", {"confirmed": person.level >= 1}
    )
