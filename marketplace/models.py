"""What clients buy: datasets, items, projects, and each item's steps."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization
from blobs.models import Blob
from compute.models import Job, Model, Unit
from labeling.models import Campaign, Task
from rewards.models import Account


class Dataset(models.Model):
    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT)
    name = models.CharField(_("name"), max_length=120)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "name"], name="dataset_name_once"
            )
        ]

    def __str__(self) -> str:
        return self.name


class Grant(models.Model):
    """An organization has shown these bytes, so it may use them again."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE)
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "blob"], name="grant_once")
        ]

    def __str__(self) -> str:
        return f"{self.blob_id[:12]} for {self.organization}"


class Item(models.Model):
    """One thing of a dataset to be labelled."""

    class Kind(models.TextChoices):
        PICTURE = "picture", _("picture")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT)
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.PICTURE)
    name = models.CharField(max_length=255)  # the client's own file name
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT)
    width = models.PositiveIntegerField()  # of the stored picture, in pixels
    height = models.PositiveIntegerField()
    source_width = models.PositiveIntegerField()  # of the client's picture, upright
    source_height = models.PositiveIntegerField()
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["dataset", "blob"], name="item_once_in_a_dataset"
            )
        ]

    def __str__(self) -> str:
        return self.name


class Project(models.Model):
    """A client's order: label this dataset, so, at this price."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("draft")  # -> active
        ACTIVE = "active", _("active")  # -> paused | closing
        PAUSED = "paused", _("paused")  # -> active | closing
        CLOSING = "closing", _("closing")  # open work ends -> closed
        CLOSED = "closed", _("closed")  # escrow and holds are zero

    class TaskType(models.TextChoices):
        BOXES = "boxes", _("boxes around things")
        SINGLE_CHOICE = "single_choice", _("one label for the picture")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT)
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT)
    name = models.CharField(_("name"), max_length=120)
    task_type = models.CharField(max_length=20, choices=TaskType)
    labels = models.JSONField()  # [{"name": "dog", "color": "#7c3aed"}]
    instructions = models.TextField(_("instructions"), blank=True)
    model = models.ForeignKey(Model, on_delete=models.PROTECT, null=True, blank=True)
    class_map = models.JSONField(default=dict)  # {"model class": "label"}
    reward = models.BigIntegerField()  # 1e-7 Pi for each accepted answer
    inference_price = models.BigIntegerField()  # 1e-7 Pi for each accepted inference
    max_answers = models.PositiveSmallIntegerField(_("most answers per item"))
    status = models.CharField(
        max_length=8, choices=Status, default=Status.DRAFT, db_index=True
    )
    escrow = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    fees = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    job = models.OneToOneField(Job, on_delete=models.PROTECT, null=True)
    campaign = models.OneToOneField(Campaign, on_delete=models.PROTECT, null=True)
    created = models.DateTimeField(auto_now_add=True)
    launched_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status="draft", campaign__isnull=True)
                | (~Q(status="draft") & Q(campaign__isnull=False)),
                name="project_campaign_iff_launched",
            ),
            models.CheckConstraint(
                condition=Q(reward__gte=0)
                & Q(inference_price__gte=0)
                & Q(max_answers__gte=2),
                name="project_amounts_make_sense",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ProjectItem(models.Model):
    """An item on its way through a project."""

    class Status(models.TextChoices):
        WAITING = "waiting", _("waiting")  # -> detecting | verifying: held and opened
        DETECTING = "detecting", _("with nodes")  # -> verifying
        VERIFYING = "verifying", _("with people")  # -> done | dropped
        DONE = "done", _("labelled")
        DROPPED = "dropped", _("not labelled")  # the project closed before

    project = models.ForeignKey(
        Project, on_delete=models.PROTECT, related_name="project_items"
    )
    item = models.ForeignKey(Item, on_delete=models.PROTECT)
    status = models.CharField(max_length=9, choices=Status, default=Status.WAITING)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "item"], name="project_item_once"
            )
        ]
        indexes = [models.Index(fields=["project", "status", "id"])]

    def __str__(self) -> str:
        return f"{self.item_id} in {self.project_id}"


class Step(models.Model):
    """One pass over a project's item, by nodes or by people."""

    class Kind(models.TextChoices):
        DETECT = "detect", _("detect")  # unit
        VERIFY = "verify", _("verify")  # task

    project_item = models.ForeignKey(
        ProjectItem, on_delete=models.PROTECT, related_name="steps"
    )
    kind = models.CharField(max_length=6, choices=Kind)
    round = models.PositiveSmallIntegerField(default=1)
    unit = models.OneToOneField(Unit, on_delete=models.PROTECT, null=True)
    task = models.OneToOneField(Task, on_delete=models.PROTECT, null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project_item", "kind", "round"], name="step_once_a_round"
            ),
            models.CheckConstraint(
                condition=Q(kind="detect", unit__isnull=False, task__isnull=True)
                | Q(kind="verify", unit__isnull=True, task__isnull=False),
                name="step_points_at_its_kind",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.project_item_id}"
