"""How long to wait after a problem: longer each time, never in step with others."""

import random

FIRST_SECONDS = 0.5
LONGEST_SECONDS = 60.0


class Backoff:
    def __init__(self) -> None:
        self._failures = 0

    def success(self) -> None:
        self._failures = 0

    def failure(self, *, at_least: float = 0.0) -> float:
        """Return the seconds to wait: the server's wish, or a doubling time."""
        longest = min(FIRST_SECONDS * 2.0**self._failures, LONGEST_SECONDS)
        self._failures = min(self._failures + 1, 16)
        wait = longest * random.uniform(0.5, 1.0)  # noqa: S311 (spreads retries)
        return max(wait, at_least * random.uniform(1.0, 1.15))  # noqa: S311
