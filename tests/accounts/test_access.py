"""Who may come in, and what everybody is told who may not."""

import re

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from accounts import actions
from accounts.errors import IdentityTaken
from accounts.models import ApiKey, AuditEvent, Membership, User

pytestmark = pytest.mark.django_db
PASSWORD = "a long quiet river"


def register(email: str = "ada@example.com") -> User:
    return actions.register_user(email=email, password=PASSWORD)


def client_key(email: str = "ada@example.com") -> tuple[ApiKey, str]:
    user = register(email)
    assert user.person
    organization = actions.create_organization(user.person, name="Aurora")
    return actions.create_api_key(organization, user.person, name="laptop")


def call(client: Client, secret: str) -> int:
    return client.get(
        "/api/v1/datasets/", headers={"Authorization": f"Bearer {secret}"}
    ).status_code


def test_a_stranger_registers_by_the_page_and_becomes_a_person(client: Client) -> None:
    page = client.get("/accounts/signup/")
    assert page.status_code == 200
    answer = client.post(
        "/accounts/signup/", {"email": "New@Example.com", "password1": PASSWORD}
    )
    assert answer.status_code == 302
    user = get_user_model().objects.get(email="new@example.com")
    assert user.person is not None
    assert user.person.level == 0
    assert client.get("/home/").status_code == 200


def test_an_address_registers_once_whatever_its_case(client: Client) -> None:
    register()
    client.post(
        "/accounts/signup/", {"email": "ADA@example.com", "password1": PASSWORD}
    )
    assert get_user_model().objects.count() == 1


def test_a_weak_password_is_refused_with_a_reason(client: Client) -> None:
    answer = client.post(
        "/accounts/signup/", {"email": "weak@example.com", "password1": "12345678"}
    )
    assert answer.status_code == 200
    assert "common" in answer.content.decode()
    assert not get_user_model().objects.filter(email="weak@example.com").exists()


def test_guessing_passwords_ends_after_a_few_tries(client: Client) -> None:
    register()
    statuses = [
        client.post(
            "/accounts/login/", {"login": "ada@example.com", "password": f"wrong {n}"}
        ).status_code
        for n in range(7)
    ]
    assert statuses[-1] == 429
    right = client.post(
        "/accounts/login/", {"login": "ada@example.com", "password": PASSWORD}
    )
    assert right.status_code == 429


def test_a_key_opens_the_api_until_it_is_revoked(client: Client) -> None:
    key, secret = client_key()
    assert call(client, secret) == 200
    assert call(client, secret + "x") == 401
    actions.revoke_api_key(key, key.created_by, now=timezone.now())
    assert call(client, secret) == 401


def test_only_the_hash_of_a_key_is_kept() -> None:
    key, secret = client_key()
    kept = str(ApiKey.objects.filter(pk=key.pk).values().get())
    assert secret not in kept
    assert secret.startswith(key.prefix)


def test_a_key_of_a_locked_user_opens_nothing(client: Client) -> None:
    key, secret = client_key()
    get_user_model().objects.filter(person=key.created_by).update(is_active=False)
    assert call(client, secret) == 401


def test_a_key_of_somebody_who_left_opens_nothing(client: Client) -> None:
    key, secret = client_key()
    Membership.objects.filter(person=key.created_by).delete()
    assert call(client, secret) == 401


def test_each_key_has_a_limit_of_its_own(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from accounts.authentication import ApiKeyThrottle

    monkeypatch.setattr(ApiKeyThrottle, "rate", "3/min", raising=False)
    cache.clear()
    _first, secret = client_key()
    _second, other = client_key("bob@example.com")
    assert [call(client, secret) for _ in range(4)] == [200, 200, 200, 429]
    assert call(client, other) == 200


def test_errors_of_the_api_have_one_shape(client: Client) -> None:
    _key, secret = client_key()
    head = {"Authorization": f"Bearer {secret}"}
    nobody = client.get("/api/v1/datasets/")
    missing = client.get(
        "/api/v1/datasets/00000000-0000-0000-0000-000000000000/", headers=head
    )
    invalid = client.post("/api/v1/datasets/", {}, "application/json", headers=head)
    assert (nobody.status_code, missing.status_code, invalid.status_code) == (
        401,
        404,
        400,
    )
    for answer in (nobody, missing, invalid):
        error = answer.json()["error"]
        assert error["code"]
        assert error["message"]
    assert "name" in invalid.json()["error"]["fields"]


def test_a_pi_account_belongs_to_one_person() -> None:
    now = timezone.now()
    ada, bob = register().person, register("bob@example.com").person
    assert ada
    assert bob
    link = {"uid": "pi-1", "username": "ada", "network": "simulated", "now": now}
    actions.link_pi_identity(ada, **link)
    actions.link_pi_identity(ada, **link)
    assert ada.level == 1
    assert ada.evidence_set.count() == 1
    with pytest.raises(IdentityTaken):
        actions.link_pi_identity(bob, **link)


def test_evidence_never_lowers_a_level() -> None:
    person = register().person
    assert person
    for level in (2, 1):
        actions.record_evidence(person, kind="staff_check", level=level, source="test")
    assert person.level == 2


def test_the_founder_of_an_organization_owns_it_and_it_is_audited() -> None:
    key, _secret = client_key()
    assert Membership.objects.get().role == Membership.Role.OWNER
    verbs = set(AuditEvent.objects.values_list("verb", flat=True))
    assert {"create_organization", "create_api_key"} <= verbs
    assert key.organization.name == "Aurora"


def test_pages_carry_a_policy_that_forbids_foreign_and_inline_script(
    client: Client,
) -> None:
    answer = client.get("/accounts/login/")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "'unsafe-inline'" not in policy.split("script-src")[1].split(";")[0]
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    html = answer.content.decode()
    assert not re.search(r"<script(?![^>]*(src|nonce|type=\"application/json\"))", html)
    assert not re.search(r"\son[a-z]+=\"", html)


def test_the_openapi_description_is_served_and_can_be_browsed(client: Client) -> None:
    assert client.get("/api/v1/docs/").status_code in {200, 302, 401, 403}
    user = register()
    client.force_login(user)
    assert client.get("/api/v1/docs/").status_code == 200
    schema = client.get("/api/v1/schema/").content.decode()
    assert "/api/v1/datasets/" in schema
