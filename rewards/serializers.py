"""The shapes of what rewards' API takes: strict, since money hangs on each field."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from rewards.models import Deposit
from rewards.money import NotAnAmount, parse, to_text

PAYMENT_ID = r"^[A-Za-z0-9_-]{1,64}$"
TXID = r"^[0-9a-fA-F]{64}$"


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses what it does not know: an address or a whole payment is never read."""

    def to_internal_value(self, data: Any) -> Any:
        known = super().to_internal_value(data)
        unknown = sorted(set(data) - set(self.fields))
        if unknown:
            raise serializers.ValidationError(
                {name: [_("This field is not taken.")] for name in unknown}
            )
        return known


class AmountField(serializers.Field[int, str, str, Any]):
    default_error_messages = {
        "not_an_amount": _("Write an amount of Pi, with at most 7 decimals.")
    }

    def to_internal_value(self, data: Any) -> int:
        try:
            # A JSON number went through a float: only text is exact.
            return parse(data) if isinstance(data, str) else self.fail("not_an_amount")
        except NotAnAmount:
            self.fail("not_an_amount")

    def to_representation(self, value: int) -> str:
        return to_text(value)


class NewDepositSerializer(StrictSerializer):
    organization = serializers.UUIDField()
    amount = AmountField()


class ApprovalSerializer(StrictSerializer):
    deposit = serializers.UUIDField(required=False)
    payment_id = serializers.RegexField(PAYMENT_ID)


class CompletionSerializer(StrictSerializer):
    payment_id = serializers.RegexField(PAYMENT_ID)
    txid = serializers.RegexField(TXID)


class PaymentSerializer(StrictSerializer):
    payment_id = serializers.RegexField(PAYMENT_ID)


class CancelledSerializer(StrictSerializer):
    deposit = serializers.UUIDField(required=False)
    payment_id = serializers.RegexField(PAYMENT_ID, required=False)


class DepositSerializer(serializers.ModelSerializer[Deposit]):
    deposit = serializers.UUIDField(source="uuid", read_only=True)
    amount = AmountField(read_only=True)

    class Meta:
        model = Deposit
        fields = ["deposit", "amount", "status"]


class NewPayoutSerializer(StrictSerializer):
    amount = AmountField()


class PayoutStepSerializer(StrictSerializer):
    words = serializers.CharField()
    state = serializers.CharField(help_text="done, now, later or bad")
    at = serializers.DateTimeField(allow_null=True)
    note = serializers.CharField()


class PayoutSerializer(StrictSerializer):
    """A payout as its person sees it (``rewards.payouts.timeline.Told``)."""

    payout = serializers.UUIDField(source="payout.uuid")
    amount = AmountField(source="payout.amount")
    status = serializers.CharField(source="payout.status")
    created = serializers.DateTimeField(source="payout.created")
    steps = PayoutStepSerializer(many=True)
    advice = serializers.CharField()
    link = serializers.CharField()
    can_be_taken_back = serializers.BooleanField()


class DepositStartSerializer(DepositSerializer):
    memo = serializers.CharField()
    metadata = serializers.DictField()

    class Meta(DepositSerializer.Meta):
        fields = ["deposit", "amount", "status", "memo", "metadata"]
