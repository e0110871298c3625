"""Forms of signing in: the second factor's, which may be guessed only a few times."""

from allauth.core import context, ratelimit
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from django import forms
from django.utils.translation import gettext as _

ACTION = "second_factor"  # its rate is in the settings


class FewGuesses:
    """Counts the codes tried for a user, wherever they are tried from."""

    def clean_code(self) -> str:
        user = self.user  # type: ignore[attr-defined]
        counted = {"action": ACTION, "key": f"user:{user.pk}"}
        if not ratelimit.consume(context.request, **counted):
            raise forms.ValidationError(
                _("Too many wrong codes. Please wait a quarter of an hour.")
            )
        code: str = super().clean_code()  # type: ignore[misc]
        ratelimit.clear(context.request, **counted)
        return code


class CodeForm(FewGuesses, AuthenticateForm):
    """Asked after the password."""


class CodeAgainForm(FewGuesses, ReauthenticateForm):
    """Asked of who is signed in already, before something that matters."""
