"""Pages of the people who label: what there is to earn, the labeling page, my work."""

import uuid

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from accounts.authentication import person_of
from accounts.models import Person
from blobs import queries as blobs_queries
from labeling import queries
from labeling.actions.assignments import LEVEL_TO_LABEL
from labeling.models import Campaign, Report

# Stands in the addresses for the assignment that only the page knows.
NO_UUID = uuid.UUID(int=0)


@require_safe
@login_required
def earn(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    cards = queries.campaigns_for(person)
    cards.sort(key=lambda card: card.open_tasks == 0)
    return render(
        request,
        "labeling/earn.html",
        {
            "cards": [(card, _picture(card.picture)) for card in cards],
            "confirmed": person.level >= LEVEL_TO_LABEL,
        },
    )


def _picture(digest: str | None) -> str | None:
    return blobs_queries.small_link(digest) if digest else None


@require_safe
@login_required
def my_work(request: HttpRequest) -> HttpResponse:
    before = request.GET.get("before", "")
    page = queries.answers_of(
        person_of(request), before=int(before) if before.isdecimal() else None
    )
    return render(
        request,
        "labeling/my_work.html",
        {
            "lines": [(line, _picture(line.picture)) for line in page.lines],
            "next_before": page.next_before,
        },
    )


@require_safe
@login_required
@ensure_csrf_cookie
def label(request: HttpRequest, campaign_uuid: uuid.UUID) -> HttpResponse:
    """Give the labeling application its settings; the tasks come by the work API."""
    person = person_of(request)
    if person.level < LEVEL_TO_LABEL:
        return redirect("confirm_identity")
    campaign = queries.campaign_by(campaign_uuid)
    return render(
        request,
        "labeling/label.html",
        {
            "campaign": campaign,
            "page_settings": _page_settings(person, campaign),
            "report_reasons": Report.Reason.choices,
        },
    )


def _page_settings(person: Person, campaign: Campaign) -> dict[str, str]:
    blank = [NO_UUID]
    return {
        "person": str(person.uuid),
        "assign": reverse("work_assign", args=[campaign.uuid]),
        "answer": reverse("work_answer", args=blank),
        "skip": reverse("work_skip", args=blank),
        "report": reverse("work_report", args=blank),
        "blank": str(NO_UUID),
    }
