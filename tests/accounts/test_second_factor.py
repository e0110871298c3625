"""The staff pages open to a password and a code, and to nothing less."""

import re
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Permission
from django.test import Client, override_settings

from accounts import actions, queries
from accounts.adapters import _cipher
from accounts.errors import OwnCase
from accounts.models import AuditEvent, User
from tests.staff import SECRET, code_now, enter

pytestmark = pytest.mark.django_db
PASSWORD = "a long quiet river"
REAUTHENTICATE = "/accounts/2fa/reauthenticate/"


def register(name: str = "staff", **more: bool) -> User:
    return actions.register_user(
        email=f"{name}@example.com", password=PASSWORD, **({"is_staff": True} | more)
    )


def log_in(browser: Client, name: str = "staff", then: str = "/admin/") -> str:
    answer = browser.post(
        f"/accounts/login/?next={then}",
        {"login": f"{name}@example.com", "password": PASSWORD},
    )
    return answer.headers.get("Location", "")


def give_code(browser: Client, code: str, path: str = "authenticate") -> int:
    return browser.post(f"/accounts/2fa/{path}/", {"code": code}).status_code


def test_a_stranger_meets_the_sites_own_log_in_page(client: Client) -> None:
    for path in ("/admin/", "/admin/login/", "/admin/rewards/account/"):
        answer = client.get(path)
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("/accounts/login/?next=/admin/")


def test_the_admins_own_form_takes_no_password(client: Client) -> None:
    register(is_superuser=True)
    answer = client.post(
        "/admin/login/", {"username": "staff@example.com", "password": PASSWORD}
    )
    assert answer.headers["Location"].startswith("/accounts/login/")
    assert client.get("/admin/").status_code == 302


def test_who_is_no_staff_is_refused(client: Client) -> None:
    client.force_login(register(is_staff=False))
    assert client.get("/admin/").status_code == 403
    assert client.post("/admin/login/").status_code == 403


def test_staff_without_a_second_factor_are_told_how_to_get_one(client: Client) -> None:
    client.force_login(register(is_superuser=True))
    for path in ("/admin/", "/admin/rewards/account/", "/admin/labeling/task/decide/"):
        answer = client.get(path)
        assert answer.status_code == 403
        assert "/accounts/2fa/totp/activate/" in answer.content.decode()


def test_a_password_alone_opens_nothing_once_there_is_a_second_factor(
    client: Client,
) -> None:
    actions.set_second_factor(register(), secret=SECRET)
    assert log_in(client) == "/accounts/2fa/authenticate/"
    assert client.get("/home/").status_code == 302
    assert client.get("/admin/").status_code == 302


def test_a_password_and_a_code_open_the_staff_pages(client: Client) -> None:
    actions.set_second_factor(register(), secret=SECRET)
    log_in(client)
    assert give_code(client, code_now()) == 302
    assert client.get("/admin/").status_code == 200


def test_a_session_from_elsewhere_is_asked_for_the_code_first(client: Client) -> None:
    user = register()
    actions.set_second_factor(user, secret=SECRET)
    client.force_login(user)
    answer = client.get("/admin/rewards/account/?q=1")
    assert answer.headers["Location"].startswith(REAUTHENTICATE)
    back = client.post(answer.headers["Location"], {"code": code_now()})
    assert back.headers["Location"] == "/admin/rewards/account/?q=1"


def test_a_form_sent_before_the_code_was_given_does_nothing(client: Client) -> None:
    user = register(is_superuser=True)
    actions.set_second_factor(user, secret=SECRET)
    client.force_login(user)
    answer = client.post("/admin/auth/group/add/", {"name": "Friends"})
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"{REAUTHENTICATE}?next=/admin/"


def test_a_code_works_once(client: Client) -> None:
    actions.set_second_factor(register(), secret=SECRET)
    with time_machine.travel(1_800_000_000, tick=False):
        for status in (302, 200):
            browser = Client()
            log_in(browser)
            assert give_code(browser, code_now()) == status


def test_guessing_codes_ends_after_a_few_tries(client: Client) -> None:
    actions.set_second_factor(register(), secret=SECRET)
    wrong = "000000" if code_now() != "000000" else "111111"
    for _try in range(5):
        log_in(client)
        assert give_code(client, wrong) == 200
    answer = client.post("/accounts/2fa/authenticate/", {"code": code_now()})
    assert "Too many wrong codes" in answer.content.decode()
    elsewhere = Client(REMOTE_ADDR="10.1.2.3")
    log_in(elsewhere)
    assert give_code(elsewhere, code_now()) == 200


def test_setting_it_up_by_the_pages_leads_to_the_staff_pages(
    client: Client, django_capture_on_commit_callbacks: Any
) -> None:
    user = register()
    log_in(client)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    page = client.get("/accounts/2fa/totp/activate/").content.decode()
    found = re.search(r'class="secret">([A-Z2-7]+)<', page)
    assert found
    with_code = {"code": code_now(found[1])}
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post("/accounts/2fa/totp/activate/", with_code)
    assert answer.headers["Location"] == "/accounts/2fa/recovery-codes/"
    codes = re.findall(
        r"<li>(\d{8})</li>", client.get(answer.headers["Location"]).content.decode()
    )
    assert len(codes) == 10
    assert client.get("/admin/").headers["Location"].startswith(REAUTHENTICATE)
    assert give_code(client, codes[0], "reauthenticate") == 302
    assert client.get("/admin/").status_code == 200
    events = AuditEvent.objects.filter(verb="second_factor_added", actor=user.person)
    assert "totp" in [event.detail["type"] for event in events]


@pytest.mark.parametrize(
    "path",
    ["", "totp/activate/", "totp/deactivate/", "recovery-codes/generate/"],
)
def test_the_pages_wear_the_sites_look(client: Client, path: str) -> None:
    user = register()
    log_in(client)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    if path != "totp/activate/":
        actions.set_second_factor(user, secret=SECRET)
    page = client.get(f"/accounts/2fa/{path}")
    assert page.status_code == 200
    assert 'class="site-head"' in page.content.decode()


def test_a_stolen_database_makes_no_codes(client: Client) -> None:
    user = register()
    actions.set_second_factor(user, secret=SECRET)
    assert SECRET not in str(Authenticator.objects.get().data)
    client.force_login(user)
    _cipher.cache_clear()
    try:
        with override_settings(SECRET_KEY="another"):
            client.force_login(user)
            assert give_code(client, code_now(), "reauthenticate") == 200
    finally:
        _cipher.cache_clear()


def test_a_lost_phone_is_a_colleagues_case_and_never_ones_own(client: Client) -> None:
    admin, colleague = register("admin"), register("colleague")
    admin.user_permissions.add(
        *Permission.objects.filter(codename__in=["change_user", "view_user"])
    )
    enter(client, admin)
    actions.set_second_factor(colleague, secret=SECRET)
    answer = client.post(
        "/admin/accounts/user/",
        {
            "action": "remove_second_factor",
            "_selected_action": [admin.pk, colleague.pk],
        },
        follow=True,
    )
    assert str(OwnCase.default_detail) in answer.content.decode()
    assert queries.has_second_factor(admin)
    assert not queries.has_second_factor(colleague)
    event = AuditEvent.objects.get(verb="second_factor_removed")
    assert event.actor == admin.person
