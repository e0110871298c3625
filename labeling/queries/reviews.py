"""What a reviewer sees of a disputed task: everybody's answer, and no names."""

from collections import Counter
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404
from django.utils.translation import gettext as _

from accounts import queries as accounts_queries
from accounts.models import Person
from labeling.models import Answer, Report, Task
from labeling.queries.tasks import answers_to, reports_on
from labeling.types import Content

# Told apart by people who see few colours, too; the letter stands beside each box.
COLORS = (
    "#7c3aed",
    "#ea580c",
    "#0d9488",
    "#db2777",
    "#2563eb",
    "#65a30d",
    "#b45309",
    "#0891b2",
    "#4b5563",
)
PROPOSAL_COLOR = "#a16207"


@dataclass(frozen=True, kw_only=True)
class Source:
    """One label that the reviewer may take as the truth."""

    key: str
    place: int  # among the sources; each writes at another corner of its boxes
    mark: str  # stands beside its boxes
    title: str
    summary: str
    color: str
    content: Content
    seconds: float | None = None

    @property
    def boxes(self) -> list[dict[str, Any]]:
        """Return its boxes, each with where its label is written."""
        right, below = self.place % 2, self.place // 2 % 2
        return [
            box
            | {
                "anchor": "end" if right else "start",
                "text_x": box["x"] + (box["w"] if right else 0),
                "text_y": box["y"] + (box["h"] if below else 0),
                "shift": "1.1em" if below else "-0.35em",
            }
            for box in self.content.get("boxes", [])
        ]


@dataclass(frozen=True, kw_only=True)
class ReviewSheet:
    task: Task
    sources: list[Source]
    reports: list[Report]

    @property
    def picture(self) -> dict[str, Any]:
        return dict(self.task.inputs[0])

    @property
    def labels(self) -> list[dict[str, Any]]:
        return list(self.task.campaign.question["labels"])


def with_reviewer(person: Person | None = None) -> QuerySet[Task]:
    """Return the disputed tasks, oldest first: all, or those ``person`` may decide."""
    tasks = Task.objects.filter(status=Task.Status.ESCALATED).order_by("id")
    if person is None:
        return tasks
    own = Answer.objects.filter(task=OuterRef("pk"), person=person)
    tenants = accounts_queries.tenants_of(person)
    return tasks.filter(~Exists(own)).exclude(campaign__tenant__in=tenants)


def next_for_review(person: Person) -> Task | None:
    return with_reviewer(person).first()


def review_sheet(task_id: int) -> ReviewSheet:
    """Return what is known about a task that waits for a reviewer. Raises Http404."""
    task = with_reviewer().select_related("campaign").filter(pk=task_id).first()
    if task is None:
        raise Http404
    sources = [
        Source(
            key=f"answer:{answer.uuid}",
            place=place,
            mark=letter,
            title=_("Answer %s") % letter,
            summary=summary_of(answer.content),
            color=color,
            content=answer.content,
            seconds=answer.seconds,
        )
        for place, (answer, letter, color) in enumerate(
            zip(answers_to(task), ascii_uppercase, COLORS, strict=False)
        )
    ]
    if task.proposal is not None:
        sources.append(
            Source(
                key="proposal",
                place=3,
                mark=_("model"),
                title=_("The model's proposal"),
                summary=summary_of(task.proposal),
                color=PROPOSAL_COLOR,
                content=without_scores(task.proposal),
            )
        )
    return ReviewSheet(task=task, sources=sources, reports=list(reports_on(task)))


def without_scores(proposal: Content) -> Content:
    """Return a proposal as a person would have answered it."""
    bare = {key: value for key, value in proposal.items() if key != "score"}
    if "boxes" in bare:
        bare["boxes"] = [
            {key: value for key, value in box.items() if key != "score"}
            for box in bare["boxes"]
        ]
    return bare


def summary_of(content: Content) -> str:
    """Return an answer in a few words: how many of which label."""
    if "label" in content:
        return str(content["label"])
    counts = Counter(box["label"] for box in content["boxes"])
    if not counts:
        return _("nothing here")
    return ", ".join(f"{count} × {label}" for label, count in sorted(counts.items()))
