"""The calls that a page with Pi's SDK makes to pay in; each may be made again.

The SDK repeats a call every ten seconds until it is answered with success. Of a body
only identifiers are read; every other fact is asked of Pi.
"""

from typing import Any
from uuid import UUID

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.authentication import SessionAuthentication
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from accounts import queries as people
from accounts.authentication import person_of
from accounts.models import Organization, Person
from rewards import deposits
from rewards.models import Deposit
from rewards.serializers import (
    ApprovalSerializer,
    CancelledSerializer,
    CompletionSerializer,
    DepositSerializer,
    DepositStartSerializer,
    NewDepositSerializer,
    PaymentSerializer,
)


def said(request: Request, serializer: type[Serializer[Any]]) -> dict[str, Any]:
    """Return what was sent, checked. Raises ValidationError."""
    checked = serializer(data=request.data)
    checked.is_valid(raise_exception=True)
    return dict(checked.validated_data)


def shown(deposit: Deposit) -> Response:
    return Response(DepositSerializer(deposit).data)


class PiView(APIView):
    """People only: who pays in holds a Pi wallet, which a key does not."""

    authentication_classes = [SessionAuthentication]
    parser_classes = [JSONParser]


def _managed(person: Person, uuid: UUID) -> Organization:
    """Return an organization that the person manages. Raises Http404."""
    for organization in people.organizations_of(person):
        if organization.uuid == uuid and people.is_manager(person, organization):
            return organization
    raise Http404


class Deposits(PiView):
    @extend_schema(
        tags=["wallet"],
        summary="Start a deposit; its answer goes into Pi.createPayment",
        request=NewDepositSerializer,
        responses={201: DepositStartSerializer},
    )
    def post(self, request: Request) -> Response:
        data = said(request, NewDepositSerializer)
        person = person_of(request)
        deposit = deposits.start_deposit(
            _managed(person, data["organization"]),
            person,
            data["amount"],
            now=timezone.now(),
        )
        answer = {**DepositSerializer(deposit).data, **deposits.payment_data(deposit)}
        return Response(answer, status=201)


class Approve(PiView):
    @extend_schema(
        tags=["wallet"],
        summary="onReadyForServerApproval: check the payment and let it go on",
        request=ApprovalSerializer,
        responses=DepositSerializer,
    )
    def post(self, request: Request) -> Response:
        data = said(request, ApprovalSerializer)
        return shown(
            deposits.approve_payment(
                person_of(request),
                data["payment_id"],
                deposit_uuid=data.get("deposit"),
                now=timezone.now(),
            )
        )


class Complete(PiView):
    @extend_schema(
        tags=["wallet"],
        summary="onReadyForServerCompletion: have the transaction verified, and credit",
        request=CompletionSerializer,
        responses=DepositSerializer,
    )
    def post(self, request: Request) -> Response:
        data = said(request, CompletionSerializer)
        return shown(
            deposits.complete_payment(
                person_of(request), data["payment_id"], data["txid"], now=timezone.now()
            )
        )


class Incomplete(PiView):
    @extend_schema(
        tags=["wallet"],
        summary="onIncompletePaymentFound: finish or cancel what was left open",
        request=PaymentSerializer,
        responses={204: None},
    )
    def post(self, request: Request) -> Response:
        data = said(request, PaymentSerializer)
        deposits.settle_incomplete(
            person_of(request), data["payment_id"], now=timezone.now()
        )
        return Response(status=204)


class Cancelled(PiView):
    @extend_schema(
        tags=["wallet"],
        summary="onCancel: close a deposit that Pi says was given up",
        request=CancelledSerializer,
        responses={204: None},
    )
    def post(self, request: Request) -> Response:
        data = said(request, CancelledSerializer)
        deposits.note_cancel(
            person_of(request),
            payment_id=data.get("payment_id"),
            deposit_uuid=data.get("deposit"),
            now=timezone.now(),
        )
        return Response(status=204)
