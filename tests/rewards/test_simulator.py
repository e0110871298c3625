"""The simulation behaves as Pi is documented to behave, and fails by its script."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from marketplace.site.broker import free_port
from rewards.simulator.faults import Action, Crash, Fault
from rewards.simulator.keys import INCOMING, OUTGOING, PASSPHRASE, user_keypair
from rewards.simulator.server import Server
from tests.rewards.simulated import PI, World, stranger
from tests.site.stack import wait_for

ADA = user_keypair("ada").public_key


def codes(answer: httpx.Response) -> tuple[str, list[str]]:
    assert answer.status_code == 400
    found = answer.json()["extras"]["result_codes"]
    return found["transaction"], found.get("operations", [])


def test_the_root_names_the_network_and_the_latest_ledger() -> None:
    world = World()
    before = world.http.get("/").json()
    world.clock.advance(5)
    after = world.http.get("/").json()
    assert before["network_passphrase"] == PASSPHRASE
    assert after["history_latest_ledger"] == before["history_latest_ledger"] + 1
    newest = world.http.get("/ledgers?order=desc&limit=1").json()
    (ledger,) = newest["_embedded"]["records"]
    assert ledger["sequence"] == after["history_latest_ledger"]
    assert ledger["closed_at"] == after["history_latest_ledger_closed_at"]


def test_a_payment_moves_its_amount_and_the_fee_once() -> None:
    world = World()
    world.sign_in("ada")
    before = world.simulator.balance(OUTGOING.public_key)
    envelope = world.envelope(to=ADA, amount="1.5")
    first, again = world.submit(envelope), world.submit(envelope)
    assert first.status_code == again.status_code == 200
    assert first.json()["hash"] == again.json()["hash"]
    assert first.json()["fee_charged"] == "100000"
    spent = before - world.simulator.balance(OUTGOING.public_key)
    assert spent == 15_000_000 + 100_000


def test_both_ways_of_submitting_say_what_became_of_it() -> None:
    world = World()
    world.sign_in("ada")
    envelope = world.envelope(to=ADA)
    answers = [
        world.http.post("/transactions_async", data={"tx": tx})
        for tx in (envelope, envelope, "no envelope")
    ]
    assert [answer.status_code for answer in answers] == [201, 409, 400]
    assert answers[0].json()["tx_status"] == "PENDING"
    assert answers[1].json()["tx_status"] == "DUPLICATE"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"skip": 1}, "tx_bad_seq"),
        ({"skip": -1}, "tx_bad_seq"),
        ({"bounds": (0, 1_799_999_999)}, "tx_too_late"),
        ({"bounds": (1_800_000_009, 1_800_000_100)}, "tx_too_early"),
        ({"fee": 99_999}, "tx_insufficient_fee"),
        ({"signer": stranger()}, "tx_bad_auth"),
        ({"passphrase": "Pi Network"}, "tx_bad_auth"),
        ({"source": stranger().public_key}, "tx_no_source_account"),
    ],
)
def test_what_may_not_enter_a_ledger_leaves_no_trace(
    changes: dict[str, object], code: str
) -> None:
    world = World()
    world.sign_in("ada")
    before = world.simulator.balance(OUTGOING.public_key)
    answer = world.submit(world.envelope(to=ADA, **changes))
    assert codes(answer) == (code, [])
    assert world.simulator.balance(OUTGOING.public_key) == before
    assert world.http.get(f"/accounts/{ADA}/payments").json()["_embedded"] == {
        "records": []
    }


@pytest.mark.parametrize(
    ("amount", "to", "code"),
    [
        ("1", stranger().public_key, "op_no_destination"),
        ("100000", ADA, "op_underfunded"),
    ],
)
def test_a_failed_payment_costs_the_fee_and_the_sequence(
    amount: str, to: str, code: str
) -> None:
    world = World()
    world.sign_in("ada")
    before = world.simulator.balance(OUTGOING.public_key)
    envelope = world.envelope(to=to, amount=amount)
    for _ in range(2):
        assert codes(world.submit(envelope)) == ("tx_failed", [code])
    assert before - world.simulator.balance(OUTGOING.public_key) == 100_000
    path = f"/accounts/{OUTGOING.public_key}/transactions"
    hidden = world.http.get(path).json()["_embedded"]["records"]
    shown = world.http.get(f"{path}?include_failed=true").json()["_embedded"]["records"]
    assert (len(hidden), [row["successful"] for row in shown]) == (0, [False])


def test_of_two_operations_both_happen_or_neither() -> None:
    world = World()
    world.sign_in("ada")
    before = world.simulator.balance(ADA)
    for others, paid in (({}, 0), ({"more": [(ADA, "2")]}, 3 * PI)):
        more = others or {"more": [(stranger().public_key, "2")]}
        world.submit(world.envelope(to=ADA, fee=200_000, **more))
        assert world.simulator.balance(ADA) - before == paid


def test_one_memo_may_be_paid_twice_by_two_transactions() -> None:
    world = World()
    world.sign_in("ada")
    for _ in range(2):
        assert world.submit(world.envelope(to=ADA, memo="twice")).status_code == 200
    assert len(world.simulator.debits("twice")) == 2


def test_lists_are_read_on_from_a_cursor_both_ways() -> None:
    world = World()
    world.sign_in("ada")
    for number in range(5):
        world.submit(world.envelope(to=ADA, memo=str(number)))
    address = f"/accounts/{OUTGOING.public_key}/transactions?limit=2"
    for order, expected in (("asc", "01234"), ("desc", "43210")):
        memos, link = [], f"{address}&order={order}"
        while True:
            page = world.http.get(link).json()
            if not page["_embedded"]["records"]:
                break
            memos += [row["memo"] for row in page["_embedded"]["records"]]
            link = page["_links"]["next"]["href"]
        assert "".join(memos) == expected


def test_a_hash_that_is_not_there_is_missing() -> None:
    answer = World().http.get("/transactions/" + "0" * 64)
    assert answer.status_code == 404
    assert answer.json()["type"].endswith("not_found")


# --- Paying the app, as the browser does it


def opened(world: World, token: str) -> str:
    answer = world.as_user(
        token, "/simulated/payments", amount=2, memo="top up", metadata={"d": "1"}
    )
    assert answer.status_code == 200
    return answer.json()["identifier"]


def test_a_user_pays_only_what_the_app_approved_and_the_app_completes_it() -> None:
    world = World()
    token = world.sign_in("ada")["accessToken"]
    payment = opened(world, token)
    early = world.as_user(token, "/simulated/wallet/pay", payment_id=payment)
    assert early.status_code == 400
    world.platform.approve(payment)
    before = world.simulator.balance(INCOMING.public_key)
    txid = world.as_user(token, "/simulated/wallet/pay", payment_id=payment).json()[
        "txid"
    ]
    assert world.simulator.balance(INCOMING.public_key) - before == 2 * PI
    assert world.sign_in("ada")["incomplete"]["identifier"] == payment
    seen = world.platform.payment(payment)
    assert seen.transaction
    assert seen.transaction.txid == txid
    done = world.platform.complete(payment, txid)
    assert done.status.developer_completed
    assert world.sign_in("ada")["incomplete"] is None


def test_a_payment_that_is_not_approved_in_a_minute_is_cancelled() -> None:
    world = World()
    payment = opened(world, world.sign_in("ada")["accessToken"])
    world.clock.advance(61)
    assert world.platform.payment(payment).status.cancelled


def test_a_new_payment_ends_the_open_one_unless_it_was_paid() -> None:
    world = World()
    token = world.sign_in("ada")["accessToken"]
    first = opened(world, token)
    second = opened(world, token)
    assert world.platform.payment(first).status.cancelled
    world.platform.approve(second)
    world.as_user(token, "/simulated/wallet/pay", payment_id=second)
    third = world.as_user(
        token, "/simulated/payments", amount=1, memo="m", metadata={"d": "1"}
    )
    assert third.json()["error"] == "ongoing_payment_found"


def test_nobody_pays_the_payment_of_somebody_else() -> None:
    world = World()
    payment = opened(world, world.sign_in("ada")["accessToken"])
    bob = world.sign_in("bob")["accessToken"]
    answer = world.as_user(bob, "/simulated/wallet/pay", payment_id=payment)
    assert answer.json()["error"] == "payment_not_found"


# --- Faults


def fault(action: Action, **more: object) -> Fault:
    return Fault(action, "POST", "/transactions$", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("trouble", "lands"),
    [
        (fault(Action.DROP_REQUEST), False),
        (fault(Action.DROP_ANSWER), True),
        (fault(Action.HTTP_504), False),
        (fault(Action.LANDED_UNKNOWN), True),
        (fault(Action.HTML_500), False),
        (fault(Action.BAD_SEQUENCE), False),
        (fault(Action.BAD_SEQUENCE, landed=True), True),
        (fault(Action.TRUNCATED), True),
        (fault(Action.CRASH, landed=False), False),
        (fault(Action.CRASH), True),
        (fault(Action.DELAY, seconds=21.0), True),
    ],
    ids=lambda value: f"{value.action}" if isinstance(value, Fault) else str(value),
)
def test_each_fault_does_what_its_name_says_and_the_next_call_is_well(
    trouble: Fault, lands: bool
) -> None:
    world = World(faults=(trouble,))
    world.sign_in("ada")
    envelope = world.envelope(to=ADA)
    try:
        heard = world.submit(envelope).status_code
    except (httpx.TransportError, Crash):
        heard = 0
    assert heard in {0, 200, 400, 500, 504}
    assert bool(world.simulator.debits("m")) is lands
    assert world.submit(envelope).status_code == 200
    assert len(world.simulator.debits("m")) == 1


def test_what_lands_late_lands_in_its_time_or_never() -> None:
    for seconds, lands in ((60.0, True), (200.0, False)):
        world = World(faults=(fault(Action.LANDS_LATE, seconds=seconds),))
        world.sign_in("ada")
        assert world.submit(world.envelope(to=ADA)).status_code == 504
        assert not world.simulator.debits("m")
        world.clock.advance(seconds + 1)
        world.http.get("/")
        assert bool(world.simulator.debits("m")) is lands


def test_a_duplicate_opens_one_payment_and_hears_of_it() -> None:
    world = World(faults=(Fault(Action.DUPLICATE, "POST", "/v2/payments$"),))
    uid = world.uid("ada")
    with pytest.raises(Exception, match="ongoing_payment_found"):
        world.platform.create_payment(uid, PI, "m", {"k": "1"})
    assert len(world.platform.incomplete_server_payments()) == 1


def test_a_fault_waits_for_its_turn_and_the_script_keeps_a_log() -> None:
    trouble = Fault(Action.HTTP_504, "GET", "^/$", nth=2)
    world = World(faults=(trouble,))
    assert [world.http.get("/").status_code for _ in range(3)] == [200, 504, 200]
    assert world.simulator.script.log == ["GET / ok", "GET / http_504", "GET / ok"]


def test_the_same_seed_and_clock_give_the_same_world() -> None:
    def story() -> tuple[str, str]:
        world = World()
        payment = world.platform.create_payment(world.uid("ada"), PI, "m", {"k": "1"})
        return payment.identifier, world.submit(world.envelope(to=ADA)).json()["hash"]

    assert story() == story()
    assert len(story()[0]) == 28


# --- Being started again


def test_a_restart_keeps_everything(tmp_path: Path) -> None:
    world = World(tmp_path / "pi.json")
    token = world.sign_in("ada")["accessToken"]
    paid = world.platform.create_payment(world.uid("ada"), PI, "m", {"k": "1"})
    world.submit(world.envelope(to=ADA, memo=paid.identifier))
    again = World(tmp_path / "pi.json", world.clock)
    assert again.platform.me(token).username == "ada"
    assert again.platform.incomplete_server_payments() == [paid]
    assert again.simulator.state == world.simulator.state
    (txid,) = again.simulator.debits(paid.identifier)
    assert again.platform.complete(paid.identifier, txid).status.developer_completed
    other = again.platform.create_payment(again.uid("bob"), PI, "m", {"k": "1"})
    assert other.identifier != paid.identifier


def test_what_lands_late_is_kept_over_a_restart(tmp_path: Path) -> None:
    late = fault(Action.LANDS_LATE, seconds=60.0)
    world = World(tmp_path / "pi.json", faults=(late,))
    world.sign_in("ada")
    world.submit(world.envelope(to=ADA))
    world.clock.advance(61)
    again = World(tmp_path / "pi.json", world.clock)
    again.http.get("/")
    world.clock.advance(600)
    assert World(tmp_path / "pi.json", world.clock).simulator.debits("m")


def test_it_runs_as_a_process_and_stops_when_told(tmp_path: Path) -> None:
    port = free_port()
    command = (sys.executable, "-m", "rewards.simulator", f"--port={port}")
    process = subprocess.Popen([*command, "--data", str(tmp_path / "deep" / "pi.json")])
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:

            def is_up() -> bool:
                try:
                    return client.get("/").is_success
                except httpx.TransportError:
                    return False

            wait_for(is_up, seconds=20, what="the simulation answers")
            assert client.post("/simulated/users", json={"username": "ada"}).is_success
            assert "ada" in client.get("/simulated/").text
    finally:
        process.terminate()
        assert process.wait(10) == 0
    assert (tmp_path / "deep" / "pi.json").exists()


def test_over_a_socket_a_dropped_answer_is_a_broken_connection() -> None:
    import threading

    world = World(faults=(Fault(Action.DROP_ANSWER, "GET", "/fee_stats"),))
    with Server(world.simulator, 0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        with httpx.Client(base_url=server.url) as client:
            with pytest.raises(httpx.RemoteProtocolError):
                client.get("/fee_stats")
            assert client.get("/fee_stats").status_code == 200
        server.shutdown()
        thread.join(5)
