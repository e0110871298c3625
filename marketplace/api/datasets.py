"""Datasets and their pictures."""

from uuid import UUID

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.generics import ListAPIView
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import organizations_for, person_of
from marketplace.actions import datasets as actions
from marketplace.api.calls import NewestFirst, OldestFirst, organization_for, said
from marketplace.models import Dataset, Item
from marketplace.queries import datasets as queries
from marketplace.serializers import (
    DatasetSerializer,
    ItemSerializer,
    NewDatasetSerializer,
    UploadOutcomeSerializer,
    UploadSerializer,
)


@extend_schema(tags=["datasets"])
class Datasets(ListAPIView[Dataset]):
    """Your datasets, newest first."""

    serializer_class = DatasetSerializer
    pagination_class = NewestFirst

    def get_queryset(self):  # type: ignore[no-untyped-def]
        return queries.datasets_of(organizations_for(self.request))

    @extend_schema(
        summary="Make a dataset",
        request=NewDatasetSerializer,
        responses={201: DatasetSerializer},
    )
    def post(self, request: Request) -> Response:
        body = said(request, NewDatasetSerializer)
        organization = organization_for(request, body.get("organization"))
        dataset = actions.create_dataset(
            organization, person_of(request), name=body["name"]
        )
        found = queries.dataset_of([organization], dataset.uuid)
        return Response(DatasetSerializer(found).data, status.HTTP_201_CREATED)


class DatasetDetail(APIView):
    @extend_schema(
        tags=["datasets"], summary="One dataset", responses=DatasetSerializer
    )
    def get(self, request: Request, uuid: UUID) -> Response:
        dataset = queries.dataset_of(organizations_for(request), uuid)
        return Response(DatasetSerializer(dataset).data)


@extend_schema(tags=["datasets"])
class Items(ListAPIView[Item]):
    """The dataset's pictures, oldest first; each ``url`` works for an hour or more."""

    serializer_class = ItemSerializer
    pagination_class = OldestFirst
    parser_classes = [MultiPartParser, JSONParser]

    def get_queryset(self):  # type: ignore[no-untyped-def]
        dataset = queries.dataset_of(
            organizations_for(self.request), self.kwargs["uuid"]
        )
        return queries.items_of(dataset)

    @extend_schema(
        summary="Upload pictures",
        description=(
            "Several files at once, zip files too. Each file is taken or refused by "
            "itself: a bad one never costs a good one. 400 if all were refused."
        ),
        request={"multipart/form-data": UploadSerializer},
        responses={
            200: UploadOutcomeSerializer,
            201: UploadOutcomeSerializer,
            400: UploadOutcomeSerializer,
        },
    )
    def post(self, request: Request, uuid: UUID) -> Response:
        dataset = queries.dataset_of(organizations_for(request), uuid)
        outcomes = actions.add_pictures(
            dataset, person_of(request), request.FILES.getlist("files")
        )
        states = [outcome.state for outcome in outcomes]
        body = UploadOutcomeSerializer(
            {
                "added": states.count("added"),
                "duplicates": states.count("duplicate"),
                "refused": states.count("refused"),
                "files": outcomes,
            }
        ).data
        if "added" in states:
            return Response(body, status.HTTP_201_CREATED)
        if "duplicate" in states:
            return Response(body)
        error = {"code": "all_refused", "message": _("No file could be used.")}
        return Response({"error": error, **body}, status.HTTP_400_BAD_REQUEST)
