"""Projects: made, quoted, funded, launched, watched, exported."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import organizations_for, person_of
from compute.queries import model_by_digest
from marketplace.actions import projects as actions
from marketplace.api.calls import NewestFirst, said
from marketplace.api.downloads import download
from marketplace.models import Project
from marketplace.queries import datasets as dataset_queries
from marketplace.queries import projects as queries
from marketplace.serializers import (
    FundSerializer,
    NewProjectSerializer,
    ProjectDetailSerializer,
    ProjectSerializer,
    QuoteSerializer,
)
from marketplace.tasks import hint


def project_for(request: Request, uuid: UUID) -> Project:
    return queries.project_of(organizations_for(request), uuid)


def detail(project: Project) -> dict[str, Any]:
    return dict(
        ProjectDetailSerializer(
            {
                "project": project,
                "progress": queries.progress_of([project])[project.pk],
                "spend": queries.spend_of(project),
            }
        ).data
    )


@extend_schema(tags=["projects"])
class Projects(ListAPIView[Project]):
    """Your projects, newest first."""

    serializer_class = ProjectSerializer
    pagination_class = NewestFirst

    def get_queryset(self):  # type: ignore[no-untyped-def]
        return queries.projects_of(organizations_for(self.request))

    @extend_schema(
        summary="Make a project, as a draft",
        request=NewProjectSerializer,
        responses={201: ProjectDetailSerializer},
    )
    def post(self, request: Request) -> Response:
        body = said(request, NewProjectSerializer)
        dataset = dataset_queries.dataset_of(
            organizations_for(request), body.pop("dataset")
        )
        digest = body.pop("model", None)
        project = actions.create_project(
            dataset,
            person_of(request),
            model=model_by_digest(digest) if digest else None,
            **body,
        )
        return Response(detail(project), status.HTTP_201_CREATED)


class ProjectDetail(APIView):
    @extend_schema(
        tags=["projects"],
        summary="One project, its progress and its money",
        responses=ProjectDetailSerializer,
    )
    def get(self, request: Request, uuid: UUID) -> Response:
        return Response(detail(project_for(request, uuid)))


class ProjectQuote(APIView):
    @extend_schema(
        tags=["projects"], summary="What it can cost", responses=QuoteSerializer
    )
    def get(self, request: Request, uuid: UUID) -> Response:
        quote = queries.quote_of(project_for(request, uuid))
        return Response(QuoteSerializer(quote).data)


class ProjectFund(APIView):
    @extend_schema(
        tags=["projects"],
        summary="Pay from the wallet into the escrow",
        request=FundSerializer,
        responses=ProjectDetailSerializer,
    )
    def post(self, request: Request, uuid: UUID) -> Response:
        body = said(request, FundSerializer)
        project = actions.fund_project(
            project_for(request, uuid),
            person_of(request),
            amount=body["amount"],
            number=body.get("number"),
        )
        hint(project.pk)
        return Response(detail(project))


class ProjectVerb(APIView):
    """A call that takes nothing but the project, and moves it on."""

    def turn(self, request: Request, project: Project) -> Project:
        raise NotImplementedError

    @extend_schema(tags=["projects"], request=None, responses=ProjectDetailSerializer)
    def post(self, request: Request, uuid: UUID) -> Response:
        project = self.turn(request, project_for(request, uuid))
        hint(project.pk)
        return Response(detail(project))


@extend_schema_view(
    post=extend_schema(summary="Launch a draft: work is offered from now on")
)
class ProjectLaunch(ProjectVerb):
    def turn(self, request: Request, project: Project) -> Project:
        return actions.launch_project(project, person_of(request), now=timezone.now())


@extend_schema_view(post=extend_schema(summary="Offer no new work"))
class ProjectPause(ProjectVerb):
    def turn(self, request: Request, project: Project) -> Project:
        return actions.pause_project(project, person_of(request))


@extend_schema_view(post=extend_schema(summary="Go on after a pause"))
class ProjectResume(ProjectVerb):
    def turn(self, request: Request, project: Project) -> Project:
        return actions.resume_project(project, person_of(request))


@extend_schema_view(post=extend_schema(summary="Stop, and refund what is left"))
class ProjectClose(ProjectVerb):
    def turn(self, request: Request, project: Project) -> Project:
        return actions.close_project(project, person_of(request))


@extend_schema_view(post=extend_schema(summary="Take a draft's money back"))
class ProjectUnfund(ProjectVerb):
    def turn(self, request: Request, project: Project) -> Project:
        return actions.unfund_project(project, person_of(request))


class ProjectExport(APIView):
    @extend_schema(
        tags=["projects"],
        summary="The settled labels, as a file",
        parameters=[
            OpenApiParameter("form", str, OpenApiParameter.PATH, enum=["coco", "csv"])
        ],
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, uuid: UUID, form: str) -> HttpResponseBase:
        response = download(project_for(request, uuid), form)
        if response is None:
            raise Http404
        return response
