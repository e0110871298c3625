"""Reads over accounts; each look-up says whose rows it may return."""

from allauth.mfa.models import Authenticator
from django.db.models import F, QuerySet
from django.http import Http404

from accounts.models import (
    ApiKey,
    Membership,
    Organization,
    Person,
    PiIdentity,
    PiRelink,
    User,
    Wallet,
)


def user_of(person: Person) -> User | None:
    return User.objects.filter(person=person).first()


def user_with_email(email: str) -> User | None:
    return User.objects.filter(email__iexact=email).first()


def has_second_factor(user: User) -> bool:
    return Authenticator.objects.filter(
        user=user, type=Authenticator.Type.TOTP
    ).exists()


def organizations_of(person: Person) -> QuerySet[Organization]:
    return Organization.objects.filter(membership__person=person).order_by("name")


def tenants_of(person: Person) -> set[str]:
    """Return the tenants (organization uuids) in which this person has an interest."""
    return {
        str(value) for value in organizations_of(person).values_list("uuid", flat=True)
    }


def is_manager(person: Person, organization: Organization) -> bool:
    return Membership.objects.filter(
        person=person,
        organization=organization,
        role__in=[Membership.Role.OWNER, Membership.Role.MANAGER],
    ).exists()


def live_key(digest: str) -> ApiKey | None:
    """Return the key, if it is not revoked and its maker still belongs there."""
    return (
        ApiKey.objects.select_related("organization", "created_by__user")
        .filter(
            digest=digest,
            revoked_at=None,
            organization__membership__person=F("created_by"),
        )
        .first()
    )


def keys_of(organization: Organization) -> QuerySet[ApiKey]:
    return ApiKey.objects.filter(organization=organization).order_by("-id")


def key_managed_by(person: Person, key_id: int) -> ApiKey:
    key = (
        ApiKey.objects.select_related("organization")
        .filter(pk=key_id, organization__in=organizations_of(person))
        .first()
    )
    if key is None or not is_manager(person, key.organization):
        raise Http404
    return key


def pi_identity_of(person: Person, network: str) -> PiIdentity | None:
    """Return the Pi account that this person signs in and is paid with."""
    return PiIdentity.objects.filter(
        person=person, network=network, retired_at=None
    ).first()


def pi_identity(uid: str) -> PiIdentity | None:
    return PiIdentity.objects.select_related("person").filter(uid=uid).first()


def pi_identity_named(username: str, network: str) -> PiIdentity | None:
    """Return the live identity with this Pi user name; an empty name is nobody's."""
    return (
        PiIdentity.objects.select_related("person")
        .filter(username=username, network=network, retired_at=None)
        .exclude(username="")
        .first()
    )


def open_relinks() -> QuerySet[PiRelink]:
    return PiRelink.objects.filter(decided_at=None).order_by("id")


def wallets_of(person: Person, network: str) -> QuerySet[Wallet]:
    return Wallet.objects.filter(person=person, network=network).order_by("id")
