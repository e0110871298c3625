"""Reads of datasets and their items."""

from collections.abc import Sequence
from uuid import UUID

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404

from accounts.models import Membership, Organization, Person
from marketplace.models import Dataset, Item

MANAGING = (Membership.Role.OWNER, Membership.Role.MANAGER)
COVERS = 4  # pictures on a dataset's card


def managed_by(person: Person) -> QuerySet[Organization]:
    """Return the organizations in which this person may write."""
    return Organization.objects.filter(
        membership__person=person, membership__role__in=MANAGING
    ).order_by("name")


def datasets_of(organizations: Sequence[Organization]) -> QuerySet[Dataset]:
    """Return datasets, newest first, each with ``item_count`` and newest pictures."""
    items = Item.objects.filter(dataset=OuterRef("pk")).order_by().values("dataset")
    newest = Item.objects.filter(dataset=OuterRef("pk")).order_by("-id")
    covers = {
        f"cover_{index}": Subquery(newest.values("blob")[index : index + 1])
        for index in range(COVERS)
    }
    return (
        Dataset.objects.filter(organization__in=organizations)
        .select_related("organization")
        .annotate(
            item_count=Coalesce(Subquery(items.annotate(n=Count("pk")).values("n")), 0),
            **covers,
        )
        .order_by("-id")
    )


def covers_of(dataset: Dataset) -> list[str]:
    """Return the digests of the newest pictures of a row of ``datasets_of``."""
    digests = [getattr(dataset, f"cover_{index}") for index in range(COVERS)]
    return [digest for digest in digests if digest]


def dataset_of(organizations: Sequence[Organization], uuid: UUID) -> Dataset:
    """Return a dataset of these organizations. Raises Http404 for any other."""
    dataset = datasets_of(organizations).filter(uuid=uuid).first()
    if dataset is None:
        raise Http404
    return dataset


def items_of(dataset: Dataset) -> QuerySet[Item]:
    """Return the dataset's items, oldest first."""
    return Item.objects.filter(dataset=dataset).order_by("id")
