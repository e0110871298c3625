"""The operator's pages: pair a node, see what it does, earns, and why it waits."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.authentication import person_of
from compute import actions, queries, scheduling
from compute.models import Lease, Node, Unit


@dataclass(frozen=True)
class NodeRow:
    node: Node
    online: bool


@dataclass(frozen=True)
class LeaseRow:
    """A lease in plain words; ``badge`` is ok, wait or bad."""

    lease: Lease
    badge: str
    state: str
    why: str
    paid: int = 0


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def nodes(request: HttpRequest) -> HttpResponse:
    """Show the page; asked by POST, with a new code, which is kept nowhere readable."""
    code = ""
    if request.method == "POST":
        code = actions.issue_code(person_of(request), now=timezone.now())
    return _page(request, code=code)


@login_required
@require_POST
def remove(request: HttpRequest, node_uuid: UUID) -> HttpResponse:
    person = person_of(request)
    node = queries.node_owned_by(person, node_uuid)
    actions.revoke_node(node, actor=person, now=timezone.now())
    messages.success(request, _("%(node)s was removed.") % {"node": node.name})
    return redirect("nodes")


def _page(request: HttpRequest, *, code: str) -> HttpResponse:
    person, now = person_of(request), timezone.now()
    found = [
        NodeRow(node, online=_is_online(node, now)) for node in queries.nodes_of(person)
    ]
    context = {
        "code": code,
        "code_minutes": int(actions.CODE_LIFE.total_seconds() // 60),
        "server": f"{request.scheme}://{request.get_host()}",
        "rows": found,
        "online": sum(row.online for row in found),
        "done": sum(row.node.done for row in found),  # type: ignore[attr-defined]
        "earned": queries.earned_by_nodes(person),
        "leases": [_in_words(lease) for lease in queries.recent_leases(person)],
        "reasons": queries.why_idle(person),
    }
    return render(request, "compute/nodes.html", context)


def _is_online(node: Node, now: datetime) -> bool:
    spacing = scheduling.next_poll_s(
        online=queries.online_nodes(now),
        polls_per_second=settings.POLLS_PER_SECOND,
        given=0,
        chance=0.5,
    )
    # Three polls may be lost, and a sign of life is written only every 15 seconds.
    quiet = timedelta(seconds=3 * spacing) + 3 * actions.SEEN_STEP
    return (
        node.status == Node.Status.ACTIVE
        and node.seen_at is not None
        and now - node.seen_at < quiet
    )


def _in_words(lease: Lease) -> LeaseRow:
    """Say where a lease stands so that nobody has to ask what a status means."""
    if lease.status == Lease.Status.SUBMITTED:
        return _answered(lease)
    words = {
        Lease.Status.ACTIVE: ("wait", _("running"), _("It works on a photo.")),
        Lease.Status.RELEASED: (
            "wait",
            _("given back"),
            _("It gave it back, so another computer does it."),
        ),
        Lease.Status.EXPIRED: (
            "bad",
            _("too late"),
            _("It took too long, so another computer does it."),
        ),
    }
    return LeaseRow(lease, *words[Lease.Status(lease.status)])


def _answered(lease: Lease) -> LeaseRow:
    result = lease.result
    if result.accepted:
        why = _("Another computer, or our own check, found the same.")
        return LeaseRow(lease, "ok", _("paid"), why, lease.price)
    if result.error:
        why = _("It could not run the model on this photo.")
        return LeaseRow(lease, "bad", _("not paid"), why)
    if result.accepted is False:
        why = _("We ran the same model on this photo and found something else.")
        return LeaseRow(lease, "bad", _("not paid"), why)
    if lease.unit.status == Unit.Status.DISPUTED:
        why = _("The computers differ, so we run the model ourselves.")
        return LeaseRow(lease, "wait", _("waiting"), why)
    why = _("A second computer has still to find the same.")
    return LeaseRow(lease, "wait", _("waiting"), why)
