"""Laws of the chain's client: what is proven, what is not, and on which chain."""

from datetime import UTC, datetime

import httpx
import pytest
from django.core.management import CommandError, call_command

from rewards.chain import (
    Accepted,
    ChainError,
    ChainUnreachable,
    ChainUnreadable,
    HorizonClient,
    Rejected,
    Unknown,
    WrongNetwork,
)
from rewards.envelopes import build_payment, seven_places, wallet_from_seed
from rewards.simulator.faults import Action, Fault
from rewards.simulator.keys import INCOMING, OUTGOING
from tests.rewards.payouts import Scene

PASSPHRASE = "Tessera Simulation"


def horizon(answer: httpx.Response | httpx.HTTPError) -> HorizonClient:
    """Return a client to whom this is always answered."""

    def handle(_request: httpx.Request) -> httpx.Response:
        if isinstance(answer, httpx.HTTPError):
            raise answer
        return answer

    return HorizonClient(
        base_url="http://pi.invalid",
        passphrase=PASSPHRASE,
        transport=httpx.MockTransport(handle),
    )


def envelope(sequence: int = 42, amount: int = 1, passphrase: str = PASSPHRASE):
    return build_payment(
        wallet_from_seed(OUTGOING.secret),
        passphrase=passphrase,
        sequence=sequence,
        destination=INCOMING.public_key,
        amount=amount,
        memo="x" * 28,
        fee=100_000,
        max_time=datetime(2026, 11, 22, tzinfo=UTC),
    )


def test_another_chain_is_refused() -> None:
    other = horizon(httpx.Response(200, json={"network_passphrase": "Pi Testnet"}))
    with pytest.raises(WrongNetwork):
        other.check_passphrase()


def test_the_paying_process_refuses_another_chain(
    payday: Scene, settings, monkeypatch
) -> None:
    settings.PI_WALLET_SEED = OUTGOING.secret
    object.__setattr__(payday.network.chain, "passphrase", "Pi Network")
    monkeypatch.setattr(
        "rewards.management.commands.run_payouts.backend", lambda: payday.network
    )
    with pytest.raises(CommandError, match="Refusing to pay"):
        call_command("run_payouts", "--once")


def test_the_paying_process_refuses_a_wrong_seed(settings) -> None:
    settings.PI_WALLET_SEED = "SNOTASEED"
    with pytest.raises(CommandError, match="seed") as refusal:
        call_command("run_payouts", "--once")
    assert "SNOTASEED" not in str(refusal.value)
    settings.PI_WALLET_SEED = OUTGOING.secret
    settings.PI_WALLET_ADDRESS = INCOMING.public_key
    with pytest.raises(CommandError, match="PI_WALLET_ADDRESS"):
        call_command("run_payouts", "--once")


def test_a_page_of_not_found_proves_nothing() -> None:
    page = horizon(httpx.Response(404, html="<h1>Not found</h1>"))
    with pytest.raises(ChainUnreadable):
        page.transaction("ab" * 32)
    said = horizon(httpx.Response(404, json={"status": 404}))
    assert said.transaction("ab" * 32) is None


@pytest.mark.parametrize(
    "answer",
    [httpx.Response(503), httpx.Response(429), httpx.ReadTimeout("late")],
)
def test_without_an_answer_nothing_is_known(answer) -> None:
    client = horizon(answer)
    with pytest.raises(ChainUnreachable):
        client.transaction("ab" * 32)
    assert isinstance(client.submit("xdr"), Unknown)


def test_an_answer_to_a_submission_is_accepted_rejected_or_unknown(
    payday: Scene,
) -> None:
    chain = payday.network.chain
    account = chain.account(OUTGOING.public_key)
    good = build_payment(
        payday.wallet,
        passphrase=PASSPHRASE,
        sequence=account.sequence + 1,
        destination=INCOMING.public_key,
        amount=10_000_000,
        memo="m",
        fee=100_000,
        max_time=datetime(2027, 1, 1, tzinfo=UTC),
    )
    payday.faults(Fault(Action.HTTP_504, "POST", r"^/transactions$"))
    assert chain.submit(good.xdr) == Unknown("HTTP 504")
    assert chain.transaction(good.hash) is None
    assert chain.submit(good.xdr) == Accepted(good.hash)
    found = chain.transaction(good.hash)
    assert found is not None
    assert (found.successful, found.fee_charged, found.memo) == (True, 100_000, "m")
    assert [row.hash for row in chain.transactions_of(OUTGOING.public_key)] == [
        good.hash
    ]
    assert chain.submit(envelope().xdr) == Rejected("tx_too_late")


def test_the_listing_goes_through_all_pages_or_proves_nothing(
    payday: Scene, monkeypatch
) -> None:
    monkeypatch.setattr("rewards.chain.PAGE", 2)
    chain = payday.network.chain
    for _ in range(5):
        signed = build_payment(
            payday.wallet,
            passphrase=PASSPHRASE,
            sequence=chain.account(OUTGOING.public_key).sequence + 1,
            destination=INCOMING.public_key,
            amount=10_000_000,
            memo="m",
            fee=100_000,
            max_time=datetime(2027, 1, 1, tzinfo=UTC),
        )
        chain.submit(signed.xdr)
        payday.wait(5)
    assert len(list(chain.transactions_of(OUTGOING.public_key))) == 5
    path = r"^/accounts/\w+/transactions$"
    payday.faults(Fault(Action.HTTP_504, "GET", path, nth=2))
    with pytest.raises(ChainError):
        list(chain.transactions_of(OUTGOING.public_key))


def test_an_envelope_is_a_function_of_what_it_says() -> None:
    assert envelope().hash == envelope().hash
    assert envelope().hash != envelope(sequence=43).hash
    assert envelope().hash != envelope(passphrase="Pi Network").hash
    for wrong in (0, -1):
        with pytest.raises(ValueError, match="more than 0"):
            envelope(amount=wrong)


def test_amounts_have_seven_places_and_seeds_are_not_shown() -> None:
    assert seven_places(1) == "0.0000001"
    assert seven_places(15_000_000) == "1.5000000"
    assert OUTGOING.secret not in repr(wallet_from_seed(OUTGOING.secret))
