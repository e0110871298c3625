"""The API's shapes: what it takes and what it answers. Amounts are text, in Pi."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.models import Organization
from blobs import queries as blobs_queries
from compute.models import Model
from compute.queries import classes_of
from marketplace import pricing
from marketplace.models import Dataset, Item, Project
from marketplace.queries.projects import Progress, Spend
from rewards.money import NotAnAmount, parse, to_text


@extend_schema_field(OpenApiTypes.STR)
class AmountField(serializers.Field[int, str, str, Any]):
    """Pi as a decimal text outside, whole 1e-7 Pi inside."""

    default_error_messages = {
        "not_an_amount": _("Write an amount of Pi, with at most 7 decimals.")
    }

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, str | int) or isinstance(data, bool):
            self.fail("not_an_amount")
        try:
            return parse(data)
        except NotAnAmount:
            self.fail("not_an_amount")

    def to_representation(self, value: int) -> str:
        return to_text(value)


class OrganizationSerializer(serializers.ModelSerializer[Organization]):
    class Meta:
        model = Organization
        fields = ["uuid", "name"]


class DatasetSerializer(serializers.ModelSerializer[Dataset]):
    organization = serializers.UUIDField(source="organization.uuid", read_only=True)
    item_count = serializers.IntegerField(read_only=True)

    class Meta:
        model = Dataset
        fields = ["uuid", "organization", "name", "item_count", "created"]
        read_only_fields = ["uuid", "created"]


class NewDatasetSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=120)
    organization = serializers.UUIDField(
        required=False, help_text=_("Needed only if you belong to several.")
    )


class ItemSerializer(serializers.ModelSerializer[Item]):
    digest = serializers.CharField(source="blob_id")
    url = serializers.SerializerMethodField()

    class Meta:
        model = Item
        fields = [
            "uuid",
            "name",
            "digest",
            "url",
            "width",
            "height",
            "source_width",
            "source_height",
            "created",
        ]

    def get_url(self, item: Item) -> str:
        return blobs_queries.link(item.blob_id)


class UploadSerializer(serializers.Serializer[Any]):
    files = serializers.ListField(
        child=serializers.FileField(allow_empty_file=True, max_length=1000),
        allow_empty=False,
        help_text=_("Pictures (JPEG, PNG, WebP) and zip files of pictures."),
    )


class FileOutcomeSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    state = serializers.ChoiceField(choices=["added", "duplicate", "refused"])
    code = serializers.CharField(help_text=_("Why it was not added; else empty."))
    message = serializers.CharField()
    item = serializers.UUIDField(source="item.uuid", default=None, allow_null=True)


class UploadOutcomeSerializer(serializers.Serializer[Any]):
    added = serializers.IntegerField()
    duplicates = serializers.IntegerField()
    refused = serializers.IntegerField()
    files = FileOutcomeSerializer(many=True)


class LabelSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=60)
    color = serializers.CharField(
        max_length=7, required=False, help_text=_("Like #7c3aed; chosen if left out.")
    )


class NewProjectSerializer(serializers.Serializer[Any]):
    dataset = serializers.UUIDField()
    name = serializers.CharField(max_length=120)
    task_type = serializers.ChoiceField(choices=Project.TaskType.choices)
    labels = LabelSerializer(many=True)
    instructions = serializers.CharField(
        required=False, allow_blank=True, max_length=5000
    )
    model = serializers.CharField(
        required=False, allow_null=True, help_text=_("A model's digest.")
    )
    class_map = serializers.DictField(
        child=serializers.CharField(),
        required=False,
        help_text=_("Which of the model's classes stands for which label."),
    )
    reward = AmountField(help_text=_("For each accepted answer."))
    inference_price = AmountField(
        required=False, help_text=_("For each accepted inference.")
    )
    max_answers = serializers.IntegerField(required=False, default=3)


class ProgressSerializer(serializers.Serializer[Progress]):
    total = serializers.IntegerField()
    waiting = serializers.IntegerField()
    detecting = serializers.IntegerField()
    verifying = serializers.IntegerField()
    done = serializers.IntegerField()
    dropped = serializers.IntegerField()
    percent = serializers.IntegerField()


class SpendSerializer(serializers.Serializer[Spend]):
    funded = AmountField()
    spent = AmountField()
    refunded = AmountField()
    held = AmountField()
    available = AmountField()


class ProjectSerializer(serializers.ModelSerializer[Project]):
    organization = serializers.UUIDField(source="organization.uuid")
    dataset = serializers.UUIDField(source="dataset.uuid")
    model = serializers.CharField(source="model.digest", default=None)
    reward = AmountField()
    inference_price = AmountField()

    class Meta:
        model = Project
        fields = [
            "uuid",
            "organization",
            "dataset",
            "name",
            "task_type",
            "labels",
            "instructions",
            "model",
            "class_map",
            "reward",
            "inference_price",
            "max_answers",
            "status",
            "created",
            "launched_at",
            "closed_at",
        ]


class ProjectDetailSerializer(serializers.Serializer[Any]):
    """A project with what changes while it runs."""

    project = ProjectSerializer()
    progress = ProgressSerializer()
    spend = SpendSerializer()


class QuoteLineSerializer(serializers.Serializer[pricing.Line]):
    what = serializers.CharField()
    count = serializers.IntegerField()
    each = AmountField()
    total = AmountField()


class QuoteSerializer(serializers.Serializer[pricing.Quote]):
    items = serializers.IntegerField()
    lines = QuoteLineSerializer(many=True)
    total = AmountField(help_text=_("The most it can cost: the escrow must have it."))
    least = AmountField(help_text=_("What it costs if people agree at once."))


class FundSerializer(serializers.Serializer[Any]):
    amount = AmountField()
    number = serializers.IntegerField(
        required=False,
        min_value=1,
        help_text=_(
            "Counts the project's fundings from 1. Send it, and a repeated call "
            "pays once."
        ),
    )


class ModelSerializer(serializers.ModelSerializer[Model]):
    classes = serializers.SerializerMethodField()

    class Meta:
        model = Model
        fields = ["digest", "name", "classes", "created"]

    def get_classes(self, model: Model) -> list[str]:
        return classes_of(model)


class WalletSerializer(serializers.Serializer[Any]):
    organization = OrganizationSerializer()
    balance = AmountField()
