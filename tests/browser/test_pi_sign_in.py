"""Signing in with Pi in a real browser, under the site's own content policy."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from accounts import actions
from accounts.models import PiIdentity, User
from rewards.simulator.faults import Action, Fault
from rewards.simulator.world import Simulator
from tests.browser.conftest import SignIn

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def page(phone: BrowserContext, simulated_pi: Simulator) -> Iterator[Page]:
    page = phone.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "console",
        lambda message: (
            problems.append(message.text)
            if "Content Security Policy" in message.text
            else None
        ),
    )
    yield page
    assert problems == []


def sign_in_as(page: Page, name: str) -> None:
    page.goto("/accounts/login/")
    page.get_by_role("link", name="Sign in with Pi").click()
    page.get_by_role("button", name="Sign in with Pi (simulated)").click()
    wallet = page.get_by_role("dialog", name="Simulated Pi wallet")
    wallet.get_by_label("Your Pi user name").fill(name)
    wallet.get_by_role("button", name="Allow and go on").click()


def test_a_newcomer_comes_in_with_pi_and_again_after_leaving(page: Page) -> None:
    for _ in range(2):
        sign_in_as(page, "ada_l")
        expect(page).to_have_url(re.compile("/home/$"))
        page.locator("summary").first.click()
        expect(page.get_by_text("ada_l")).to_be_visible()
        page.get_by_role("button", name="Log out").click()
        expect(page).to_have_url(re.compile("/$"))
    assert PiIdentity.objects.get().username == "ada_l"


def test_closing_the_wallet_leaves_the_page_as_it_was(page: Page) -> None:
    page.goto("/sign-in/pi/")
    button = page.get_by_role("button", name="Sign in with Pi (simulated)")
    button.click()
    page.get_by_role("button", name="Not now").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(button).to_be_enabled()
    expect(page.get_by_role("alert")).to_have_count(0)
    assert not User.objects.exists()


def test_when_pi_is_away_the_page_says_so_and_the_next_press_works(
    page: Page, simulated_pi: Simulator
) -> None:
    simulated_pi.add_faults([Fault(Action.HTML_500, "GET", "/v2/me")])
    sign_in_as(page, "ada_l")
    expect(page.get_by_role("alert")).to_contain_text("does not answer")
    page.get_by_role("button", name="Sign in with Pi (simulated)").click()
    expect(page).to_have_url(re.compile("/home/$"))


def test_a_member_by_email_confirms_with_one_press(
    page: Page, phone: BrowserContext, sign_in: SignIn
) -> None:
    user = actions.register_user(email="ada@example.com", password="a quiet river")
    sign_in(phone, user)
    page.goto("/confirm-identity/")
    page.get_by_role("button", name="Confirm with Pi (simulated)").click()
    expect(page).to_have_url(re.compile("/earn/$"))
    page.goto("/confirm-identity/")
    expect(page.get_by_text("You are confirmed")).to_be_visible()
