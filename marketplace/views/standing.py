"""What the project pages show of a project: its progress, money and labels."""

from typing import Any

from django.core.paginator import Paginator
from django.utils.translation import gettext_lazy as _

from blobs import queries as blobs_queries
from marketplace import pricing
from marketplace.forms import FundForm, ProjectForm
from marketplace.models import Project, ProjectItem
from marketplace.queries import projects as queries
from rewards.money import split
from rewards.queries import wallet_of

RESULTS_A_PAGE = 24
TILES_OF_MANY = 480
# The order in which the mosaic of a large project fills up.
ORDER = ("done", "dropped", "verifying", "detecting", "waiting")
LINE_NAMES = {
    "inference": _("computers propose"),
    "answer": _("people answer"),
    "inference_fee": _("fee on inferences"),
    "answer_fee": _("fee on answers"),
}


def quote_of_form(form: ProjectForm) -> dict[str, Any] | None:
    """Return what the form would cost as far as it is filled in."""
    cleaned = form.cleaned_data
    if not {"dataset", "reward", "max_answers"} <= cleaned.keys():
        return None
    terms = pricing.Terms(
        reward=cleaned["reward"],
        inference_price=cleaned.get("inference_price") or 0,
        max_answers=cleaned["max_answers"],
        with_model=bool(cleaned.get("model")),
        fee_permille=queries.fee_permille(),
    )
    items = form.dataset_chosen.item_count  # type: ignore[attr-defined]
    return shown_quote(pricing.quote(terms, items=items))


def shown_quote(quote: pricing.Quote) -> dict[str, Any]:
    return {
        "items": quote.items,
        "total": quote.total,
        "least": quote.least,
        "lines": [(LINE_NAMES[line.what], line) for line in quote.lines],
    }


def of_project(project: Project, *, may_write: bool) -> dict[str, Any]:
    """Return the whole page's context, without the results."""
    quote = queries.quote_of(project)
    spend = queries.spend_of(project)
    wallet = wallet_of(project.organization)
    missing = max(0, quote.total - spend.available)
    labels = [
        label
        | {
            "classes": [
                name
                for name, stands_for in project.class_map.items()
                if stands_for == label["name"]
            ]
        }
        for label in project.labels
    ]
    return progress(project) | {
        "may_write": may_write,
        "labels": labels,
        "quote": shown_quote(quote),
        "missing": missing,
        "wallet": wallet.available if wallet else 0,
        "fund_form": FundForm(
            initial={
                "amount": missing or None,
                "number": queries.fundings_of(project) + 1,
            }
        ),
    }


def progress(project: Project) -> dict[str, Any]:
    """Return what changes every few seconds."""
    now = queries.progress_of([project])[project.pk]
    return {
        "project": project,
        "progress": now,
        "tiles": _tiles(project, now),
        "spend": queries.spend_of(project),
        "is_live": project.status in queries.LIVE,
    }


def _tiles(project: Project, now: queries.Progress) -> list[str]:
    """Return a tile's state for each item, or for each share of very many."""
    if now.total <= queries.TILES:
        return queries.tiles_of(project)
    counts = [getattr(now, state) for state in ORDER]
    shares = split(TILES_OF_MANY, counts)
    return [state for state, n in zip(ORDER, shares, strict=True) for _tile in range(n)]


def results(project: Project, *, page: str) -> dict[str, Any]:
    found = Paginator(queries.results_of(project), RESULTS_A_PAGE).get_page(page)
    colors = {label["name"]: label["color"] for label in project.labels}
    return {"page": found, "results": [_result(row, colors) for row in found]}


def _result(row: ProjectItem, colors: dict[str, str]) -> dict[str, Any]:
    """Return an item with its verdict, or while it has none, with the proposal."""
    task = next((step.task for step in row.steps.all() if step.task), None)
    standing = list(task.standing) if task else []  # type: ignore[attr-defined]
    content = standing[0].content if standing else task and task.proposal
    content = content or {}
    return {
        "item": row.item,
        "status": row.status,
        "status_text": row.get_status_display(),
        "url": blobs_queries.link(row.item.blob_id),
        "small_url": blobs_queries.small_link(row.item.blob_id),
        "is_verdict": bool(standing),
        "choice": content.get("label"),
        "boxes": [
            box | {"color": colors.get(box["label"], "#7c3aed")}
            for box in content.get("boxes", ())
        ],
    }
