"""How allauth makes a sign-in of ours."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

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
