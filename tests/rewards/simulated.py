"""A simulated Pi for tests: its clock, its people, and clients that speak to it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from stellar_sdk import Account, Asset, Keypair, TransactionBuilder

from accounts.pi_platform import PlatformClient
from rewards.simulator.faults import Fault, Script
from rewards.simulator.keys import OUTGOING, PASSPHRASE
from rewards.simulator.transport import InProcess
from rewards.simulator.world import Simulator

START = 1_800_000_000.0
PI = 10_000_000


@dataclass
class Clock:
    now: float = START

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class World:
    """One simulation in this process, with everything a test says to it."""

    state_path: Path | None = None
    clock: Clock = field(default_factory=Clock)
    faults: tuple[Fault, ...] = ()

    def __post_init__(self) -> None:
        self.simulator = Simulator(
            self.state_path,
            self.clock,
            api_key="right",
            wait=self.clock.advance,
            script=Script.of(*self.faults),
        )
        self.transport = InProcess(self.simulator)
        self.platform = self.client("right")
        self.http = httpx.Client(base_url="http://pi", transport=self.transport)

    def client(self, key: str) -> PlatformClient:
        return PlatformClient("http://pi", key, self.transport)

    def sign_in(self, username: str, *scopes: str) -> dict[str, Any]:
        """Return what Pi.authenticate gives to the page."""
        body: dict[str, Any] = {"username": username}
        if scopes:
            body["scopes"] = list(scopes)
        answer = self.http.post("/simulated/users", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def uid(self, username: str, *scopes: str) -> str:
        return self.sign_in(username, *scopes)["user"]["uid"]

    def as_user(self, token: str, path: str, **body: Any) -> httpx.Response:
        return self.http.post(
            path, json=body, headers={"Authorization": f"Bearer {token}"}
        )

    # --- The chain

    def envelope(self, *, to: str, amount: str = "1", **changes: Any) -> str:
        """Return a signed payment of the outgoing wallet, wrong in any one way."""
        signer = changes.get("signer", OUTGOING)
        account = self.http.get(f"/accounts/{OUTGOING.public_key}").json()
        builder = TransactionBuilder(
            Account(
                changes.get("source", OUTGOING.public_key),
                int(account["sequence"]) + changes.get("skip", 0),
            ),
            changes.get("passphrase", PASSPHRASE),
            base_fee=changes.get("fee", 100_000),
        )
        builder.add_text_memo(changes.get("memo", "m"))
        builder.append_payment_op(to, Asset.native(), amount)
        for other, sum_ in changes.get("more", ()):
            builder.append_payment_op(other, Asset.native(), sum_)
        low, high = changes.get("bounds", (0, int(self.clock.now) + 180))
        transaction = builder.add_time_bounds(low, high).build()
        transaction.sign(signer)
        return transaction.to_xdr()

    def submit(self, envelope: str) -> httpx.Response:
        return self.http.post("/transactions", data={"tx": envelope})


def stranger() -> Keypair:
    return Keypair.from_raw_ed25519_seed(b"s" * 32)
