"""Pi in and out for pages: paying in with Pi's SDK, and a person's payouts.

Every call of the SDK may be made again: it repeats one every ten seconds until it is
answered with success. Of a body only identifiers are read; the rest is asked of Pi.
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
from rewards.errors import InsufficientFunds
from rewards.models import Deposit
from rewards.payouts import queries as payout_queries
from rewards.payouts import requests
from rewards.payouts.standing import standing_of
from rewards.payouts.timeline import told
from rewards.serializers import (
    ApprovalSerializer,
    CancelledSerializer,
    CompletionSerializer,
    DepositSerializer,
    DepositStartSerializer,
    NewDepositSerializer,
    NewPayoutSerializer,
    PaymentSerializer,
    PayoutSerializer,
)

PAYOUTS_SHOWN = 50


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


class Payouts(PiView):
    @extend_schema(
        tags=["money"],
        summary="Your own payouts, newest first, with their steps",
        responses=PayoutSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        rows = payout_queries.own_payouts(person_of(request))[:PAYOUTS_SHOWN]
        return Response(PayoutSerializer(told(list(rows)), many=True).data)

    @extend_schema(
        tags=["money"],
        summary="Ask that Pi be paid to your wallet",
        request=NewPayoutSerializer,
        responses={201: PayoutSerializer},
    )
    def post(self, request: Request) -> Response:
        amount = said(request, NewPayoutSerializer)["amount"]
        person, now = person_of(request), timezone.now()
        account = standing_of(person, now).account
        if account is None:
            raise InsufficientFunds
        payout = requests.request_payout(person, account, amount, now=now)
        return Response(PayoutSerializer(told([payout])[0]).data, status=201)


class PayoutCancel(PiView):
    @extend_schema(
        tags=["money"],
        summary="Take a payout back that has not left",
        request=None,
        responses=PayoutSerializer,
    )
    def post(self, request: Request, uuid: UUID) -> Response:
        payout = requests.cancel_payout(person_of(request), uuid, now=timezone.now())
        return Response(PayoutSerializer(told([payout])[0]).data)
