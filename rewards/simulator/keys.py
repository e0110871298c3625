"""Where the simulation's keys come from: names, so that anybody can make them again."""

import hashlib

from stellar_sdk import Keypair

PASSPHRASE = "Tessera Simulation"  # noqa: S105 (the network's public name)
# What the demo's processes are given; play money needs no secret.
API_KEY = "simulation"


def keypair(name: str) -> Keypair:
    """Return the one key pair that this name has in every simulation."""
    seed = hashlib.sha256(f"{PASSPHRASE}: {name}".encode()).digest()
    return Keypair.from_raw_ed25519_seed(seed)


def user_keypair(username: str) -> Keypair:
    return keypair(f"user {username}")


INCOMING = keypair("incoming wallet")  # what people pay into
OUTGOING = keypair("outgoing wallet")  # what payouts are made from
