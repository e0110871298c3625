"""What the demo shows of its processes: everything in a log each, warnings here too."""

import json
from collections import deque
from pathlib import Path
from typing import IO

from honcho.printer import Message
from rich.console import Console
from rich.markup import escape

LOUD = {"warning", "error", "critical"}
SHOWN_OF_A_FAILURE = 15


class QuietPrinter:
    """Takes honcho's messages; the last lines of each process are kept to explain."""

    def __init__(self, console: Console, folder: Path) -> None:
        self.width = 0  # honcho widens its column here
        self._console = console
        self._folder = folder
        self._files: dict[str, IO[str]] = {}
        self._last: dict[str, deque[str]] = {}
        self._failed: str | None = None
        folder.mkdir(parents=True, exist_ok=True)

    def write(self, message: Message) -> None:
        data = message.data
        text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
        for line in text.splitlines():
            self._write_line(message.name, line)

    def _write_line(self, name: str, line: str) -> None:
        if name == "system":
            self._note_stop(line)
        log = self._files.get(name) or self._open(name)
        log.write(line + "\n")
        log.flush()
        self._last.setdefault(name, deque(maxlen=SHOWN_OF_A_FAILURE)).append(line)
        if shown := important(line):
            self._console.print(f"[dim]{name}[/] {escape(shown)}")

    def _open(self, name: str) -> IO[str]:
        path = self._folder / f"{name}.log"
        if path.exists():
            path.replace(path.with_suffix(".log.1"))
        self._files[name] = path.open("w")
        return self._files[name]

    def _note_stop(self, line: str) -> None:
        """Remember who stopped first: the others were stopped because of that."""
        name, stopped, _ = line.partition(" stopped (rc=")
        if stopped and self._failed is None:
            self._failed = name

    def explain(self) -> None:
        """Say which process ended the run, with its last words."""
        if self._failed is None:
            return
        self._console.print(
            f"[bold red]{self._failed} stopped by itself.[/] Last lines:"
        )
        for line in self._last.get(self._failed, ()):
            self._console.print(f"  {escape(line)}")


def important(line: str) -> str:
    """Return what to show of a structured log line, or nothing."""
    if not line.startswith("{"):
        return ""
    try:
        event = json.loads(line)
    except ValueError:
        return ""
    if not isinstance(event, dict) or event.get("level") not in LOUD:
        return ""
    return f"{event['level']}: {event.get('event', '')}"
