"""The only writer of projects: created, funded, launched, paused, resumed, closed."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.actions import record_audit
from accounts.models import Person
from accounts.queries import is_manager
from compute import actions as compute_actions
from compute.models import Job, Model
from labeling import actions as labeling_actions
from labeling.models import Campaign
from marketplace import pricing
from marketplace.actions.terms import checked_terms
from marketplace.errors import EmptyDataset, NotManager, WrongStatus
from marketplace.models import Dataset, Item, Project, ProjectItem
from marketplace.queries import projects as queries
from rewards import ledger
from rewards.errors import InsufficientFunds
from rewards.models import Account, Transfer
from rewards.money import to_text

Status = Project.Status


@transaction.atomic
def create_project(
    dataset: Dataset,
    person: Person,
    *,
    name: str,
    task_type: str,
    labels: Sequence[Mapping[str, Any]],
    reward: int,
    max_answers: int,
    instructions: str = "",
    model: Model | None = None,
    class_map: Mapping[str, str] | None = None,
    inference_price: int = 0,
) -> Project:
    """Create a draft with its escrow. Raises NotManager, ValidationError."""
    if not is_manager(person, dataset.organization):
        raise NotManager
    terms = checked_terms(
        task_type=task_type,
        labels=labels,
        reward=reward,
        max_answers=max_answers,
        model=model,
        class_map=class_map or {},
        inference_price=inference_price,
    )
    project_uuid = uuid.uuid4()
    project = Project.objects.create(
        uuid=project_uuid,
        organization=dataset.organization,
        dataset=dataset,
        name=name,
        instructions=instructions,
        model=model,
        escrow=_account(dataset, f"project:{project_uuid}:escrow", "escrow"),
        fees=_account(dataset, f"project:{project_uuid}:fees", "fees"),
        **terms,
    )
    _audit(person, "create_project", project)
    return project


def _account(dataset: Dataset, code: str, kind: str) -> Account:
    return ledger.open_account(
        code, Account.Kind(kind), organization=dataset.organization
    )


@transaction.atomic
def fund_project(
    project: Project, person: Person, *, amount: int, number: int | None = None
) -> Project:
    """Move ``amount`` from the organization's wallet into the project's escrow.

    ``number`` counts the project's fundings from 1; a form that is sent twice carries
    the same one and pays once. Raises NotManager, WrongStatus, InsufficientFunds.
    """
    locked = _lock(project, person)
    _require(locked, Status.DRAFT, Status.ACTIVE, Status.PAUSED)
    known = queries.fundings_of(locked)
    number = number or known + 1
    if amount <= 0 or not 1 <= number <= known + 1:
        raise WrongStatus(_("Give an amount above 0, from a fresh page."))
    wallet = ledger.wallet_account(locked.organization)
    if number > known and wallet.available < amount:
        raise InsufficientFunds(
            _("The wallet has %(have)s Pi. Deposit %(missing)s Pi more first.")
            % {
                "have": to_text(wallet.available),
                "missing": to_text(amount - wallet.available),
            }
        )
    _audit(person, "fund_project", locked, amount=to_text(amount))
    ledger.post(
        [
            ledger.Movement(
                key=f"fund:{locked.uuid}:{number}",
                debit=wallet.pk,
                credit=locked.escrow_id,
                amount=amount,
                kind=Transfer.Kind.FUND,
                group=queries.funding_group(locked),
            )
        ]
    )
    locked.escrow.refresh_from_db()
    return locked


@transaction.atomic
def unfund_project(project: Project, person: Person) -> Project:
    """Give a draft's escrow back to the wallet. Raises NotManager, WrongStatus."""
    locked = _lock(project, person)
    _require(locked, Status.DRAFT)
    if locked.escrow.balance:
        _audit(person, "unfund_project", locked)
        number = queries.fundings_of(locked)
        refund(locked, key=f"unfund:{locked.uuid}:{number}")
        locked.escrow.refresh_from_db()
    return locked


def refund(project: Project, *, key: str) -> None:
    """Return the locked project's whole escrow to the wallet. Pays last."""
    wallet = ledger.wallet_account(project.organization)
    ledger.post(
        [
            ledger.Movement(
                key=key,
                debit=project.escrow_id,
                credit=wallet.pk,
                amount=project.escrow.balance,
                kind=Transfer.Kind.REFUND,
                group=queries.refund_group(project),
            )
        ]
    )


@transaction.atomic
def launch_project(project: Project, person: Person, *, now: datetime) -> Project:
    """Fix the project's items and open its job and campaign, all or nothing.

    Raises NotManager, WrongStatus, EmptyDataset, InsufficientFunds when the escrow is
    below the quote.
    """
    locked = _lock(project, person)
    _require(locked, Status.DRAFT)
    items = list(
        Item.objects.filter(dataset_id=locked.dataset_id)
        .order_by("id")
        .values_list("id", flat=True)
    )
    if not items:
        raise EmptyDataset
    terms = queries.terms_of(locked)
    missing = pricing.quote(terms, items=len(items)).total - locked.escrow.available
    if missing > 0:
        raise InsufficientFunds(
            _("The escrow is %(missing)s Pi short of the quote. Fund it first.")
            % {"missing": to_text(missing)}
        )
    locked.job = _open_job(locked, terms)
    locked.campaign = _open_campaign(locked, terms)
    ProjectItem.objects.bulk_create(
        (ProjectItem(project=locked, item_id=item) for item in items), batch_size=1000
    )
    locked.status = Status.ACTIVE
    locked.launched_at = now
    locked.save(update_fields=["job", "campaign", "status", "launched_at"])
    _audit(person, "launch_project", locked, items=len(items))
    return locked


def _open_job(project: Project, terms: pricing.Terms) -> Job | None:
    if project.model is None:
        return None
    return compute_actions.open_job(
        account=project.escrow,
        fee_account=project.fees,
        model=project.model,
        price=terms.inference_price,
        fee=terms.inference_fee,
        tenant=str(project.organization.uuid),
        replicas=pricing.REPLICAS,
    )


def _open_campaign(project: Project, terms: pricing.Terms) -> Campaign:
    return labeling_actions.open_campaign(
        account=project.escrow,
        fee_account=project.fees,
        title=project.name,
        task_type=project.task_type,
        question={"labels": project.labels, "instructions": project.instructions},
        reward=terms.reward,
        fee=terms.answer_fee,
        max_answers=terms.max_answers,
        tenant=str(project.organization.uuid),
        agreeing=pricing.AGREEING,
    )


def pause_project(project: Project, person: Person) -> Project:
    """Offer no new work; what is being done may be finished, and is paid."""
    return _turn(project, person, Status.PAUSED, since=(Status.ACTIVE,))


def resume_project(project: Project, person: Person) -> Project:
    return _turn(project, person, Status.ACTIVE, since=(Status.PAUSED,))


def close_project(project: Project, person: Person) -> Project:
    """Begin to close: the pipeline ends what is open, then refunds the rest.

    Only statuses change here. Work is cancelled by the pipeline, in transactions of
    its own, because ending a hold takes locks that must come after a task's.
    """
    return _turn(project, person, Status.CLOSING, since=(Status.ACTIVE, Status.PAUSED))


@transaction.atomic
def _turn(
    project: Project, person: Person, status: Project.Status, *, since: tuple[str, ...]
) -> Project:
    locked = _lock(project, person)
    if locked.status == status:
        return locked  # said twice
    _require(locked, *since)
    set_status(locked, status)
    _audit(person, f"{status}_project", locked)
    return locked


def set_status(project: Project, status: Project.Status) -> None:
    """Take the locked project's job and campaign along with it."""
    if project.job:
        compute_actions.set_job_status(project.job, Job.Status(status))
    if project.campaign:
        labeling_actions.set_campaign_status(project.campaign, Campaign.Status(status))
    project.status = status
    project.save(update_fields=["status", "closed_at"])


def lock(project_id: int) -> Project:
    """Lock a project's row; its escrow is read after that, so that it is true."""
    locked = (
        Project.objects.select_for_update(no_key=True, of=("self",))
        .select_related("organization", "dataset", "model", "job", "campaign")
        .get(pk=project_id)
    )
    assert locked.escrow.pk  # loads it now
    return locked


def _lock(project: Project, person: Person) -> Project:
    if not is_manager(person, project.organization):
        raise NotManager
    return lock(project.pk)


def _require(project: Project, *statuses: str) -> None:
    if project.status not in statuses:
        raise WrongStatus


def _audit(person: Person, verb: str, project: Project, **detail: object) -> None:
    record_audit(person, verb, f"project:{project.uuid}", **detail)
