"""Reads of projects: their terms, progress, money and items."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db.models import Count, OuterRef, Prefetch, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import Http404

from accounts.models import Organization
from labeling.models import Verdict
from marketplace import pricing
from marketplace.models import Item, Project, ProjectItem, Step
from rewards.models import Transfer

LIVE = (Project.Status.ACTIVE, Project.Status.PAUSED, Project.Status.CLOSING)
TILES = 600
ItemStatus = ProjectItem.Status


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How many items of a project are where."""

    waiting: int = 0
    detecting: int = 0
    verifying: int = 0
    done: int = 0
    dropped: int = 0

    @property
    def total(self) -> int:
        return self.waiting + self.detecting + self.verifying + self.done + self.dropped

    @property
    def percent(self) -> int:
        return 100 * (self.done + self.dropped) // self.total if self.total else 0


@dataclass(frozen=True, kw_only=True)
class Spend:
    """A project's money in 1e-7 Pi."""

    funded: int
    spent: int  # paid for accepted work, fees included
    refunded: int
    held: int  # set aside for work that is offered now
    available: int  # in escrow and not set aside

    @property
    def percent(self) -> int:
        budget = self.funded - self.refunded
        return min(100, 100 * self.spent // budget) if budget else 0


def funding_group(project: Project) -> str:
    return f"project:{project.uuid}:fund"


def refund_group(project: Project) -> str:
    return f"project:{project.uuid}:refund"


def fundings_of(project: Project) -> int:
    """Return how often the project was funded; the next funding has the next number."""
    return Transfer.objects.filter(group=funding_group(project)).count()


def projects_of(organizations: Sequence[Organization]) -> QuerySet[Project]:
    """Return projects, newest first."""
    return (
        Project.objects.filter(organization__in=organizations)
        .select_related("organization", "dataset", "model", "escrow", "job", "campaign")
        .order_by("-id")
    )


def project_of(organizations: Sequence[Organization], uuid: UUID) -> Project:
    """Return a project of these organizations. Raises Http404 for any other."""
    project = projects_of(organizations).filter(uuid=uuid).first()
    if project is None:
        raise Http404
    return project


def with_counts(projects: QuerySet[Project]) -> QuerySet[Project]:
    """Add ``all_count`` and ``done_count``, how many items there are and are done."""
    items = ProjectItem.objects.filter(project=OuterRef("pk")).order_by()
    counted = items.values("project").annotate(n=Count("pk")).values("n")
    return projects.annotate(
        all_count=Coalesce(Subquery(counted), 0),
        done_count=Coalesce(Subquery(counted.filter(status=ItemStatus.DONE)), 0),
    )


def project_by_id(project_id: int) -> Project:
    """Return a project for the pipeline, which acts for nobody."""
    return Project.objects.select_related("job", "campaign").get(pk=project_id)


def status_of(project_id: int) -> str:
    return Project.objects.values_list("status", flat=True).get(pk=project_id)


def live_project_ids() -> list[int]:
    return list(
        Project.objects.filter(status__in=LIVE)
        .order_by("id")
        .values_list("id", flat=True)
    )


def project_ids_of_units(unit_ids: Sequence[int]) -> list[int]:
    return _project_ids(Step.objects.filter(unit__in=unit_ids))


def project_ids_of_tasks(task_ids: Sequence[int]) -> list[int]:
    return _project_ids(Step.objects.filter(task__in=task_ids))


def _project_ids(steps: QuerySet[Step]) -> list[int]:
    return list(
        steps.order_by().values_list("project_item__project", flat=True).distinct()
    )


def terms_of(project: Project) -> pricing.Terms:
    return pricing.Terms(
        reward=project.reward,
        inference_price=project.inference_price,
        max_answers=project.max_answers,
        with_model=project.model_id is not None,
        fee_permille=fee_permille(),
    )


def fee_permille() -> int:
    return int(settings.FEE_PERMILLE)


def quote_of(project: Project) -> pricing.Quote:
    """Return the quote for the items it was launched with, else of its dataset."""
    if project.status == Project.Status.DRAFT:
        items = Item.objects.filter(dataset_id=project.dataset_id).count()
    else:
        items = ProjectItem.objects.filter(project=project).count()
    return pricing.quote(terms_of(project), items=items)


def progress_of(projects: Sequence[Project]) -> dict[int, Progress]:
    """Return the progress of each project by its id, in one query."""
    counts: dict[int, dict[str, int]] = {project.pk: {} for project in projects}
    rows = (
        ProjectItem.objects.filter(project__in=projects)
        .order_by()
        .values_list("project", "status")
        .annotate(n=Count("pk"))
    )
    for project_id, status, count in rows:
        counts[project_id][status] = count
    return {pk: Progress(**by_status) for pk, by_status in counts.items()}


def spend_of(project: Project) -> Spend:
    """Return a project's money; ``project.escrow`` must be fresh."""
    escrow = project.escrow
    refunded = Transfer.objects.filter(group=refund_group(project)).aggregate(
        sum=Sum("amount", default=0)
    )["sum"]
    return Spend(
        funded=escrow.credits,
        spent=escrow.debits - refunded,
        refunded=refunded,
        held=escrow.held,
        available=escrow.available,
    )


def tiles_of(project: Project) -> list[str]:
    """Return the status of the project's first items, for the mosaic."""
    return list(
        ProjectItem.objects.filter(project=project)
        .order_by("id")
        .values_list("status", flat=True)[:TILES]
    )


def results_of(project: Project) -> QuerySet[ProjectItem]:
    """Return the project's items with their standing verdicts, settled ones first."""
    standing = Verdict.objects.filter(verdict=None)
    return (
        ProjectItem.objects.filter(project=project)
        .select_related("item")
        .prefetch_related(
            Prefetch("steps", Step.objects.select_related("task", "unit")),
            Prefetch("steps__task__verdict_set", standing, to_attr="standing"),
        )
        .order_by("id")
    )


def verdicts_of(project: Project) -> QuerySet[Verdict]:
    """Return the standing verdicts of the project's items, in the items' order."""
    return (
        Verdict.objects.filter(
            Q(verdict=None),
            task__step__project_item__project=project,
            task__step__project_item__status=ItemStatus.DONE,
        )
        .select_related("task__step__project_item__item")
        .order_by("task__step__project_item")
    )
