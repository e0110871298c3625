"""The script of what goes wrong: which call, the how-manyth time, and in what way."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Action(StrEnum):
    DROP_REQUEST = "drop_request"  # it never arrives
    DROP_ANSWER = "drop_answer"  # it is done, and nobody hears of it
    DUPLICATE = "duplicate"  # it arrives twice; the second answer is heard
    DELAY = "delay"  # ``seconds`` pass first; beyond the time-out nobody listens
    CRASH = "crash"  # the caller dies, before or after it was done
    HTTP_504 = "http_504"  # it is not done
    HTML_500 = "html_500"  # a page instead of JSON
    TRUNCATED = "truncated"  # it is done, and half of the answer arrives
    BAD_SEQUENCE = "bad_sequence"  # Horizon says tx_bad_seq, done or not
    LANDED_UNKNOWN = "landed_unknown"  # Horizon says 504, and it landed
    LANDS_LATE = "lands_late"  # Horizon says 504, and it lands ``seconds`` later
    REFUSE = "refuse"  # the Platform answers ``code`` with ``status``


# Where nothing else is said, these do what was asked before they go wrong.
DONE_FIRST = {
    *(Action.DROP_ANSWER, Action.DUPLICATE, Action.CRASH, Action.TRUNCATED),
    *(Action.LANDED_UNKNOWN, Action.DELAY),
}


class Crash(BaseException):  # not an Exception: nobody's ``except`` survives a kill
    """The process that made this call ends here."""


class Dropped(Exception):
    """The connection broke; whether it was done is known here alone."""

    def __init__(self, *, arrived: bool) -> None:
        self.arrived = arrived
        super().__init__("arrived" if arrived else "did not arrive")


@dataclass(frozen=True)
class Fault:
    action: Action
    method: str = ""  # empty: any
    path: str = ""  # a regular expression, searched in the path without its query
    nth: int = 1  # of the calls that match; 0: each of them
    landed: bool | None = None  # whether it is done first; None: as the action says
    seconds: float = 0.0
    code: str = "unknown_error"
    status: int = 400

    @property
    def is_done_first(self) -> bool:
        return self.action in DONE_FIRST if self.landed is None else self.landed


@dataclass
class Script:
    faults: list[Fault] = field(default_factory=list)
    seen: list[int] = field(default_factory=list)
    # What happened, in order: "POST /transactions drop_answer".
    log: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, *faults: Fault) -> "Script":
        script = cls()
        script.add(faults)
        return script

    def add(self, faults: Iterable[Fault]) -> None:
        for fault in faults:
            self.faults.append(fault)
            self.seen.append(0)

    def take(self, method: str, path: str) -> Fault | None:
        """Count this call and return the first fault that is meant for it."""
        found = None
        for index, fault in enumerate(self.faults):
            if fault.method not in {"", method} or not re.search(fault.path, path):
                continue
            self.seen[index] += 1
            if found is None and fault.nth in {0, self.seen[index]}:
                found = fault
        self.log.append(f"{method} {path} {found.action if found else 'ok'}")
        return found


def fault_of(row: dict[str, Any]) -> Fault:
    """Return a fault that was written as JSON."""
    seconds = float(row.get("seconds", 0))  # what JSON has as a number may be text here
    return Fault(**{**row, "action": Action(row["action"]), "seconds": seconds})
