"""The whole story, played in a browser against really running processes.

A client brings photos and money, nodes propose, two people answer on phones and one on
a desktop, and in the end every page shows the same balances and the labels load.
"""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pycocotools.coco import COCO

from tests.browser.touch import touch_drag
from tests.site.photos import BUNDLED
from tests.site.stack import Stack

pytestmark = pytest.mark.browser

PASSWORD = "a-long-enough-password-7"
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}
DESKTOP = {"viewport": {"width": 1440, "height": 900}}
PHOTOS = [BUNDLED / name for name in ("dog.jpg", "horses.jpg", "person.jpg")]
REWARD, PRICE, FEE = Decimal("0.05"), Decimal("0.004"), Decimal("1.1")
DEPOSIT = Decimal(10)
# Phone 1: three answers accepted; phone 2: two, and one with a box too many that nobody
# else saw; the desktop decides that one. Each photo is run by two nodes.
ACCEPTED = {"phone1": 3, "phone2": 2, "desk": 1}
SPENT = (6 * REWARD + 6 * PRICE) * FEE


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    with Stack(tmp_path / "data") as running:
        running.prepare("--agents=3", "--no-project")
        running.start_server()
        yield running


class Visitor:
    """Somebody with a browser; what goes wrong in its console fails the story."""

    def __init__(self, chromium: Browser, stack: Stack, **look: Any) -> None:
        self.context: BrowserContext = chromium.new_context(
            base_url=stack.url, accept_downloads=True, **look
        )
        self.context.set_default_timeout(20_000)
        self.page: Page = self.context.new_page()
        self.problems: list[str] = []
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("console", self._note)

    def _note(self, message: Any) -> None:
        if message.type == "error" and "status of 4" not in message.text:
            self.problems.append(message.text)

    def press(self, name: str) -> None:
        """Press a button or follow a link, with a finger where there is one."""
        found = self.page.get_by_role("button", name=name, exact=True).or_(
            self.page.get_by_role("link", name=name, exact=True)
        )
        found.first.click()

    def register(self, email: str) -> None:
        self.page.goto("/accounts/signup/")
        self.page.get_by_label("Email").fill(email)
        self.page.locator("input[type=password]").first.fill(PASSWORD)
        self.press("Make an account")
        expect(self.page).to_have_url(re.compile("/home/$"))

    def sign_in(self, email: str, password: str) -> None:
        self.page.goto("/accounts/login/")
        self.page.locator("input[name=login]").fill(email)
        self.page.locator("input[name=password]").fill(password)
        self.page.locator("main form button").first.click()
        expect(self.page).to_have_url(re.compile("/home/$"))

    def earned(self) -> Decimal:
        return amount(self.page.locator(".purse").inner_text())


def amount(text: str) -> Decimal:
    found = re.search(r"[\d,]+(\.\d+)?", text)
    assert found, text
    return Decimal(found.group().replace(",", ""))


def test_the_whole_story(chromium: Browser, stack: Stack, tmp_path: Path) -> None:
    client = Visitor(chromium, stack, **DESKTOP)
    client.register("ada@example.com")
    upload(client, tmp_path)
    order(client)
    pay_and_launch(client)
    project = client.page.url

    stack.start_agents(stack.prepared["codes"])
    expect(client.page.get_by_text("3 with people")).to_be_visible(timeout=30_000)

    people = {
        "phone1": newcomer(chromium, stack),
        "phone2": helper(chromium, stack, "person2@tessera.demo", **PHONE),
        "desk": helper(chromium, stack, "person3@tessera.demo", **DESKTOP),
    }
    label_all(people["phone1"])
    label_with_one_mistake(people["phone2"])
    label_by_keyboard(people["desk"])

    expect(client.page.get_by_text("3 labelled")).to_be_visible(timeout=40_000)
    expect(client.page.locator(".badge", has_text="closed").first).to_be_visible(
        timeout=40_000
    )
    check_client_balances(client, project)
    for name, person in people.items():
        check_person_balances(person, answers=ACCEPTED[name])
    check_operator_balances(chromium, stack)
    check_download(client, project, tmp_path)
    assert "adds up" in stack.manage("check_ledger")
    for visitor in (client, *people.values()):
        assert visitor.problems == []


def upload(client: Visitor, folder: Path) -> None:
    """Three photos, and a text file that only says it is one: the good ones stay."""
    client.page.goto("/home/")
    client.press("Get labels")
    client.page.get_by_label("Name of your team or company").fill("Ada & Company")
    client.press("Make it")
    client.page.goto("/datasets/")
    client.page.get_by_label("Name").fill("Animals")
    client.press("Make a dataset")
    notes = folder / "notes.jpg"
    notes.write_text("not a photo")
    client.page.set_input_files("#files", [*PHOTOS, notes])
    refused = client.page.locator("#outcomes li", has_text="notes.jpg")
    expect(refused).to_contain_text("not a picture")
    expect(client.page.locator("#upload-total")).to_contain_text("3 added")
    client.press("Show the pictures")
    expect(client.page.locator(".shots .shot")).to_have_count(3)


def order(client: Visitor) -> None:
    page = client.page
    client.press("Have it labelled")
    # The page's script is at work once it shows this.
    expect(page.get_by_role("button", name="One more label")).to_be_visible()
    page.get_by_label("Name", exact=True).fill("Dogs and horses")
    rows = page.locator("#labels .label-row")
    while rows.count() < 2:
        client.press("One more label")
    for row, label in ((rows.nth(0), "dog"), (rows.nth(1), "horse")):
        row.get_by_label("Name of the label").fill(label)
        expect(row.locator("[data-chosen]")).to_have_text(label)
    page.locator("[name=reward]").fill(str(REWARD))
    page.locator("[name=inference_price]").fill(str(PRICE))
    page.locator("[name=max_answers]").fill("3")
    expect(page.locator("#quote .money--large")).to_contain_text("0.5214")
    client.press("Save and go on")
    expect(page.get_by_role("heading", name="Dogs and horses")).to_be_visible()


def pay_and_launch(client: Visitor) -> None:
    """With too little escrow a launch is refused and nothing is half-started."""
    page = client.page
    project = page.url
    client.press("Launch")
    expect(page.locator(".messages")).to_contain_text("short of the quote")
    page.goto("/wallet/")
    client.press("Link your Pi account")
    client.press("Confirm with Pi (simulated)")
    expect(page).to_have_url(re.compile("/wallet/$"))
    page.locator("#pay-in-form [name=amount]").fill(str(DEPOSIT))
    client.press("Pay with Pi")
    page.get_by_role("button", name=re.compile("^Pay 10")).click()
    expect(page.locator(".money--large").first).to_contain_text("10")
    page.goto(project)
    client.press("Pay from the wallet")
    client.press("Launch")
    expect(page.locator("#progress")).to_be_visible()


def newcomer(chromium: Browser, stack: Stack) -> Visitor:
    """A new person on a phone, who confirms to be one real person first."""
    visitor = Visitor(chromium, stack, **PHONE)
    visitor.register("bo@example.com")
    visitor.page.goto("/confirm-identity/")
    visitor.press("Confirm with Pi (simulated)")
    expect(visitor.page).to_have_url(re.compile("/earn/$"))
    return visitor


def helper(chromium: Browser, stack: Stack, email: str, **look: Any) -> Visitor:
    visitor = Visitor(chromium, stack, **look)
    visitor.sign_in(email, stack.prepared["password"])
    return visitor


def start_labeling(person: Visitor) -> None:
    person.page.goto("/earn/")
    person.page.locator("a.work-card", has_text="Dogs and horses").click()
    expect(person.page.locator(".tag").first).to_be_visible()


def accept(person: Visitor, *, so_far: int) -> None:
    page = person.page
    expect(page.locator(".tag").first).to_be_visible()
    page.get_by_role("button", name="Looks right").tap()
    expect(page.locator("#count")).to_have_text(str(so_far + 1))


def all_done(person: Visitor) -> None:
    """Nothing is left for this person, and what was sent has arrived."""
    expect(person.page.get_by_role("link", name="My work")).to_be_visible()


def label_all(person: Visitor) -> None:
    start_labeling(person)
    for number in range(3):
        accept(person, so_far=number)
    all_done(person)


def label_with_one_mistake(person: Visitor) -> None:
    start_labeling(person)
    page = person.page
    frame = page.locator("#stage img").bounding_box()
    assert frame
    left, top = frame["x"], frame["y"]
    page.get_by_role("button", name="Draw").tap()
    touch_drag(
        page,
        (left + frame["width"] * 0.05, top + frame["height"] * 0.05),
        (left + frame["width"] * 0.3, top + frame["height"] * 0.3),
    )
    page.locator("#send").tap()
    expect(page.locator("#count")).to_have_text("1")
    for number in (1, 2):
        accept(person, so_far=number)
    all_done(person)


def label_by_keyboard(person: Visitor) -> None:
    start_labeling(person)
    person.page.keyboard.press("Enter")
    expect(person.page.locator("#count")).to_have_text("1")
    all_done(person)


def check_client_balances(client: Visitor, project: str) -> None:
    page = client.page
    page.goto(project)
    spent, refunded = page.locator("#progress .money--large").all_inner_texts()
    assert amount(spent) == SPENT
    assert amount(refunded) == Decimal("0.5214") - SPENT
    page.goto("/wallet/")
    assert amount(page.locator(".money--large").first.inner_text()) == DEPOSIT - SPENT
    total = Decimal(0)
    for line in page.locator(".amount").all_inner_texts():
        total += amount(line) if line.startswith("+") else -amount(line)
    assert total == DEPOSIT - SPENT


def check_person_balances(person: Visitor, *, answers: int) -> None:
    due = answers * REWARD
    for address in ("/home/", "/earn/", "/earn/answers/"):
        person.page.goto(address)
        assert person.earned() == due, address
    page = person.page
    assert amount(page.locator(".purse-card .money--large").inner_text()) == due
    earned = page.locator("tbody td[data-label=Earned]").all_inner_texts()
    assert sum(amount(text) for text in earned) == due


def check_operator_balances(chromium: Browser, stack: Stack) -> None:
    total = Decimal(0)
    for number in (1, 2, 3):
        email = f"operator{number}@tessera.demo"
        operator = helper(chromium, stack, email, **DESKTOP)
        operator.page.goto("/nodes/")
        expect(operator.page.locator("#computers")).to_be_visible()
        total += operator.earned()
        assert operator.problems == []
    assert total == 6 * PRICE


def check_download(client: Visitor, project: str, folder: Path) -> None:
    client.page.goto(project)
    with client.page.expect_download() as download:
        client.press("Download COCO")
    path = folder / "labels.json"
    download.value.save_as(path)
    coco = COCO(str(path))
    assert sorted(image["file_name"] for image in coco.imgs.values()) == [
        photo.name for photo in PHOTOS
    ]
    assert {category["name"] for category in coco.cats.values()} == {"dog", "horse"}
    assert coco.getAnnIds(catIds=coco.getCatIds(["dog"]))
    assert json.loads(path.read_text())["annotations"]
