"""Debian's Chromium, looking at a demo that is really running."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.e2e.chromium import launch, log_in, visiting
from tests.server_process import COMMAND, ServerProcess


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """`lightnvr demo`, with its four cameras."""
    with ServerProcess([COMMAND, "demo"], tmp_path_factory.mktemp("demo")) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for the tests of a module. It ends with the module, because its event loop holds the thread."""
    with sync_playwright() as playwright, launch(playwright) as running:
        yield running


@pytest.fixture
def anonymous(browser: Browser, demo: ServerProcess) -> Iterator[Page]:
    """A page of somebody who is not logged in."""
    with visiting(browser, demo.url) as page:
        yield page


@pytest.fixture
def page(anonymous: Page) -> Page:
    """The page of admin."""
    log_in(anonymous)
    return anonymous
