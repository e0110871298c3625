"""What there is to choose from, and what there is to spend."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import organizations_for
from compute.queries import registered_models
from marketplace.serializers import ModelSerializer, WalletSerializer
from rewards.queries import wallets_of


class Models(APIView):
    @extend_schema(
        tags=["models"],
        summary="Models that nodes can run",
        responses=ModelSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        return Response(ModelSerializer(registered_models(), many=True).data)


class Wallet(APIView):
    @extend_schema(
        tags=["wallet"],
        summary="Your organizations' Pi",
        responses=WalletSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        organizations = organizations_for(request)
        balances = wallets_of(organizations)
        rows = [
            {"organization": one, "balance": balances.get(one.pk, 0)}
            for one in organizations
        ]
        return Response(WalletSerializer(rows, many=True).data)
