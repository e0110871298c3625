"""The shapes of the work API; amounts are strings, in Pi."""

from rest_framework import serializers

from labeling.models import Report

SECONDS_MAX = 86_400.0


class CampaignSerializer(serializers.Serializer[object]):
    uuid = serializers.UUIDField()
    title = serializers.CharField()
    task_type = serializers.CharField()
    reward = serializers.CharField(help_text="For each accepted answer, in Pi.")
    open_tasks = serializers.IntegerField(
        help_text="How many tasks wait for you, counted up to 100."
    )
    open_tasks_more = serializers.BooleanField(
        help_text="There are more than were counted."
    )
    acceptance = serializers.FloatField(
        allow_null=True, help_text="Share of the latest answers that were accepted."
    )
    median_seconds = serializers.FloatField(allow_null=True)
    picture_url = serializers.CharField(allow_null=True)


class CampaignsSerializer(serializers.Serializer[object]):
    campaigns = CampaignSerializer(many=True)


class WantedSerializer(serializers.Serializer[object]):
    count = serializers.IntegerField(min_value=1, max_value=3, default=1)
    held = serializers.ListField(
        child=serializers.UUIDField(),
        max_length=20,
        required=False,
        help_text=(
            "The assignments that the page has. When given, what you still hold "
            "beside these comes first, so that a page loaded again loses nothing."
        ),
    )


class InputSerializer(serializers.Serializer[object]):
    url = serializers.CharField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    name = serializers.CharField()


class TaskSerializer(serializers.Serializer[object]):
    uuid = serializers.UUIDField()
    inputs = InputSerializer(many=True)
    proposal = serializers.JSONField(allow_null=True)


class AssignmentSerializer(serializers.Serializer[object]):
    uuid = serializers.UUIDField()
    token = serializers.CharField(help_text="Needed to answer; works once.")
    expires_at = serializers.DateTimeField()
    reward = serializers.CharField()
    task = TaskSerializer()
    task_type = serializers.CharField()
    question = serializers.JSONField(help_text="The labels and the instructions.")


class AssignmentsSerializer(serializers.Serializer[object]):
    assignments = AssignmentSerializer(many=True)
    reason = serializers.ChoiceField(
        choices=["no_work", "paused", "all_done"],
        required=False,
        help_text="Why the list is empty.",
    )


class TokenSerializer(serializers.Serializer[object]):
    token = serializers.CharField(max_length=64)


class AnswerSerializer(TokenSerializer):
    content = serializers.JSONField()
    idempotency_key = serializers.CharField(max_length=64)
    seconds = serializers.FloatField(min_value=0, max_value=SECONDS_MAX)

    def validate_seconds(self, value: float) -> float:
        if value != value:  # noqa: PLR0124 - only NaN differs from itself
            raise serializers.ValidationError
        return value


class ReportSerializer(TokenSerializer):
    reason = serializers.ChoiceField(choices=Report.Reason.choices)
    note = serializers.CharField(max_length=500, allow_blank=True, default="")


class ReceiptSerializer(serializers.Serializer[object]):
    answer = serializers.UUIDField()
    state = serializers.ChoiceField(choices=["waiting", "accepted", "not_accepted"])


class ProblemSerializer(serializers.Serializer[object]):
    code = serializers.CharField()
    message = serializers.CharField()
    fields = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=serializers.CharField()), required=False
    )


class RefusalSerializer(serializers.Serializer[object]):
    error = ProblemSerializer()
