"""Writes the audit of second factors that people set up and take away themselves."""

from typing import Any

from allauth.mfa import signals
from allauth.mfa.models import Authenticator
from django.dispatch import receiver

from accounts import actions
from accounts.models import User


@receiver(signals.authenticator_added)
def note_added(user: User, authenticator: Authenticator, **_: Any) -> None:
    _note("second_factor_added", user, authenticator)


@receiver(signals.authenticator_removed)
def note_removed(user: User, authenticator: Authenticator, **_: Any) -> None:
    _note("second_factor_removed", user, authenticator)


def _note(verb: str, user: User, authenticator: Authenticator) -> None:
    person = actions.give_person(user)
    actions.record_audit(person, verb, f"person:{person.uuid}", type=authenticator.type)
