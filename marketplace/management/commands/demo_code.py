"""``manage.py demo_code``: the code that the demo's staff are asked for now."""

import base64
import time
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.core.management.base import BaseCommand

from marketplace import demo

PERIOD = 30


class Command(BaseCommand):
    help = "Print the second factor's code of the demo's staff."

    def handle(self, *_: Any, **__: Any) -> None:
        now = time.time()
        key = base64.b32decode(demo.SECOND_FACTOR)
        # RFC 6238 as every authenticator has it: six digits of SHA-1, each 30 seconds.
        totp = TOTP(key, 6, SHA1(), PERIOD)  # noqa: S303
        left = PERIOD - int(now) % PERIOD
        self.stdout.write(f"{totp.generate(now).decode()} (for {left} seconds more)")
