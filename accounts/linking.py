"""How a Pi account and a wallet come to be somebody's: sign-in, linking, relinking."""

from datetime import datetime

from django.db import IntegrityError, transaction

from accounts import actions, queries
from accounts.errors import IdentityChanged, IdentityTaken, OwnCase, WalletTaken
from accounts.models import Evidence, Person, PiIdentity, PiRelink, User, Wallet
from accounts.pi_records import UserDTO

LEVEL_OF_WALLET = 2


def sign_in(seen: UserDTO, *, network: str, now: datetime) -> User:
    """Return the sign-in of whom Pi says this is; a new person's is made.

    Raises IdentityChanged when a known user name comes with an unknown uid: it is
    never merged by itself, staff are asked.
    """
    identity = queries.pi_identity(seen.uid)
    person = identity.person if identity else None
    if person is None:
        _ask_if_known(seen, network=network)
    with transaction.atomic():
        user = queries.user_of(person) if person else None
        if user is None:
            user = _new_user(seen, person)
        _link(actions.give_person(user), seen, network=network, now=now)
    return user


def link(person: Person, seen: UserDTO, *, network: str, now: datetime) -> PiIdentity:
    """Join a Pi account to somebody who is signed in another way."""
    if queries.pi_identity(seen.uid) is None:
        _ask_if_known(seen, network=network, claimant=person)
    return _link(person, seen, network=network, now=now)


def _link(person: Person, seen: UserDTO, *, network: str, now: datetime) -> PiIdentity:
    return actions.link_pi_identity(
        person,
        uid=seen.uid,
        username=seen.username,
        network=network,
        scopes=seen.scopes,
        now=now,
    )


def _new_user(seen: UserDTO, person: Person | None) -> User:
    """Make a sign-in without email and password; Pi alone opens it."""
    user = User.objects.create_user(email=None, first_name=seen.username[:150])
    if person is not None:  # whose sign-in was erased, and who comes again
        user.person = person
        user.save(update_fields=["person"])
    return user


def _ask_if_known(
    seen: UserDTO, *, network: str, claimant: Person | None = None
) -> None:
    """Keep a request for staff when the user name is known under another uid."""
    known = queries.pi_identity_named(seen.username, network)
    if known is None:
        return
    if claimant is not None and claimant.pk != known.person_id:
        raise IdentityTaken
    with transaction.atomic():
        Person.objects.select_for_update().get(pk=known.person_id)
        request, created = PiRelink.objects.get_or_create(
            uid=seen.uid,
            decided_at=None,
            defaults={
                "person": known.person,
                "network": network,
                "username": seen.username,
                "scopes": sorted(seen.scopes),
            },
        )
        if created:
            actions.record_audit(
                None,
                "pi_relink_asked",
                f"person:{request.person.uuid}",
                old=known.uid,
                new=seen.uid,
            )
    raise IdentityChanged


@transaction.atomic
def decide_relink(
    relink_id: int, actor: Person, *, is_joined: bool, now: datetime
) -> None:
    """Join the new uid to the person and retire the old one, or refuse to.

    Deciding again does nothing. Raises OwnCase for one's own account.
    """
    relink = (
        PiRelink.objects.select_for_update(of=("self",))
        .select_related("person")
        .get(pk=relink_id)
    )
    if relink.decided_at is not None:
        return
    person = relink.person
    if person.pk == actor.pk:
        raise OwnCase
    if is_joined:
        old = queries.pi_identity_of(person, relink.network)
        if old is not None:
            old.retired_at = now
            old.save(update_fields=["retired_at"])
        actions.link_pi_identity(
            person,
            uid=relink.uid,
            username=relink.username,
            network=relink.network,
            scopes=relink.scopes,
            now=now,
        )
    relink.decided_at, relink.decided_by, relink.is_joined = now, actor, is_joined
    relink.save(update_fields=["decided_at", "decided_by", "is_joined"])
    actions.record_audit(
        actor,
        "pi_relink_joined" if is_joined else "pi_relink_refused",
        f"person:{person.uuid}",
        new=relink.uid,
    )


@transaction.atomic
def record_wallet(
    person: Person,
    *,
    network: str,
    address: str,
    source: str,
    now: datetime,
    has_moved: bool = False,
) -> Wallet:
    """Keep whose wallet this is; once it moved value, that is evidence of level 2.

    ``source`` says how it was learnt ("payout:4f1c…"). Raises WalletTaken when it is
    another person's: one wallet never serves two.
    """
    Person.objects.select_for_update().get(pk=person.pk)
    wallet = Wallet.objects.filter(network=network, address=address).first()
    if wallet is None:
        wallet = Wallet(
            person=person, network=network, address=address, seen_at=now, source=source
        )
        try:
            with transaction.atomic():
                wallet.save()
        except IntegrityError as error:
            raise WalletTaken from error
    if wallet.person_id != person.pk:
        raise WalletTaken
    if has_moved and wallet.moved_at is None:
        wallet.moved_at = now
        wallet.save(update_fields=["moved_at"])
        actions.record_evidence(
            person,
            kind=Evidence.Kind.WALLET,
            level=LEVEL_OF_WALLET,
            source=f"{network}:{address} {source}"[:200],
        )
    return wallet
