"""The client of the Pi Platform against a simulation: every call, every refusal."""

import json
import logging
from collections.abc import Callable
from decimal import Decimal

import httpx
import pytest

from accounts.pi_answers import payment_body, units_of
from accounts.pi_platform import (
    AlreadyCompleted,
    KeyRefused,
    MoneyAtRisk,
    Notification,
    PaymentCancelled,
    PaymentNotFound,
    PaymentOngoing,
    PlatformAnswerUnreadable,
    PlatformClient,
    PlatformError,
    PlatformUnavailable,
    RecipientMustAct,
    StopTheLine,
    TokenRefused,
)
from rewards.simulator.faults import Action, Fault
from rewards.simulator.keys import OUTGOING, PASSPHRASE, user_keypair
from tests.rewards.simulated import PI, World

META = {"payout_id": "p"}


def opened(world: World, *, amount: int = PI, name: str = "ada") -> str:
    uid = world.uid(name)
    return world.platform.create_payment(uid, amount, "thanks", META).identifier


def landed(world: World, identifier: str, **changes: object) -> str:
    to = user_keypair("ada").public_key
    envelope = world.envelope(to=to, **{"memo": identifier, **changes})
    return world.submit(envelope).json()["hash"]


# --- The calls


def test_me_tells_who_it_is_and_what_they_granted() -> None:
    world = World()
    signed = world.sign_in("ada", "username", "wallet_address")
    user = world.platform.me(signed["accessToken"])
    assert (user.uid, user.username) == (signed["user"]["uid"], "ada")
    # Pi may grant more than was asked for: what was asked is inside what was granted.
    assert {"username", "wallet_address"} < user.scopes
    assert "payments" not in user.scopes
    assert user.valid_until
    assert (
        world.platform.me(world.sign_in("ada", "payments")["accessToken"]).username
        == ""
    )


def test_a_payout_from_opening_to_completion() -> None:
    world = World()
    uid = world.uid("ada")
    payment = world.platform.create_payment(uid, 10_000_001, "thanks", META)
    assert payment.amount == 10_000_001
    assert (payment.user_uid, payment.metadata) == (uid, META)
    assert (payment.direction, payment.network) == ("app_to_user", PASSPHRASE)
    assert payment.from_address == OUTGOING.public_key
    assert payment.status.developer_approved
    assert world.platform.payment(payment.identifier) == payment
    assert world.platform.incomplete_server_payments() == [payment]
    txid = landed(world, payment.identifier, amount="1.0000001")
    # What landed looks exactly like what was never submitted.
    assert world.platform.payment(payment.identifier) == payment
    done = world.platform.complete(payment.identifier, txid)
    assert done.status.developer_completed
    assert done.status.transaction_verified
    assert done.transaction
    assert (done.transaction.txid, done.transaction.verified) == (txid, True)
    assert world.platform.incomplete_server_payments() == []


def test_a_payout_that_is_given_up_is_cancelled() -> None:
    world = World()
    identifier = opened(world)
    assert world.platform.cancel(identifier).status.cancelled
    assert opened(world) != identifier


def test_approving_twice_is_approving() -> None:
    world = World()
    token = world.sign_in("ada")["accessToken"]
    payment = world.as_user(
        token, "/simulated/payments", amount=1, memo="m", metadata={"d": "1"}
    ).json()["identifier"]
    for _ in range(2):
        assert world.platform.approve(payment).status.developer_approved


def test_the_state_of_an_advertisement() -> None:
    world = World()
    world.simulator.state.ads = {"seen": "granted", "waiting": ""}
    assert world.platform.ad_status("seen").mediator_ack_status == "granted"
    assert world.platform.ad_status("waiting").mediator_ack_status is None
    with pytest.raises(PlatformError):
        world.platform.ad_status("unknown")


def test_messages_go_out_until_somebody_has_had_enough_for_a_day() -> None:
    world = World()
    message = Notification("Paid", "1 Pi is yours", world.uid("ada"))
    assert world.platform.notify([message] * 48)["success"]
    with pytest.raises(PlatformError, match="quota_exceeded"):
        world.platform.notify([message])
    with pytest.raises(PlatformError, match="422"):
        world.platform.notify([Notification("", "", "")])
    for count in (0, 257):
        with pytest.raises(ValueError, match="at once"):
            world.platform.notify([message] * count)


# --- Refusals


def no_wallet_scope(world: World) -> None:
    world.platform.create_payment(world.uid("ada", "username"), PI, "m", META)


def no_wallet(world: World) -> None:
    uid = world.uid("ada")
    world.simulator.state.users["ada"].has_wallet = False
    world.platform.create_payment(uid, PI, "m", META)


def nobody(world: World) -> None:
    world.platform.create_payment("nobody", PI, "m", META)


def no_metadata(world: World) -> None:
    world.platform.create_payment(world.uid("ada"), PI, "m", {})


def no_memo(world: World) -> None:
    world.platform.create_payment(world.uid("ada"), PI, "", META)


def no_such_payment(world: World) -> None:
    world.platform.payment("0" * 28)


def one_more(world: World) -> None:
    opened(world)
    opened(world)


def completed_twice(world: World) -> None:
    identifier = opened(world)
    txid = landed(world, identifier)
    for _ in range(2):
        world.platform.complete(identifier, txid)


def completed_when_cancelled(world: World) -> None:
    identifier = opened(world)
    world.platform.cancel(identifier)
    world.platform.complete(identifier, "0" * 64)


def cancelled_twice(world: World) -> None:
    identifier = opened(world)
    for _ in range(2):
        world.platform.cancel(identifier)


def cancelled_when_completed(world: World) -> None:
    identifier = opened(world)
    world.platform.complete(identifier, landed(world, identifier))
    world.platform.cancel(identifier)


def completed_by_nothing(world: World) -> None:
    world.platform.complete(opened(world), "")


def completed_by_an_unknown_transaction(world: World) -> None:
    world.platform.complete(opened(world), "0" * 64)


def completed_by_another_amount(world: World) -> None:
    identifier = opened(world)
    world.platform.complete(identifier, landed(world, identifier, amount="2"))


def completed_by_another_memo(world: World) -> None:
    world.platform.complete(opened(world), landed(world, "another"))


def paid_in(world: World) -> tuple[str, str]:
    token = world.sign_in("ada")["accessToken"]
    body = {"amount": 1, "memo": "m", "metadata": {"d": "1"}}
    payment = world.as_user(token, "/simulated/payments", **body).json()["identifier"]
    world.platform.approve(payment)
    txid = world.as_user(token, "/simulated/wallet/pay", payment_id=payment).json()
    return payment, txid["txid"]


def completed_by_another_transaction(world: World) -> None:
    world.platform.complete(paid_in(world)[0], "0" * 64)


def cancelled_when_paid(world: World) -> None:
    world.platform.cancel(paid_in(world)[0])


def approved_without_need(world: World) -> None:
    world.platform.approve(opened(world))


@pytest.mark.parametrize(
    ("do", "code", "kind"),
    [
        (no_wallet_scope, "missing_scope", RecipientMustAct),
        (no_wallet, "missing_wallet", RecipientMustAct),
        (nobody, "user_not_found", RecipientMustAct),
        (no_metadata, "invalid_metadata", PlatformError),
        (no_memo, "invalid_arguments", PlatformError),
        (no_such_payment, "payment_not_found", PaymentNotFound),
        (one_more, "ongoing_payment_found", PaymentOngoing),
        (completed_twice, "already_completed", AlreadyCompleted),
        (completed_when_cancelled, "cancelled_payment", PaymentCancelled),
        (cancelled_twice, "cancelled_payment", PaymentCancelled),
        (cancelled_when_completed, "already_completed", AlreadyCompleted),
        (completed_by_nothing, "missing_txid", PlatformError),
        (completed_by_an_unknown_transaction, "not_verified", MoneyAtRisk),
        (completed_by_another_amount, "verification_failed", MoneyAtRisk),
        (completed_by_another_memo, "verification_failed", MoneyAtRisk),
        (completed_by_another_transaction, "txid_mismatch", MoneyAtRisk),
        (cancelled_when_paid, "payment_tx_present", MoneyAtRisk),
        (approved_without_need, "forbidden", PlatformError),
    ],
)
def test_each_refusal_has_its_code_and_says_what_to_do(
    do: Callable[[World], None], code: str, kind: type[PlatformError]
) -> None:
    with pytest.raises(PlatformError) as caught:
        do(World())
    assert caught.value.code == code
    assert type(caught.value) is kind
    assert not caught.value.transient


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("feature_not_available", 403, StopTheLine),
        ("too_many_payments", 429, StopTheLine),
        ("too_many_cancelled_payments", 400, StopTheLine),
        ("invalid_address", 400, RecipientMustAct),
        ("unknown_error", 400, PlatformUnavailable),
        ("altered_amount", 400, PlatformError),
        ("a code of tomorrow", 400, PlatformError),
        ("a code of tomorrow", 503, PlatformUnavailable),
        ("missing_scope", 500, RecipientMustAct),
        ("missing_scope", 401, RecipientMustAct),
        ("anything", 401, KeyRefused),
    ],
)
def test_the_code_decides_and_not_the_status(
    code: str, status: int, kind: type[PlatformError]
) -> None:
    fault = Fault(Action.REFUSE, "POST", "/v2/payments", code=code, status=status)
    world = World(faults=(fault,))
    with pytest.raises(PlatformError) as caught:
        opened(world)
    assert type(caught.value) is kind
    assert (caught.value.code, caught.value.status) == (code, status)


def test_an_open_payment_is_handed_over_to_be_adopted() -> None:
    world = World()
    first = opened(world)
    with pytest.raises(PaymentOngoing) as caught:
        opened(world)
    assert caught.value.payment == world.platform.payment(first)
    assert opened(world, name="bob") != first


def test_what_differs_is_told() -> None:
    with pytest.raises(MoneyAtRisk) as caught:
        completed_by_another_amount(World())
    assert caught.value.verification_error == "amount"


def test_a_wrong_key_stops_the_line_and_a_wrong_token_only_its_owner() -> None:
    world = World()
    with pytest.raises(KeyRefused) as caught:
        world.client("wrong").payment("0" * 28)
    assert isinstance(caught.value, StopTheLine)
    for token in ("wrong", "", "a b", "x\r\ny", "ü", "x" * 5000):
        with pytest.raises(TokenRefused):
            world.platform.me(token)


def test_a_token_ends_with_its_time_and_with_the_permission() -> None:
    world = World()
    token = world.sign_in("ada")["accessToken"]
    old = world.platform.me(token).uid
    world.http.post("/simulated/users/ada/revoke")
    with pytest.raises(TokenRefused):
        world.platform.me(token)
    token = world.sign_in("ada")["accessToken"]
    assert world.platform.me(token).uid != old
    world.clock.advance(31 * 86_400)
    with pytest.raises(TokenRefused):
        world.platform.me(token)


@pytest.mark.parametrize(
    "posted", ["../me", "a/b", "", "x?y=1", "x" * 65, "é", "http://evil.example/"]
)
def test_what_is_no_identifier_never_leaves_the_house(posted: str) -> None:
    world = World()
    with pytest.raises(PaymentNotFound):
        world.platform.payment(posted)
    assert world.simulator.script.log == []


# --- Bad days of the network


@pytest.mark.parametrize(
    "action",
    [
        *(Action.DROP_REQUEST, Action.DROP_ANSWER, Action.HTML_500),
        *(Action.HTTP_504, Action.TRUNCATED),
    ],
)
def test_a_bad_day_is_transient_and_the_next_call_is_well(action: Action) -> None:
    world = World()
    identifier = opened(world)
    world.simulator.add_faults([Fault(action, "GET", identifier)])
    with pytest.raises(PlatformUnavailable) as caught:
        world.platform.payment(identifier)
    assert caught.value.transient
    assert world.platform.payment(identifier).identifier == identifier


def answering(content: bytes | str, status: int = 200) -> PlatformClient:
    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, content=content)

    return PlatformClient("http://pi", "key", httpx.MockTransport(answer))


def dto(**changes: object) -> str:
    world = World()
    opened(world)
    raw = world.http.get(
        "/v2/payments/incomplete_server_payments",
        headers={"Authorization": "Key right"},
    ).json()["incomplete_server_payments"][0]
    return json.dumps({**raw, **changes})


@pytest.mark.parametrize(
    "content",
    [
        *("", "null", "[]", "{}", "<html>", '{"identifier":', "[" * 100_000),
        *("\ud800".encode("utf-16", "surrogatepass"), b"\xff\xfe\x00"),
        dto(status=None),
        dto(status={"developer_approved": "yes"}),
        dto(amount="1"),
        dto(amount=True),
        dto(amount=None),
        dto(amount=-1),
        dto(amount=0.00000001),
        dto(amount=1e30),
        dto(amount=float("nan")),
        dto(amount=float("inf")),
        dto(transaction=[]),
        dto(transaction={"txid": None}),
        dto(identifier=""),
        dto(direction=None),
    ],
)
def test_an_answer_that_is_not_as_documented_is_unreadable_and_no_crash(
    content: bytes | str,
) -> None:
    for status in (200, 404, 500):
        with pytest.raises(PlatformError) as caught:
            answering(content, status).payment("0" * 28)
        assert caught.value.transient or status == 404
        if status == 200:
            assert isinstance(caught.value, PlatformAnswerUnreadable)


def test_fields_that_nobody_documented_do_no_harm() -> None:
    content = dto(split_recipients=None, token_canonical=None, memo=None, metadata=None)
    payment = answering(content).payment("0" * 28)
    assert (payment.memo, payment.metadata) == ("", {})


def test_nothing_secret_is_logged_or_shown(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        world = World()
        secrets = ["right", world.sign_in("ada")["accessToken"]]
        caplog.clear()
        world.platform.me(secrets[1])
        opened(world)
        world.simulator.add_faults([Fault(Action.DROP_ANSWER, "GET", "/v2/me")])
        with pytest.raises(PlatformUnavailable) as caught:
            world.platform.me(secrets[1])
    told = caplog.text + repr(world.platform) + repr(caught.value)
    assert not [secret for secret in secrets if secret in told]
    assert caught.value.__cause__ is None  # its request would hold the headers
    assert caught.value.__suppress_context__


# --- Amounts


@pytest.mark.parametrize(
    ("written", "units"),
    [
        *(("1e-7", 1), ("0.0000001", 1), ("1.5", 15_000_000), ("3", 30_000_000)),
        *(("0", 0), ("1E+2", 1_000_000_000), ("922337203685.4775807", 2**63 - 1)),
        ("0.30000000000000000000000000000000000", 3_000_000),
    ],
)
def test_amounts_are_read_exactly(written: str, units: int) -> None:
    assert units_of(Decimal(written)) == units


@pytest.mark.parametrize(
    "written",
    [
        *("1e-8", "0.00000011", "-1", "1e999999", "1e-999999", "NaN", "Infinity"),
        *("922337203685.4775808", "1.0000000000000000000000000000000000001"),
    ],
)
def test_what_cannot_be_counted_exactly_is_refused_and_not_rounded(
    written: str,
) -> None:
    with pytest.raises(PlatformAnswerUnreadable):
        units_of(Decimal(written))


@pytest.mark.parametrize("units", [1, 9, 10, 99, 3_333_333, 10**7, 2**53 + 1])
def test_an_amount_comes_back_as_it_was_sent(units: int) -> None:
    world = World()
    uid = world.uid("ada")
    assert world.platform.create_payment(uid, units, "m", META).amount == units


def test_an_amount_is_written_with_seven_places_and_more_than_nothing() -> None:
    body = payment_body(uid="u", amount=1, memo='"', metadata={"k": "é"})
    assert '"amount":0.0000001,' in body
    assert json.loads(body)["payment"]["memo"] == '"'
    for amount in (0, -1, 2**63):
        with pytest.raises(ValueError, match="more than 0"):
            payment_body(uid="u", amount=amount, memo="m", metadata={})
