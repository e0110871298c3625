"""``manage.py prepare_demo``: bring tables, models, static files and demo up to date.

Its last line is one JSON object: who may sign in, and a pairing code for each agent
that has none of its nodes yet. Running it again changes nothing that is there.
"""

import hashlib
import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.utils import timezone

from marketplace import demo
from rewards.simulator.server import serving


class Command(BaseCommand):
    help = "Prepare the demo; say who may sign in, as JSON."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--agents", type=int, default=demo.OPERATORS)
        parser.add_argument(
            "--homeless",
            type=int,
            nargs="*",
            default=[],
            help="agents whose home is new: they need a code even if they had a node",
        )
        parser.add_argument("--no-project", action="store_true", help="people only")
        parser.add_argument(
            "--api-key", action="store_true", help="make a client's key"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        now = timezone.now()
        # What other commands say goes to the terminal: our output is read by a program.
        call_command("migrate", interactive=False, verbosity=0, stdout=sys.stderr)
        call_command("register_models", stdout=sys.stderr)
        collect_static()
        build = demo.build_people if options["no_project"] else demo.build
        # Its own process starts only after this one; both keep the same file.
        with serving(settings.DATA_DIR / "pi.json", settings.PI_SIMULATOR_URL):
            build(now, operators=options["agents"])
        report = {
            "password": demo.PASSWORD,
            "second_factor": demo.SECOND_FACTOR,
            "accounts": demo.accounts(operators=options["agents"]),
            "codes": demo.pairing_codes(
                options["agents"], homeless=options["homeless"], now=now
            ),
            "api_key": demo.api_key() if options["api_key"] else None,
        }
        self.stdout.write(json.dumps(report))


def collect_static() -> None:
    """Collect and compress the static files, if any changed since the last time."""
    sources = sorted(
        (path, storage.path(path))
        for finder in get_finders()
        for path, storage in finder.list([])
    )
    digest = hashlib.sha256()
    for path, file in sources:
        state = Path(file).stat()
        digest.update(f"{path}:{state.st_size}:{state.st_mtime_ns}\n".encode())
    made = Path(settings.STATIC_ROOT) / ".made"
    if made.exists() and made.read_text() == digest.hexdigest():
        return
    call_command("collectstatic", interactive=False, verbosity=0, stdout=sys.stderr)
    made.write_text(digest.hexdigest())
