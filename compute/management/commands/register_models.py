"""Registers every model that ships with the platform; running it again adds nothing."""

import json
from pathlib import Path

from django.core.management.base import BaseCommand

from compute import actions

ZOO = Path(__file__).resolve().parents[2] / "zoo"


class Command(BaseCommand):
    help = "Register and sign every model of compute/zoo."

    def handle(self, *args: object, **options: object) -> None:
        for path in sorted(ZOO.glob("*.json")):
            model = actions.register_model(
                path.with_suffix(".onnx").read_bytes(), json.loads(path.read_text())
            )
            self.stdout.write(f"{model.name}: {model.digest[:12]}")
