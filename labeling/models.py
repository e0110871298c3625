"""What people do: campaigns, tasks, assignments, answers, verdicts, reports."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Person
from rewards.models import Account, Hold


class Campaign(models.Model):
    """Ask verified people this question about many inputs, paid from this account."""

    class Status(models.TextChoices):
        ACTIVE = "active", _("active")  # -> paused | closing
        PAUSED = "paused", _("paused")  # -> active | closing
        CLOSING = "closing", _("closing")  # no new assignments -> closed
        CLOSED = "closed", _("closed")  # no task is open

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    fee_account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    title = models.CharField(max_length=120)
    task_type = models.CharField(max_length=20)  # a module of labeling.types
    question = models.JSONField()  # labels (name and color each) and instructions
    reward = models.BigIntegerField()  # 1e-7 Pi for each accepted answer
    fee = models.BigIntegerField()  # 1e-7 Pi beside each reward
    agreeing = models.PositiveSmallIntegerField(default=2)  # answers that must agree
    max_answers = models.PositiveSmallIntegerField(default=3)
    tenant = models.CharField(max_length=40, db_index=True)  # the organization's uuid
    status = models.CharField(
        max_length=8, choices=Status, default=Status.ACTIVE, db_index=True
    )
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(reward__gte=0)
                & Q(fee__gte=0)
                & Q(agreeing__gte=1)
                & Q(max_answers__gte=models.F("agreeing")),
                name="campaign_amounts_make_sense",
            )
        ]

    def __str__(self) -> str:
        return self.title


class Task(models.Model):
    """One input to be labelled; ``free`` says how many more people may be asked now."""

    class Status(models.TextChoices):
        OPEN = "open", _("open")  # -> settled | escalated | cancelled
        ESCALATED = "escalated", _("with a reviewer")  # -> settled | cancelled
        SETTLED = "settled", _("settled")  # a Verdict with content exists
        CANCELLED = "cancelled", _("cancelled")  # a Verdict without, if answered

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT)
    # [{"digest": hex, "media_type": …, "width": px, "height": px, "name": …}]
    inputs = models.JSONField()
    proposal = models.JSONField(null=True)  # an answer in the task type's schema
    proposer = models.CharField(max_length=80, blank=True)  # "model:{digest}"
    status = models.CharField(max_length=9, choices=Status, default=Status.OPEN)
    # Answers + running assignments + free = the answers that could settle it, so far
    # at least Campaign.agreeing and never more than Campaign.max_answers.
    free = models.PositiveSmallIntegerField()
    # Lower is served earlier: microseconds since 1970 when opened or last assigned.
    position = models.BigIntegerField()
    hold = models.OneToOneField(Hold, on_delete=models.PROTECT, null=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status="open") | Q(free=0), name="task_free_only_if_open"
            )
        ]
        indexes = [
            models.Index(
                fields=["campaign", "position"],
                name="task_claimable",
                condition=Q(status="open", free__gt=0),
            ),
            models.Index(fields=["campaign", "status"]),
            models.Index(
                fields=["id"],
                name="task_with_reviewer",
                condition=Q(status="escalated"),
            ),
        ]

    def __str__(self) -> str:
        return f"task {self.uuid.hex[:8]}"


class Assignment(models.Model):
    """A person's right to answer a task until ``expires_at``; its token works once."""

    class Purpose(models.TextChoices):
        WORK = "work", _("work")
        GOLD = "gold", _("gold")
        BLIND = "blind", _("blind")
        EXAM = "exam", _("exam")
        PANEL = "panel", _("panel")
        EXPERT = "expert", _("expert")

    class Status(models.TextChoices):
        ACTIVE = "active", _("active")  # -> submitted | skipped | expired
        SUBMITTED = "submitted", _("submitted")  # an Answer exists
        SKIPPED = "skipped", _("skipped")  # by the person, with or without a report
        EXPIRED = "expired", _("expired")  # -> active: taken again at a late submit

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    task = models.ForeignKey(Task, on_delete=models.PROTECT)
    person = models.ForeignKey(Person, on_delete=models.PROTECT)
    purpose = models.CharField(max_length=6, choices=Purpose, default=Purpose.WORK)
    reward = models.BigIntegerField()  # fixed at the assignment
    token = models.CharField(max_length=43)
    status = models.CharField(max_length=9, choices=Status, default=Status.ACTIVE)
    created = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["task", "person"], name="assignment_task_once_a_person"
            )
        ]
        indexes = [
            models.Index(
                fields=["expires_at"],
                name="assignment_running",
                condition=Q(status="active"),
            ),
            models.Index(fields=["person", "status"]),
        ]

    def __str__(self) -> str:
        return f"assignment {self.uuid.hex[:8]}"


class Answer(models.Model):
    """What a person said; never changed. Whether it counts is an AnswerDecision."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    assignment = models.OneToOneField(Assignment, on_delete=models.PROTECT)
    task = models.ForeignKey(Task, on_delete=models.PROTECT)
    person = models.ForeignKey(Person, on_delete=models.PROTECT)
    content = models.JSONField()  # in the task type's schema
    idempotency_key = models.CharField(max_length=64)
    seconds = models.FloatField()  # from shown to sent, as the page measured it
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task", "person"], name="answer_once")
        ]
        indexes = [models.Index(fields=["person", "-id"])]

    def __str__(self) -> str:
        return f"answer {self.uuid.hex[:8]}"


class Verdict(models.Model):
    """What a task's label is, as of ``version``; a later one supersedes it.

    Without content it says why there is no label; the answers are paid all the same.
    """

    class Rule(models.TextChoices):
        AGREEMENT = "agreement", _("people agreed")
        REVIEWER = "reviewer", _("a reviewer decided")
        UNUSABLE = "unusable", _("a reviewer found that it cannot be labelled")
        CANCELLED = "cancelled", _("the client stopped")

    task = models.ForeignKey(Task, on_delete=models.PROTECT)
    version = models.PositiveSmallIntegerField(default=1)
    supersedes = models.OneToOneField("self", on_delete=models.PROTECT, null=True)
    content = models.JSONField(null=True)
    rule = models.CharField(max_length=10, choices=Rule)
    decided_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task", "version"], name="verdict_version"),
            models.CheckConstraint(
                condition=Q(rule__in=["reviewer", "unusable"], decided_by__isnull=False)
                | Q(rule__in=["agreement", "cancelled"], decided_by__isnull=True),
                name="verdict_reviewer_is_known",
            ),
            models.CheckConstraint(
                condition=Q(rule__in=["agreement", "reviewer"], content__isnull=False)
                | Q(rule__in=["unusable", "cancelled"], content__isnull=True),
                name="verdict_content_iff_label",
            ),
        ]

    def __str__(self) -> str:
        return f"verdict {self.version} on {self.task_id}"


class AnswerDecision(models.Model):
    """The n-th decision on an answer; ``decision:{id}`` is the key of its payment."""

    answer = models.ForeignKey(
        Answer, on_delete=models.PROTECT, related_name="decisions"
    )
    n = models.PositiveSmallIntegerField(default=1)
    verdict = models.ForeignKey(Verdict, on_delete=models.PROTECT)
    accepted = models.BooleanField()
    agreement = models.FloatField()  # with the verdict, 0 … 1, in the type's measure
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["answer", "n"], name="answer_decision_n")
        ]

    def __str__(self) -> str:
        return f"decision {self.n} on {self.answer_id}"


class Report(models.Model):
    """A person says that a task should not be answered by anybody."""

    class Reason(models.TextChoices):
        BROKEN = "broken", _("the picture does not load or is damaged")
        UNCLEAR = "unclear", _("the instructions do not fit this picture")
        PRIVATE = "private", _("it shows private or personal data")
        HARMFUL = "harmful", _("it is illegal or harmful")

    assignment = models.OneToOneField(Assignment, on_delete=models.PROTECT)
    reason = models.CharField(max_length=8, choices=Reason)
    note = models.CharField(max_length=500, blank=True)
    created = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.reason}: {self.assignment_id}"
