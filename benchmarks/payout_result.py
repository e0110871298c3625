"""What a chaos run of payouts comes to."""

from dataclasses import dataclass, field


@dataclass
class Result:
    """What one run did wrong: all zeros, or a bug."""

    seed: int
    double_paid: int = 0
    drift: int = 0
    stuck: int = 0
    wrong_cancels: int = 0
    payouts: int = 0
    completed: int = 0
    crashes: int = 0
    trace: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        wrong = (self.double_paid, self.drift, self.stuck, self.wrong_cancels)
        return not any(wrong)
