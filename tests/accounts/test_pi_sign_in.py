"""Signing in with Pi and joining a Pi account: one human, one account, one wallet."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.http import HttpResponse
from django.test import Client, override_settings
from django.utils import timezone

from accounts import actions, linking, queries
from accounts.errors import IdentityTaken, OtherIdentity, OwnCase, WalletTaken
from accounts.models import AuditEvent, Evidence, Person, PiIdentity, PiRelink, User
from rewards.simulator.faults import Action, Fault
from rewards.simulator.world import Simulator
from tests.staff import enter

pytestmark = pytest.mark.django_db
PASSWORD = "a long quiet river"
SCOPES = ["username", "payments", "wallet_address"]


def post(client: Client, path: str, **body: Any) -> HttpResponse:
    return client.post(path, json.dumps(body), "application/json")


def play(client: Client, username: str, scopes: list[str] | None = None) -> str:
    """Return the token that the simulated wallet gives to this browser."""
    answer = post(
        client,
        "/pi/simulated/authenticate/",
        username=username,
        scopes=scopes or SCOPES,
    )
    assert answer.status_code == 200, answer.content
    return answer.json()["accessToken"]


def session(client: Client, token: str) -> HttpResponse:
    return post(client, "/pi/session/", accessToken=token)


def by_email(client: Client, email: str = "ada@example.com") -> Person:
    user = actions.register_user(email=email, password=PASSWORD)
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    assert user.person
    return user.person


def code(answer: HttpResponse) -> str:
    return answer.json()["error"]["code"]


# --- Signing in


def test_a_newcomer_signs_in_with_pi_without_email_and_password(
    client: Client, simulated_pi: Simulator
) -> None:
    answer = session(client, play(client, "ada"))
    assert (answer.status_code, answer.json()) == (200, {"next": "/home/"})
    page = client.get("/home/")
    assert page.status_code == 200
    assert "ada" in page.content.decode()
    user = User.objects.get()
    assert (user.email, user.has_usable_password(), user.person.level) == (
        None,
        False,
        1,
    )
    identity = PiIdentity.objects.get()
    assert (identity.username, identity.network) == ("ada", "simulated")
    assert set(SCOPES) <= set(identity.scopes)


def test_many_people_may_have_no_email(simulated_pi: Simulator) -> None:
    for name in ("ada", "bob"):
        browser = Client()
        assert session(browser, play(browser, name)).status_code == 200
    assert User.objects.filter(email=None).count() == 2


def test_signing_in_again_finds_the_same_person(
    client: Client, simulated_pi: Simulator
) -> None:
    for _ in range(2):
        assert session(client, play(client, "ada")).status_code == 200
        client.post("/accounts/logout/")
    assert Person.objects.count() == 1
    assert Evidence.objects.count() == 1


def test_who_joined_their_pi_account_signs_in_with_it(
    client: Client, simulated_pi: Simulator
) -> None:
    person = by_email(client)
    session(client, play(client, "ada"))
    client.post("/accounts/logout/")
    session(client, play(client, "ada"))
    assert client.get("/home/").wsgi_request.user == queries.user_of(person)


def test_a_token_that_pi_does_not_know_signs_nobody_in(
    client: Client, simulated_pi: Simulator
) -> None:
    for token in ("", "made up", "x" * 64, "with space\r\nX: y"):
        answer = session(client, token)
        assert (answer.status_code, code(answer)) == (403, "pi_sign_in_refused")
    assert not User.objects.exists()


def test_what_the_browser_says_about_the_user_is_not_believed(
    client: Client, simulated_pi: Simulator
) -> None:
    token = play(client, "mallory")
    victim = by_email(Client())
    answer = post(
        client,
        "/pi/session/",
        accessToken=token,
        user={"uid": "ada", "username": "ada"},
        person=str(victim.uuid),
    )
    assert answer.status_code == 200
    assert PiIdentity.objects.get().username == "mallory"
    assert PiIdentity.objects.get().person != victim


@pytest.mark.parametrize("action", [Action.HTML_500, Action.DROP_ANSWER])
def test_when_pi_is_away_it_says_so_and_nothing_is_made(
    client: Client, simulated_pi: Simulator, action: Action
) -> None:
    token = play(client, "ada")
    simulated_pi.add_faults([Fault(action, "GET", "/v2/me")])
    answer = session(client, token)
    assert (answer.status_code, code(answer)) == (503, "pi_away")
    assert not User.objects.exists()
    assert session(client, token).status_code == 200


def test_a_foreign_page_cannot_sign_somebody_in(simulated_pi: Simulator) -> None:
    browser = Client(enforce_csrf_checks=True)
    for path in ("/pi/session/", "/pi/simulated/authenticate/"):
        assert post(browser, path, accessToken="x").status_code == 403


def test_who_has_a_second_factor_is_asked_for_it_with_pi_too(
    client: Client, simulated_pi: Simulator
) -> None:
    person = by_email(client)
    session(client, play(client, "ada"))
    user = queries.user_of(person)
    assert user
    actions.set_second_factor(user, secret="JBSWY3DPEHPK3PXP")
    client.post("/accounts/logout/")
    answer = session(client, play(client, "ada"))
    assert "2fa" in answer.json()["next"]
    assert client.get("/home/").status_code == 302


def test_a_locked_account_stays_locked_with_pi(
    client: Client, simulated_pi: Simulator
) -> None:
    session(client, play(client, "ada"))
    client.post("/accounts/logout/")
    User.objects.update(is_active=False)
    session(client, play(client, "ada"))
    assert client.get("/home/").status_code == 302


def test_a_page_beyond_the_sign_in_is_reached_and_a_foreign_one_is_not(
    client: Client, simulated_pi: Simulator
) -> None:
    token = play(client, "ada")
    for asked, next_ in (("/earn/", "/earn/"), ("https://evil.example/", "/home/")):
        answer = post(Client(), f"/pi/session/?next={asked}", accessToken=token)
        assert answer.json()["next"] == next_


# --- Scopes and levels


def test_without_a_wallet_one_is_not_confirmed_and_the_page_says_how_to_be(
    client: Client, simulated_pi: Simulator
) -> None:
    session(client, play(client, "ada", ["username"]))
    person = Person.objects.get()
    assert (person.level, Evidence.objects.get().level) == (0, 0)
    assert "wallet" in client.get("/confirm-identity/").content.decode()
    session(client, play(client, "ada"))
    person.refresh_from_db()
    assert person.level == 1
    assert [e.level for e in Evidence.objects.order_by("id")] == [0, 1]


def test_a_wallet_that_moved_value_is_level_two_once_with_time_and_source() -> None:
    person = by_email(Client())
    kept = {"network": "simulated", "address": "GADA", "now": timezone.now()}
    linking.record_wallet(person, source="payout:1", **kept)
    assert person.level == 0
    for number in (2, 3):
        linking.record_wallet(person, source=f"payout:{number}", has_moved=True, **kept)
    person.refresh_from_db()
    assert person.level == 2
    (evidence,) = Evidence.objects.all()
    assert evidence.source == "simulated:GADA payout:2"
    assert queries.wallets_of(person, "simulated").get().moved_at == kept["now"]


def test_one_wallet_never_serves_two_people() -> None:
    ada, bob = by_email(Client()), by_email(Client(), "bob@example.com")
    kept = {"address": "GADA", "source": "test", "now": timezone.now()}
    linking.record_wallet(ada, network="simulated", **kept)
    with pytest.raises(WalletTaken):
        linking.record_wallet(bob, network="simulated", has_moved=True, **kept)
    assert bob.evidence_set.count() == 0
    # The same address on another chain is another wallet.
    linking.record_wallet(bob, network="pi_testnet", **kept)


# --- Joining


def test_a_client_registered_by_email_joins_a_pi_account(
    client: Client, simulated_pi: Simulator
) -> None:
    person = by_email(client)
    page = client.get("/confirm-identity/").content.decode()
    assert "Confirm with Pi (simulated)" in page
    assert session(client, play(client, "ada")).status_code == 200
    person.refresh_from_db()
    assert person.level == 1
    page = client.get("/confirm-identity/").content.decode()
    assert "@ada" in page
    assert "Confirm with Pi (simulated)" not in page


def test_a_pi_account_of_another_person_is_not_joined(
    client: Client, simulated_pi: Simulator
) -> None:
    token = play(client, "ada")
    session(client, token)
    other = Client()
    by_email(other)
    answer = session(other, token)
    assert (answer.status_code, code(answer)) == (409, "identity_taken")


def test_a_person_joins_one_pi_account_only(
    client: Client, simulated_pi: Simulator
) -> None:
    person = by_email(client)
    session(client, play(client, "ada"))
    answer = session(client, play(Client(), "second"))
    assert (answer.status_code, code(answer)) == (409, "other_identity")
    with pytest.raises(OtherIdentity):
        actions.link_pi_identity(
            person, uid="x", username="", network="simulated", now=timezone.now()
        )


def test_the_database_itself_keeps_accounts_apart() -> None:
    ada, bob = by_email(Client()), by_email(Client(), "bob@example.com")
    row = {"network": "simulated", "seen_at": timezone.now()}
    PiIdentity.objects.create(person=ada, uid="1", username="ada", **row)
    for person, uid, username in (
        (bob, "1", "bob"),
        (bob, "2", "ada"),
        (ada, "3", "other"),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            PiIdentity.objects.create(person=person, uid=uid, username=username, **row)


@pytest.mark.django_db(transaction=True)
def test_of_two_people_at_the_same_moment_one_gets_the_account_and_the_wallet() -> None:
    people = [by_email(Client(), f"p{number}@example.com") for number in range(8)]
    now, start = timezone.now(), threading.Barrier(len(people))

    def take(person: Person) -> tuple[bool, bool]:
        try:
            start.wait()
            return _is_had(
                lambda: actions.link_pi_identity(
                    person, uid="u", username="u", network="simulated", now=now
                )
            ), _is_had(
                lambda: linking.record_wallet(
                    person, network="simulated", address="G", source="test", now=now
                )
            )
        finally:
            connection.close()

    with ThreadPoolExecutor(len(people)) as pool:
        had = list(pool.map(take, people))
    assert [sum(each) for each in zip(*had, strict=True)] == [1, 1]


def _is_had(take: Callable[[], object]) -> bool:
    try:
        take()
    except IdentityTaken:
        return False
    return True


# --- A changed uid


def renewed(client: Client, simulated_pi: Simulator) -> PiRelink:
    """Ada takes her permissions back, and comes again under another uid."""
    session(client, play(client, "ada"))
    client.post("/accounts/logout/")
    simulated_pi.handle("POST", "/simulated/users/ada/revoke", {}, b"")
    answer = session(client, play(client, "ada"))
    assert (answer.status_code, code(answer)) == (409, "identity_changed")
    return PiRelink.objects.get()


def test_a_changed_uid_is_never_merged_by_itself_and_staff_are_asked_once(
    client: Client, simulated_pi: Simulator
) -> None:
    renewed(client, simulated_pi)
    assert code(session(client, play(client, "ada"))) == "identity_changed"
    assert PiRelink.objects.count() == Person.objects.count() == 1
    assert client.get("/home/").status_code == 302
    assert AuditEvent.objects.filter(verb="pi_relink_asked").count() == 1


def test_staff_join_a_changed_uid_and_the_old_one_opens_nothing_more(
    client: Client, simulated_pi: Simulator
) -> None:
    relink = renewed(client, simulated_pi)
    old = PiIdentity.objects.get()
    staff = by_email(Client(), "staff@example.com")
    for _ in range(2):
        linking.decide_relink(relink.pk, staff, is_joined=True, now=timezone.now())
    old.refresh_from_db()
    assert old.retired_at
    assert session(client, play(client, "ada")).status_code == 200
    assert Person.objects.count() == 2  # Ada and the member of staff
    event = AuditEvent.objects.get(verb="pi_relink_joined")
    assert (event.actor, event.detail["new"]) == (staff, relink.uid)
    with pytest.raises(IdentityTaken):
        actions.link_pi_identity(
            relink.person,
            uid=old.uid,
            username="ada",
            network="simulated",
            now=timezone.now(),
        )


def test_a_refused_relink_leaves_everything_as_it_was(
    client: Client, simulated_pi: Simulator
) -> None:
    relink = renewed(client, simulated_pi)
    staff = by_email(Client(), "staff@example.com")
    linking.decide_relink(relink.pk, staff, is_joined=False, now=timezone.now())
    assert PiIdentity.objects.get().retired_at is None
    assert code(session(client, play(client, "ada"))) == "identity_changed"


def test_the_relink_is_decided_on_the_staff_pages_by_who_may(
    client: Client, simulated_pi: Simulator
) -> None:
    relink = renewed(client, simulated_pi)
    browser = Client()
    staff = actions.register_user(
        email="staff@example.com", password=PASSWORD, is_staff=True
    )
    may = Permission.objects.filter(codename__in=["view_pirelink", "view_wallet"])
    staff.user_permissions.set(may)
    enter(browser, staff)
    chosen = {"action": "join", "_selected_action": [relink.pk]}
    browser.post("/admin/accounts/pirelink/", chosen)
    relink.refresh_from_db()
    assert relink.decided_at is None
    staff.user_permissions.add(Permission.objects.get(codename="change_pirelink"))
    page = browser.post("/admin/accounts/pirelink/", chosen, follow=True)
    assert "is decided" in page.content.decode()
    relink.refresh_from_db()
    assert (relink.is_joined, relink.decided_by) == (True, staff.person)
    assert browser.get("/admin/accounts/wallet/").status_code == 200


def test_nobody_decides_about_their_own_account(
    client: Client, simulated_pi: Simulator
) -> None:
    relink = renewed(client, simulated_pi)
    with pytest.raises(OwnCase):
        linking.decide_relink(
            relink.pk, relink.person, is_joined=True, now=timezone.now()
        )
    with pytest.raises(IntegrityError), transaction.atomic():
        PiRelink.objects.filter(pk=relink.pk).update(decided_by=relink.person)


# --- The simulation on the open net


def test_nobody_plays_the_simulated_account_of_somebody_else(
    client: Client, simulated_pi: Simulator
) -> None:
    session(client, play(client, "ada"))
    answer = post(
        Client(), "/pi/simulated/authenticate/", username="ada", scopes=SCOPES
    )
    assert (answer.status_code, code(answer)) == (409, "identity_taken")


def test_a_member_signed_in_by_password_plays_their_own_part_in_any_browser(
    client: Client, simulated_pi: Simulator
) -> None:
    person = by_email(client)
    session(client, play(client, "ada"))
    other = Client()
    user = queries.user_of(person)
    assert user
    other.force_login(user, "django.contrib.auth.backends.ModelBackend")
    assert play(other, "ada")


@override_settings(PI_BACKEND="pi_testnet")
def test_with_real_pi_nothing_is_played(client: Client) -> None:
    answer = post(client, "/pi/simulated/authenticate/", username="ada")
    assert answer.status_code == 404
    page = client.get("/sign-in/pi/").content.decode()
    assert "https://sdk.minepi.com/pi-sdk.js" in page
    assert "simulated" not in page.lower()


def test_with_real_pi_the_policy_lets_in_its_script_and_the_named_frames_alone() -> (
    None
):
    names = "CONTENT_SECURITY_POLICY, SESSION_COOKIE_SAMESITE, CSRF_COOKIE_SAMESITE"
    asked = f"import json; from marketplace.site.settings import {names}"
    done = subprocess.run(
        [sys.executable, "-c", f"{asked}; print(json.dumps([{names}], default=str))"],
        env={
            **os.environ,
            "PI_BACKEND": "pi_testnet",
            "PI_FRAME_ANCESTORS": "https://sandbox.minepi.com",
        },
        capture_output=True,
        check=True,
    )
    policy, *cookies = json.loads(done.stdout)
    rules = policy["DIRECTIVES"]
    assert "https://sdk.minepi.com" in rules["script-src"]
    assert "'unsafe-inline'" not in rules["script-src"]
    assert rules["frame-ancestors"] == ["https://sandbox.minepi.com"]
    assert cookies == ["None", "None"]


def test_the_portal_finds_the_validation_key_when_there_is_one(client: Client) -> None:
    assert client.get("/validation-key.txt").status_code == 404
    with override_settings(PI_VALIDATION_KEY="key"):
        answer = client.get("/validation-key.txt")
    assert (answer.status_code, answer.content) == (200, b"key")


def test_the_pages_offer_both_ways_in(client: Client) -> None:
    for path in ("/accounts/login/", "/accounts/signup/"):
        assert "/sign-in/pi/" in client.get(path).content.decode()
    page = client.get("/sign-in/pi/?next=/earn/").content.decode()
    assert '"next": "/earn/"' in page
    by_email(client)
    assert client.get("/sign-in/pi/").status_code == 302


def test_models_and_migrations_agree() -> None:
    call_command("makemigrations", "accounts", check=True, dry_run=True, verbosity=0)
