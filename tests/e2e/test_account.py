"""Looking after the own account, in Chromium, as a person does."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.chromium import visiting
from tests.rig.authenticator import Authenticator
from tests.server_process import COMMAND, ServerProcess

PASSWORD = "the garden gate"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server without cameras."""
    with ServerProcess([COMMAND, "serve"], tmp_path_factory.mktemp("account")) as running:
        yield running


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody at the page of their account. `complaints` are what Chromium said of the page."""

    page: Page
    name: str
    complaints: list[str]

    def log_in(self, password: str = PASSWORD) -> None:
        """Log in, and go to the account."""
        self.page.goto("/login.html")
        self.page.get_by_label("User name").fill(self.name)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Log in").filter(visible=True).click()
        self.page.get_by_role("link", name=self.name).click()
        expect(self.page.get_by_role("heading", name="Password")).to_be_visible()


@contextmanager
def at_home(browser: Browser, server: ServerProcess, name: str, role: int = 2) -> Iterator[Visit]:
    with server.client() as admin:
        user = {"username": name, "password": PASSWORD, "role": role}
        admin.post("/api/auth/users", json=user).raise_for_status()
    with visiting(browser, server.url) as page:
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        visit = Visit(page, name, complaints)
        visit.log_in()
        yield visit
        # That a password was wrong is said on the console too.
        assert not [each for each in complaints if "401" not in each]


def test_the_password_is_changed_and_a_wrong_one_does_not_log_out(browser: Browser, server: ServerProcess) -> None:
    with at_home(browser, server, "changing") as visit:
        page = visit.page
        new = "another long secret"
        page.get_by_label("Password until now").fill("not this one")
        page.get_by_label("New password", exact=True).fill(new)
        page.get_by_label("New password again").fill("a different one")
        page.get_by_role("button", name="Change the password").click()
        expect(page.get_by_role("alert").filter(visible=True)).to_have_text("The two new passwords are not the same.")

        page.get_by_label("New password again").fill(new)
        page.get_by_role("button", name="Change the password").click()
        expect(page.get_by_role("alert").filter(visible=True)).to_have_text("Current password is incorrect")
        assert page.url.endswith("/account.html")

        page.get_by_label("Password until now").fill(PASSWORD)
        page.get_by_role("button", name="Change the password").click()
        expect(page.get_by_role("status")).to_have_text("Your password is changed. Log in with the new one.")
        visit.log_in(new)


def test_an_authenticator_is_set_up_and_removed(browser: Browser, server: ServerProcess) -> None:
    with at_home(browser, server, "guarding") as visit:
        page = visit.page
        expect(page.get_by_text("No code is asked for when you log in.")).to_be_visible()
        page.get_by_label("Your password").fill("not this one")
        page.get_by_role("button", name="Set up an authenticator").click()
        expect(page.get_by_role("alert").filter(visible=True)).to_have_text("Current password is incorrect")

        page.get_by_label("Your password").fill(PASSWORD)
        page.get_by_role("button", name="Set up an authenticator").click()
        picture = page.get_by_role("img", name="QR code of the secret")
        expect(picture).to_be_visible()
        page.wait_for_function("document.getElementById('qr').naturalWidth > 50")
        app = Authenticator(page.locator("#secret").inner_text(), time.time)

        page.get_by_label("Code of the authenticator").fill(app.wrong())
        page.get_by_role("button", name="Verify the code").click()
        expect(page.get_by_role("alert").filter(visible=True)).to_have_text("Invalid TOTP code")
        assert page.url.endswith("/account.html")
        page.get_by_label("Code of the authenticator").fill(app.code())
        page.get_by_role("button", name="Verify the code").click()
        expect(page.locator("#codes-list li")).to_have_count(10)
        expect(page.get_by_text("10 recovery codes are left.")).to_be_visible()
        expect(page.locator("#secret")).to_have_text("")

        before = page.locator("#codes-list li").all_inner_texts()
        page.get_by_label("Your password").fill(PASSWORD)
        page.get_by_role("button", name="Make new recovery codes").click()
        expect(page.locator("#codes-list li").first).not_to_have_text(before[0])

        page.get_by_label("Your password").fill(PASSWORD)
        page.get_by_role("button", name="Remove the authenticator").click()
        expect(page.get_by_text("No code is asked for when you log in.")).to_be_visible()


def test_another_api_key_is_made_and_shown_once(browser: Browser, server: ServerProcess) -> None:
    with at_home(browser, server, "programming", role=1) as visit, httpx.Client(base_url=server.url) as program:
        page = visit.page
        button = page.get_by_role("button", name="Make an API key")
        button.click()
        expect(page.locator("#key")).to_have_text("")
        keys: list[str] = []
        for _ in range(2):
            page.get_by_label("The key until now").check()
            button.click()
            expect(page.locator("#key")).not_to_have_text(keys[-1] if keys else "")
            keys.append(page.locator("#key").inner_text())
        statuses = [program.get("/api/streams", headers={"X-API-Key": key}).status_code for key in keys]
        assert statuses == [401, 200]
        page.reload()
        expect(page.get_by_role("heading", name="API key")).to_be_visible()
        expect(page.locator("#key")).to_be_hidden()


def test_who_may_have_no_api_key_is_offered_none(browser: Browser, server: ServerProcess) -> None:
    with at_home(browser, server, "looking") as visit:
        expect(visit.page.get_by_role("heading", name="API key")).to_be_hidden()


def test_sessions_and_trusted_devices_are_listed_and_ended(browser: Browser, server: ServerProcess) -> None:
    with at_home(browser, server, "elsewhere") as visit, httpx.Client(base_url=server.url) as phone:
        page = visit.page
        login = {"username": "elsewhere", "password": PASSWORD}
        phone.post("/api/auth/login", json=login, headers={"User-Agent": "Telephone 1"}).raise_for_status()
        page.reload()
        other = page.locator("#sessions li").filter(has_text="Telephone 1")
        expect(other).to_be_visible()
        expect(page.locator("#sessions li")).to_have_count(2)
        expect(page.get_by_text("There is none.")).to_be_visible()
        other.get_by_role("button").click()
        expect(page.locator("#sessions li")).to_have_count(1)
        assert phone.get("/api/auth/verify").status_code == 401

        page.locator("#sessions li").filter(has_text="This browser").get_by_role("button").click()
        page.wait_for_url(re.compile(r"/login\.html\?logout=true$"))


def test_a_trusted_device_is_forgotten(browser: Browser, server: ServerProcess) -> None:
    with at_home(browser, server, "trusting") as visit:
        page = visit.page
        page.get_by_label("Your password").fill(PASSWORD)
        page.get_by_role("button", name="Set up an authenticator").click()
        expect(page.get_by_role("img", name="QR code of the secret")).to_be_visible()
        app = Authenticator(page.locator("#secret").inner_text(), time.time)
        page.get_by_label("Code of the authenticator").fill(app.code())
        page.get_by_role("button", name="Verify the code").click()
        expect(page.locator("#codes-list li")).to_have_count(10)
        with httpx.Client(base_url=server.url) as phone:
            login = {"username": "trusting", "password": PASSWORD, "totp_code": app.code(1), "remember_device": True}
            phone.post("/api/auth/login", json=login, headers={"User-Agent": "Telephone 2"}).raise_for_status()
        page.reload()
        device = page.locator("#devices li").filter(has_text="Telephone 2")
        device.get_by_role("button", name="Forget").click()
        expect(page.locator("#devices li")).to_have_count(0)


def test_who_is_not_logged_in_is_sent_to_the_login(browser: Browser, server: ServerProcess) -> None:
    with visiting(browser, server.url) as page:
        page.goto("/account.html")
        page.wait_for_url("**/login.html")
