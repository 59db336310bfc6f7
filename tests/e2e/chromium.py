"""Starting Debian's Chromium and logging in with it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, Playwright, expect

from tests.server_process import ADMIN_PASSWORD

WAIT_MS = 60_000
_EXECUTABLE = "/usr/bin/chromium"
_ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]


def launch(playwright: Playwright) -> Browser:
    """Start Chromium without a window. Without its sandbox, so that it also starts as root and in containers."""
    expect.set_options(timeout=WAIT_MS)
    return playwright.chromium.launch(executable_path=_EXECUTABLE, args=_ARGUMENTS)


def log_in(page: Page, password: str = ADMIN_PASSWORD) -> None:
    """Go to the page and log in as admin, as a person does."""
    page.goto("/")
    page.get_by_label("User name").fill("admin")
    page.get_by_label("Password").fill(password)
    page.get_by_label("Password").press("Enter")
    # The form also works before its script has loaded; the server then sends the browser to /index.html.
    page.wait_for_url(re.compile(r"/(index\.html)?$"))


@contextmanager
def visiting(browser: Browser, url: str) -> Iterator[Page]:
    """Give a page of somebody who is not logged in, in a browser context of its own."""
    context = browser.new_context(base_url=url)
    context.set_default_timeout(WAIT_MS)
    try:
        yield context.new_page()
    finally:
        context.close()


@contextmanager
def visiting_as_admin(browser: Browser, url: str) -> Iterator[Page]:
    """Give a page of admin."""
    with visiting(browser, url) as page:
        log_in(page)
        yield page
