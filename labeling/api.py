"""The work API that the labeling page speaks: sign in, CSRF token, JSON."""

from typing import Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.authentication import SessionAuthentication
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from accounts.authentication import person_of
from accounts.models import Person
from blobs import queries as blobs_queries
from labeling import actions, queries
from labeling.models import Assignment, Campaign
from labeling.serializers import (
    AnswerSerializer,
    AssignmentsSerializer,
    CampaignsSerializer,
    ReceiptSerializer,
    RefusalSerializer,
    ReportSerializer,
    TokenSerializer,
    WantedSerializer,
)
from rewards import money


def _said(request: Request, serializer: type[Serializer[Any]]) -> dict[str, Any]:
    checked = serializer(data=request.data)
    checked.is_valid(raise_exception=True)
    return dict(checked.validated_data)


class WorkView(APIView):
    """People only: an organization's key cannot label."""

    authentication_classes = [SessionAuthentication]
    parser_classes = [JSONParser]


class Campaigns(WorkView):
    @extend_schema(
        operation_id="work_campaigns",
        tags=["work"],
        summary="What there is to label, best paid first",
        responses={200: CampaignsSerializer, 403: RefusalSerializer},
    )
    def get(self, request: Request) -> Response:
        cards = queries.campaigns_for(person_of(request))
        return Response({"campaigns": [_campaign(card) for card in cards]})


def _campaign(card: queries.CampaignCard) -> dict[str, Any]:
    return {
        "uuid": card.campaign.uuid,
        "title": card.campaign.title,
        "task_type": card.campaign.task_type,
        "reward": money.to_text(card.campaign.reward),
        "open_tasks": card.open_tasks,
        "open_tasks_more": card.more_than_counted,
        "acceptance": card.acceptance,
        "median_seconds": card.median_seconds,
        "picture_url": blobs_queries.link(card.picture) if card.picture else None,
    }


class Assignments(WorkView):
    @extend_schema(
        operation_id="work_assign",
        tags=["work"],
        summary="Take up to three tasks",
        description="An empty list comes with the reason.",
        request=WantedSerializer,
        responses={
            200: AssignmentsSerializer,
            400: RefusalSerializer,
            403: RefusalSerializer,
            404: RefusalSerializer,
        },
    )
    def post(self, request: Request, campaign_uuid: UUID) -> Response:
        wanted = _said(request, WantedSerializer)
        person = person_of(request)
        campaign = queries.campaign_by(campaign_uuid)
        given = _give(person, campaign, wanted)
        body: dict[str, Any] = {
            "assignments": [_assignment(row, campaign) for row in given]
        }
        if not given:
            body["reason"] = queries.why_no_work(campaign, person)
        return Response(body)


def _give(
    person: Person, campaign: Campaign, wanted: dict[str, Any]
) -> list[Assignment]:
    now = timezone.now()
    count = wanted["count"]
    held: list[Assignment] = []
    if "held" in wanted:
        held = queries.held_by(person, campaign, besides=wanted["held"], now=now)
    held = held[:count]
    if len(held) == count:
        return held
    return held + actions.assign(person, campaign, count=count - len(held), now=now)


def _assignment(assignment: Assignment, campaign: Campaign) -> dict[str, Any]:
    task = assignment.task
    return {
        "uuid": assignment.uuid,
        "token": assignment.token,
        "expires_at": assignment.expires_at,
        "reward": money.to_text(assignment.reward),
        "task": {
            "uuid": task.uuid,
            "inputs": [
                {
                    "url": blobs_queries.link(picture["digest"]),
                    "width": picture["width"],
                    "height": picture["height"],
                    "name": picture.get("name", ""),
                }
                for picture in task.inputs
            ],
            "proposal": task.proposal,
        },
        "task_type": campaign.task_type,
        "question": campaign.question,
    }


class Answer(WorkView):
    @extend_schema(
        operation_id="work_answer",
        tags=["work"],
        summary="Answer a task",
        description=(
            "The same idempotency key again gives the same reply. Refusals: 400 "
            "`invalid` (with `fields`), 400 `wrong_token`, 403 `not_your_assignment`, "
            "409 `already_answered`, `already_skipped`, `lease_expired`, "
            "`task_decided`."
        ),
        request=AnswerSerializer,
        responses={
            200: ReceiptSerializer,
            400: RefusalSerializer,
            403: RefusalSerializer,
            404: RefusalSerializer,
            409: RefusalSerializer,
        },
    )
    def post(self, request: Request, assignment_uuid: UUID) -> Response:
        said = _said(request, AnswerSerializer)
        receipt = actions.submit(
            queries.assignment_with_task(assignment_uuid),
            person_of(request),
            now=timezone.now(),
            **said,
        )
        return Response({"answer": receipt.answer.uuid, "state": receipt.state})


class Skip(WorkView):
    @extend_schema(
        operation_id="work_skip",
        tags=["work"],
        summary="Give a task back without an answer",
        request=TokenSerializer,
        responses={
            204: None,
            400: RefusalSerializer,
            403: RefusalSerializer,
            404: RefusalSerializer,
            409: RefusalSerializer,
        },
    )
    def post(self, request: Request, assignment_uuid: UUID) -> Response:
        said = _said(request, TokenSerializer)
        assignment = queries.assignment_with_task(assignment_uuid)
        actions.skip(assignment, person_of(request), **said)
        return Response(status=204)


class Report(WorkView):
    @extend_schema(
        operation_id="work_report",
        tags=["work"],
        summary="Give a task back and say what is wrong with it",
        request=ReportSerializer,
        responses={
            204: None,
            400: RefusalSerializer,
            403: RefusalSerializer,
            404: RefusalSerializer,
            409: RefusalSerializer,
        },
    )
    def post(self, request: Request, assignment_uuid: UUID) -> Response:
        said = _said(request, ReportSerializer)
        assignment = queries.assignment_with_task(assignment_uuid)
        actions.report(assignment, person_of(request), **said)
        return Response(status=204)
