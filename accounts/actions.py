"""The only writer of accounts: persons, evidence, organizations, keys, audit."""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime

from allauth.mfa.adapter import get_adapter as second_factor_adapter
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group, Permission
from django.db import IntegrityError, transaction

from accounts import queries
from accounts.errors import IdentityTaken, OtherIdentity, OwnCase
from accounts.models import (
    ApiKey,
    AuditEvent,
    Evidence,
    Membership,
    Organization,
    Person,
    PiIdentity,
    User,
)

KEY_PREFIX = "tsk_"
# Whoever granted this can be paid, and has a wallet that nobody else may have here.
WALLET_SCOPE = "wallet_address"


def record_audit(
    actor: Person | None, verb: str, subject: str, **detail: object
) -> None:
    """Append what was done; call inside the transaction that does it."""
    AuditEvent.objects.create(actor=actor, verb=verb, subject=subject, detail=detail)


@transaction.atomic
def give_person(user: User) -> Person:
    """Return the person behind a sign-in, making one the first time."""
    locked = User.objects.select_for_update().get(pk=user.pk)
    if locked.person is None:
        locked.person = Person.objects.create()
        locked.save(update_fields=["person"])
    user.person = locked.person
    return locked.person


@transaction.atomic
def register_user(
    *,
    email: str,
    password: str,
    first_name: str = "",
    is_staff: bool = False,
    is_superuser: bool = False,
) -> User:
    """Create a sign-in with its person."""
    user = User.objects.create_user(
        email=email,
        password=password,
        first_name=first_name,
        is_staff=is_staff,
        is_superuser=is_superuser,
    )
    give_person(user)
    return user


@transaction.atomic
def give_role(user: User, *, role: str, permissions: Iterable[str]) -> None:
    """Make a member of staff one of a group that may do this ("app.codename")."""
    group, _ = Group.objects.get_or_create(name=role)
    for permission in permissions:
        app, codename = permission.split(".")
        group.permissions.add(
            Permission.objects.get(content_type__app_label=app, codename=codename)
        )
    user.groups.add(group)
    record_audit(None, "give_role", f"person:{give_person(user).uuid}", role=role)


@transaction.atomic
def set_second_factor(user: User, *, secret: str) -> None:
    """Give a sign-in this TOTP secret; theirs, if they have one, stays as it is."""
    _, created = Authenticator.objects.get_or_create(
        user=user,
        type=Authenticator.Type.TOTP,
        defaults={"data": {"secret": second_factor_adapter().encrypt(secret)}},
    )
    if created:
        record_audit(None, "second_factor_added", f"person:{give_person(user).uuid}")


@transaction.atomic
def remove_second_factor(user: User, actor: Person) -> None:
    """Take the second factor off somebody who lost it. Raises OwnCase for oneself."""
    if user.person_id == actor.pk:
        raise OwnCase
    removed, _ = Authenticator.objects.filter(user=user).delete()
    if removed:
        record_audit(actor, "second_factor_removed", f"person:{give_person(user).uuid}")


@transaction.atomic
def record_evidence(
    person: Person, *, kind: Evidence.Kind, level: int, source: str
) -> Evidence:
    """Append evidence; a person's level is the highest of theirs."""
    evidence = Evidence.objects.create(
        person=person, kind=kind, level=level, source=source
    )
    Person.objects.filter(pk=person.pk, level__lt=level).update(level=level)
    person.refresh_from_db(fields=["level"])
    record_audit(None, "record_evidence", f"person:{person.uuid}", kind=kind)
    return evidence


@transaction.atomic
def link_pi_identity(
    person: Person,
    *,
    uid: str,
    username: str,
    network: str,
    now: datetime,
    scopes: Iterable[str] = (WALLET_SCOPE,),
) -> PiIdentity:
    """Join a Pi account to a person, with what it granted; saying it again renews it.

    It is evidence of level 1 once `wallet_address` was granted, and of level 0 before.
    Raises IdentityTaken when the Pi account is already another person's or retired,
    and OtherIdentity when the person already has another.
    """
    Person.objects.select_for_update().get(pk=person.pk)
    identity = PiIdentity.objects.filter(uid=uid).first()
    known = identity.scopes if identity else None
    if identity is None:
        identity = PiIdentity(person=person, uid=uid, network=network)
        if queries.pi_identity_of(person, network):
            raise OtherIdentity
    if identity.person_id != person.pk or identity.retired_at:
        raise IdentityTaken
    identity.username = username or identity.username
    identity.scopes, identity.seen_at = sorted(scopes), now
    try:
        with transaction.atomic():
            identity.save()
    except IntegrityError as error:  # somebody else came first, or has this name
        raise IdentityTaken from error
    may_be_paid = WALLET_SCOPE in identity.scopes
    if known is None or (may_be_paid and WALLET_SCOPE not in known):
        record_evidence(
            person,
            kind=Evidence.Kind.PI_SIGN_IN,
            level=1 if may_be_paid else 0,
            source=f"{network}:{uid}",
        )
    return identity


@transaction.atomic
def create_organization(person: Person, *, name: str) -> Organization:
    """Create a client with this person as its owner."""
    organization = Organization.objects.create(name=name)
    Membership.objects.create(
        person=person, organization=organization, role=Membership.Role.OWNER
    )
    record_audit(person, "create_organization", f"organization:{organization.uuid}")
    return organization


def key_digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


@transaction.atomic
def create_api_key(
    organization: Organization, person: Person, *, name: str
) -> tuple[ApiKey, str]:
    """Return the key's row and its secret, which can never be read again."""
    secret = KEY_PREFIX + secrets.token_urlsafe(32)
    key = ApiKey.objects.create(
        organization=organization,
        created_by=person,
        name=name,
        prefix=secret[:12],
        digest=key_digest(secret),
    )
    record_audit(
        person, "create_api_key", f"organization:{organization.uuid}", key=key.prefix
    )
    return key, secret


@transaction.atomic
def revoke_api_key(key: ApiKey, person: Person, *, now: datetime) -> None:
    ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=now)
    record_audit(
        person,
        "revoke_api_key",
        f"organization:{key.organization.uuid}",
        key=key.prefix,
    )
