"""What every page may show about the person who is signed in, read when used."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts import queries as accounts_queries
from accounts.models import Person, User
from rewards import queries as rewards_queries


def standing(request: HttpRequest) -> dict[str, Any]:
    """Give templates ``person``, ``organizations`` and ``earnings``."""
    user = getattr(request, "user", None)
    person = user.person if isinstance(user, User) else None
    if not isinstance(person, Person):
        return {"person": None, "organizations": [], "earnings": None}
    return {
        "person": person,
        "organizations": SimpleLazyObject(
            lambda: list(accounts_queries.organizations_of(person))
        ),
        "earnings": SimpleLazyObject(lambda: rewards_queries.earnings_of(person)),
    }
