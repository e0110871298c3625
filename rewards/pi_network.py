"""The outside world of Pi behind one small interface, chosen by ``PI_BACKEND``."""

from dataclasses import dataclass
from functools import lru_cache

import httpx
from django.conf import settings

from accounts import pi_app
from accounts.pi_platform import PlatformClient
from rewards.chain import HorizonClient
from rewards.envelopes import Wallet, wallet_from_seed
from rewards.errors import NetworkUnknown


@dataclass(frozen=True)
class Place:
    """Where one of Pi's chains is. Its address and its passphrase go together."""

    horizon: str
    passphrase: str
    explorer: str  # followed by a transaction's hash


PLACES = {
    # "Pi Network" is the passphrase; "Pi Mainnet" is only a word on a button.
    "pi_mainnet": Place(
        "https://api.mainnet.minepi.com",
        "Pi Network",
        "https://blockexplorer.minepi.com/mainnet/tx/",
    ),
    "pi_testnet": Place(
        "https://api.testnet.minepi.com",
        "Pi Testnet",
        "https://blockexplorer.minepi.com/testnet/tx/",
    ),
}
SIMULATED_CHAIN = "Tessera Simulation"


@dataclass(frozen=True)
class Network:
    """One of the three networks: who is asked, and where money moves."""

    name: str
    platform: PlatformClient
    chain: HorizonClient
    passphrase: str
    explorer: str

    def explorer_link(self, txid: str) -> str:
        return f"{self.explorer}{txid}"


def simulated(url: str, *, transport: httpx.BaseTransport | None = None) -> Network:
    """Return the network of a simulation, over HTTP or inside this process."""
    return Network(
        name=pi_app.SIMULATED,
        platform=PlatformClient(
            base_url=url, api_key=pi_app.SIMULATED_KEY, transport=transport
        ),
        chain=HorizonClient(
            base_url=url, passphrase=SIMULATED_CHAIN, transport=transport
        ),
        passphrase=SIMULATED_CHAIN,
        explorer=f"{url.rstrip('/')}/transactions/",
    )


def backend() -> Network:
    """Return the network of the settings. Raises NetworkUnknown when there is none."""
    name = pi_app.network()
    if name == pi_app.SIMULATED:
        return _simulated(settings.PI_SIMULATOR_URL)
    if name not in PLACES:
        raise NetworkUnknown
    return _real(name, settings.PI_API_KEY)


@lru_cache(maxsize=4)
def _simulated(url: str) -> Network:
    return simulated(url)


@lru_cache(maxsize=4)
def _real(name: str, _api_key: str) -> Network:
    place = PLACES[name]
    return Network(
        name=name,
        platform=pi_app.platform_client(),
        chain=HorizonClient(base_url=place.horizon, passphrase=place.passphrase),
        passphrase=place.passphrase,
        explorer=place.explorer,
    )


def outgoing_wallet() -> Wallet:
    """Return the wallet that pays; only the paying process is given its seed.

    Raises ValueError when there is no seed, or it opens another wallet than the one
    the settings name.
    """
    wallet = wallet_from_seed(settings.PI_WALLET_SEED)
    if settings.PI_WALLET_ADDRESS not in ("", wallet.address):
        raise ValueError("PI_WALLET_SEED does not open PI_WALLET_ADDRESS")
    return wallet
