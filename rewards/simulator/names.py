"""Makes identifiers: as Pi's look, never twice, and the same ones for the same seed."""

import hashlib
import string

from rewards.simulator.records import State

BASE62 = string.digits + string.ascii_letters
IDENTIFIER_LENGTH = 28  # all that a text memo can hold


class Names:
    def __init__(self, state: State) -> None:
        self.state = state

    def identifier(self) -> str:
        """Return 28 characters of base 62, the form of Pi's payment identifiers."""
        value = int.from_bytes(self._digest(), "big")
        letters = []
        for _ in range(IDENTIFIER_LENGTH):
            value, index = divmod(value, len(BASE62))
            letters.append(BASE62[index])
        return "".join(letters)

    def uid(self) -> str:
        found = self._digest().hex()
        return "-".join(
            (found[:8], found[8:12], found[12:16], found[16:20], found[20:32])
        )

    def token(self) -> str:
        return self._digest().hex()

    def _digest(self) -> bytes:
        self.state.made += 1
        return hashlib.sha256(f"{self.state.seed}:{self.state.made}".encode()).digest()
