"""Which Pi app this site is, by the settings: its network and its Platform client."""

from functools import lru_cache

from django.conf import settings

from accounts.pi_platform import PlatformClient

SIMULATED = "simulated"
# Of both real networks: which chain an app pays on was fixed when it was registered.
PLATFORM_URL = "https://api.minepi.com"
# The simulation's app has a key that is no secret.
SIMULATED_KEY = "simulation"
# Without `wallet_address` nobody can be paid, so it is asked for at sign-in.
SCOPES = ("username", "payments", "wallet_address")


def network() -> str:
    return str(settings.PI_BACKEND)


def is_simulated() -> bool:
    return network() == SIMULATED


def platform_client() -> PlatformClient:
    """Return the client of the configured app; one for each place and key."""
    if is_simulated():
        return _client(settings.PI_SIMULATOR_URL, SIMULATED_KEY)
    return _client(PLATFORM_URL, settings.PI_API_KEY)


@lru_cache(maxsize=4)
def _client(base_url: str, api_key: str) -> PlatformClient:
    return PlatformClient(base_url, api_key)
