"""The only place that speaks to Pi's chain, through its Horizon server."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

import httpx

from rewards import chain_records as records
from rewards.chain_records import (
    Accepted,
    ChainAccount,
    ChainError,
    ChainPayment,
    ChainTransaction,
    ChainUnreachable,
    ChainUnreadable,
    Document,
    NoSuchAccount,
    Rejected,
    Unknown,
    WrongNetwork,
)

__all__ = [
    "Accepted",
    "ChainAccount",
    "ChainError",
    "ChainPayment",
    "ChainTransaction",
    "ChainUnreachable",
    "ChainUnreadable",
    "HorizonClient",
    "NoSuchAccount",
    "Rejected",
    "Unknown",
    "WrongNetwork",
]

TIMEOUT = httpx.Timeout(20.0, connect=5.0)
PAGE = 100


@dataclass(frozen=True, kw_only=True)
class HorizonClient:
    """Pi's Horizon. Reads raise ChainError; only ``submit`` answers in doubt."""

    base_url: str
    passphrase: str
    transport: httpx.BaseTransport | None = field(default=None, repr=False)
    _http: httpx.Client = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        http = httpx.Client(
            base_url=self.base_url.rstrip("/"),
            timeout=TIMEOUT,
            transport=self.transport,
            headers={"Accept": "application/json"},
            trust_env=False,
        )
        object.__setattr__(self, "_http", http)

    def close(self) -> None:
        self._http.close()

    def check_passphrase(self) -> None:
        """Raise WrongNetwork unless the chain that answers is the one meant."""
        found = records.text(self._get("/"), "network_passphrase")
        if found != self.passphrase:
            raise WrongNetwork(f"{self.base_url} is {found!r}, not {self.passphrase!r}")

    def latest_close(self) -> datetime:
        """Return when the newest ledger closed that this Horizon can look into."""
        return records.moment(self._get("/"), "history_latest_ledger_closed_at")

    def base_fee(self) -> int:
        return records.whole(self._get("/fee_stats"), "last_ledger_base_fee")

    def account(self, address: str) -> ChainAccount:
        """Return an account. Raises NoSuchAccount."""
        found = self._find(f"/accounts/{address}")
        if found is None:
            raise NoSuchAccount(address)
        return ChainAccount(
            address, records.whole(found, "sequence"), records.native_balance(found)
        )

    def transaction(self, hash_hex: str) -> ChainTransaction | None:
        """Return what a closed ledger says; None when no ledger has it (yet)."""
        found = self._find(f"/transactions/{hash_hex}")
        return records.transaction(found) if found is not None else None

    def transactions_of(self, address: str) -> Iterator[ChainTransaction]:
        """Yield an account's transactions, failed ones too, newest first, all of them.

        Raises ChainError in the middle when a page cannot be had: who stops there has
        seen a part and proven nothing.
        """
        cursor = ""
        while True:
            page, following = self.transactions_page(address, cursor=cursor)
            yield from page
            if not page:
                return
            cursor = following

    def transactions_page(
        self, address: str, *, cursor: str = "", order: str = "desc"
    ) -> tuple[list[ChainTransaction], str]:
        """Return one page and the cursor after it; an empty page is the end."""
        query = f"?order={order}&limit={PAGE}&include_failed=true"
        rows, following = self._page(f"/accounts/{address}/transactions{query}", cursor)
        return [records.transaction(row) for row in rows], following

    def payments_page(
        self, address: str, *, cursor: str = ""
    ) -> tuple[list[ChainPayment], str]:
        """Return what moved in and out after the cursor, oldest first, as above."""
        query = f"?order=asc&limit={PAGE}&join=transactions"
        rows, following = self._page(f"/accounts/{address}/payments{query}", cursor)
        return [records.payment(row) for row in rows], following

    def _page(self, path: str, cursor: str) -> tuple[list[Document], str]:
        found = self._get(f"{path}&cursor={cursor}" if cursor else path)
        rows = found.get("_embedded", {}).get("records")
        if not isinstance(rows, list):
            raise ChainUnreadable("a page without records")
        return rows, records.text(rows[-1], "paging_token") if rows else cursor

    def submit(self, xdr: str) -> Accepted | Rejected | Unknown:
        """Send an envelope; anything but a clear answer is Unknown."""
        try:
            answer = self._http.post("/transactions", data={"tx": xdr})
        except httpx.HTTPError as error:
            return Unknown(type(error).__name__)
        try:
            found = records.read(answer)
            if answer.status_code == 200:
                return Accepted(records.text(found, "hash"))
            codes = found["extras"]["result_codes"]
            operations = codes.get("operations") or []
            return Rejected(str(codes["transaction"]), tuple(map(str, operations)))
        except (ChainError, KeyError, TypeError, AttributeError):
            return Unknown(f"HTTP {answer.status_code}")

    def _get(self, path: str) -> Document:
        found = self._find(path)
        if found is None:
            raise ChainUnreadable(f"nothing at {urlsplit(path).path}")
        return found

    def _find(self, path: str) -> Document | None:
        try:
            answer = self._http.get(path)
        except httpx.HTTPError as error:
            raise ChainUnreachable(type(error).__name__) from None
        if answer.status_code == 404:
            # A proxy's page of "not found" would be taken for a proof.
            if "status" in records.read(answer):
                return None
            records.not_understood(answer)
        if answer.status_code == 429 or answer.status_code >= 500:
            raise ChainUnreachable(f"HTTP {answer.status_code}")
        if answer.status_code != 200:
            records.not_understood(answer)
        return records.read(answer)
