"""Members of staff at a browser, past the second factor."""

import base64
import time

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.test import Client

from accounts import actions
from accounts.models import User

SECRET = base64.b32encode(b"twenty bytes of key.").decode()


def code_now(secret: str = SECRET) -> str:
    totp = TOTP(base64.b32decode(secret), 6, SHA1(), 30)
    return totp.generate(time.time()).decode()


def enter(browser: Client, user: User) -> None:
    """Sign in, with a code from the authenticator."""
    actions.set_second_factor(user, secret=SECRET)
    browser.force_login(user)
    answer = browser.post("/accounts/2fa/reauthenticate/", {"code": code_now()})
    assert answer.status_code == 302, answer.content.decode()
