"""A real Chromium, a phone and a desktop in it, and a way to be signed in."""

import os
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, sync_playwright
from pytest_django.live_server_helper import LiveServer

from tests.site import found

# Playwright's loop runs in this thread; Django's guard means other loops than that.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

PATIENCE_MS = 10_000

SignIn = Callable[[BrowserContext, object], None]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = found.browser()
    if not path:
        pytest.skip("Chromium not found: browser tests skipped")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


def _context(browser: Browser, server: LiveServer, **look: object) -> BrowserContext:
    context = browser.new_context(base_url=server.url, **look)
    context.set_default_timeout(PATIENCE_MS)
    return context


@pytest.fixture
def phone(chromium: Browser, live_server: LiveServer) -> Iterator[BrowserContext]:
    """An emulated phone: narrow, sharp, touched instead of clicked."""
    context = _context(
        chromium,
        live_server,
        viewport={"width": 390, "height": 844},
        device_scale_factor=2,
        has_touch=True,
        is_mobile=True,
    )
    yield context
    context.close()


@pytest.fixture
def desktop(chromium: Browser, live_server: LiveServer) -> Iterator[BrowserContext]:
    context = _context(chromium, live_server, viewport={"width": 1440, "height": 900})
    yield context
    context.close()


@pytest.fixture
def sign_in(live_server: LiveServer) -> SignIn:
    """Give a browser the session of a user, without the log-in page."""

    def give_session(context: BrowserContext, user: object) -> None:
        client = Client()
        client.force_login(user)
        cookie = client.cookies[settings.SESSION_COOKIE_NAME]
        context.add_cookies(
            [{"name": cookie.key, "value": cookie.value, "url": live_server.url}]
        )

    return give_session
