"""Logging in with an authenticator, in Chromium, as a person does."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.chromium import visiting
from tests.rig.authenticator import enrol
from tests.server_process import COMMAND, ServerProcess

PASSWORD = "the garden gate"


class Guarded:
    """A server, a user of it who has an authenticator, and a page of somebody who is not logged in."""

    def __init__(self, server: ServerProcess, page: Page) -> None:
        self.page = page
        self._steps = 0
        with server.client() as admin:
            user = {"username": "gardener", "password": PASSWORD, "role": 1}
            made = admin.post("/api/auth/users", json=user).raise_for_status().json()
            self.authenticator, self.recovery_codes = enrol(admin, made["id"], time.time)

    def fresh_code(self) -> str:
        """Return a code that was not used yet: each is accepted once, and the one of the setup is used up."""
        self._steps += 1
        return self.authenticator.code(self._steps)

    def give_password(self) -> None:
        """Fill in name and password."""
        self.page.goto("/login.html")
        self.page.get_by_label("User name").fill("gardener")
        self.page.get_by_label("Password").fill(PASSWORD)

    def press(self) -> None:
        """Press the button that is there."""
        self.page.get_by_role("button", name="Log in").filter(visible=True).click()

    def is_in(self) -> None:
        """Wait for the page with the cameras."""
        self.page.wait_for_url(re.compile(r"/(index\.html)?$"))
        expect(self.page.get_by_role("heading", name="Cameras")).to_be_visible()


@pytest.fixture(params=[False, True], ids=["in two steps", "at once"])
def at_once(request: pytest.FixtureRequest) -> bool:
    """Whether the code has to come with the password."""
    return bool(request.param)


@pytest.fixture
def guarded(browser: Browser, tmp_path: Path, at_once: bool) -> Iterator[Guarded]:
    """A server for one test."""
    environment = {"LIGHTNVR_WEB_FORCE_MFA_ON_LOGIN": str(at_once).lower()}
    with ServerProcess([COMMAND, "serve"], tmp_path, environment) as server, visiting(browser, server.url) as page:
        yield Guarded(server, page)


def test_a_code_lets_in_and_a_device_can_be_trusted(guarded: Guarded, at_once: bool) -> None:
    page, code = guarded.page, page_code(guarded, at_once)
    code.fill(guarded.authenticator.wrong())
    guarded.press()
    expect(page.get_by_role("alert").filter(visible=True)).to_have_text(re.compile(r"\w+ \w+"))

    code.fill(guarded.fresh_code())
    page.get_by_label("Ask for no code on this device again").filter(visible=True).check()
    guarded.press()
    guarded.is_in()

    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login.html?logout=true")
    guarded.give_password()
    guarded.press()
    guarded.is_in()


def test_a_recovery_code_does_it_too(guarded: Guarded, at_once: bool) -> None:
    page_code(guarded, at_once).fill(guarded.recovery_codes[0])
    guarded.press()
    guarded.is_in()


def page_code(guarded: Guarded, at_once: bool) -> Locator:
    """Give name and password, and return the field for the code."""
    guarded.give_password()
    field = guarded.page.get_by_label("Code of your authenticator").filter(visible=True)
    if at_once:
        expect(field).to_have_count(1)
    else:
        expect(field).to_have_count(0)
        guarded.press()
    return field
