"""What the volunteer sees: one living line in a terminal, problems only elsewhere."""

import time

from rich.console import Console
from rich.live import Live
from rich.text import Text

from compute.agent.desk import Desk

REPEAT_SECONDS = 30.0


class Terminal:
    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._live: Live | None = None
        self._began = time.monotonic()
        self._said: dict[str, float] = {}

    def say(self, text: str) -> None:
        """Print a line, but the same one not over and over."""
        now = time.monotonic()
        if now - self._said.get(text, -REPEAT_SECONDS) >= REPEAT_SECONDS:
            self._said[text] = now
            self._console.print(Text(text))

    def start(self) -> None:
        if self._console.is_terminal:
            self._live = Live(console=self._console, refresh_per_second=4)
            self._live.start()

    def stop(self) -> None:
        if self._live is not None:
            self._live.stop()

    def watch(self, desk: Desk) -> None:
        if self._live is None:
            return
        held, minutes = len(desk.held()), (time.monotonic() - self._began) / 60
        line = Text()
        line.append("● ", style="green" if held else "yellow")
        line.append("running" if held else "waiting for work", style="bold")
        line.append(f"   {desk.done} done   {held} here   {minutes:.0f} min")
        self._live.update(line)
