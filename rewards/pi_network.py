"""The outside world of Pi behind one small interface, chosen by ``PI_BACKEND``."""

from dataclasses import dataclass
from typing import Protocol

from django.conf import settings

from rewards.errors import DepositRefused


@dataclass(frozen=True)
class Payment:
    """What the network says about one payment from a user to us."""

    identifier: str  # our deposit's uuid, given when the payment was made
    amount: int  # 1e-7 Pi
    network: str
    txid: str
    verified: bool


class PiNetwork(Protocol):
    name: str

    def payment(self, identifier: str, *, txid: str, amount: int) -> Payment:
        """Return the payment with this identifier as the network knows it."""


class SimulatedPi:
    """A wallet of play money: every payment that is asked for was made."""

    name = "simulated"

    def payment(self, identifier: str, *, txid: str, amount: int) -> Payment:
        return Payment(identifier, amount, self.name, txid, verified=True)


def backend() -> PiNetwork:
    """Return the network of the settings. Raises DepositRefused when there is none."""
    if SimulatedPi.name != settings.PI_BACKEND:
        raise DepositRefused(f"PI_BACKEND={settings.PI_BACKEND} is not available yet.")
    return SimulatedPi()
