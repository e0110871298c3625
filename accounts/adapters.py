"""How allauth makes a sign-in of ours, and keeps the secrets of second factors."""

import base64
import secrets
from functools import cache
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet, InvalidToken
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from accounts import actions
from accounts.models import User


class AccountAdapter(DefaultAccountAdapter):
    def save_user(
        self,
        request: HttpRequest,
        user: User,
        form: Any,
        commit: bool = True,  # noqa: FBT001, FBT002
    ) -> User:
        """Save a registration and give it its person."""
        super().save_user(request, user, form, commit=commit)
        if commit:
            actions.give_person(user)
        return user


class SecondFactorAdapter(DefaultMFAAdapter):
    """Stores secrets encrypted: a stolen database alone makes no codes."""

    def encrypt(self, text: str) -> str:
        return _cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Return the secret; one that matches nothing if SECRET_KEY has changed."""
        try:
            return _cipher().decrypt(encrypted_text.encode()).decode()
        except InvalidToken:
            return base64.b32encode(secrets.token_bytes(20)).decode()


@cache
def _cipher() -> Fernet:
    key = salted_hmac("tessera.second_factor", "secrets", algorithm="sha256").digest()
    return Fernet(base64.urlsafe_b64encode(key))
