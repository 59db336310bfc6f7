"""Takes the picture of the page that the README shows, from a demo that is really running."""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

from tests.e2e.chromium import launch, log_in
from tests.e2e.test_page import PLAYS_ON, recordings, wait_until_all_record
from tests.server_process import COMMAND, ServerProcess


def take(target: Path) -> None:
    """Write the picture, with all cameras recording and one recording playing."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        ServerProcess([COMMAND, "demo"], Path(folder)) as demo,
        sync_playwright() as playwright,
        launch(playwright) as browser,
    ):
        page = browser.new_page(base_url=demo.url, viewport={"width": 1280, "height": 1100})
        log_in(page)
        wait_until_all_record(page)
        expect(page.locator("#cameras .facts")).to_contain_text(["bit/s"] * 4)
        recordings(page).filter(has_text="H.264 · 1280 × 720").first.get_by_role("button", name="Play").click()
        page.locator("video").evaluate(PLAYS_ON)
        page.evaluate("scrollTo(0, 0)")
        page.screenshot(path=target)


if __name__ == "__main__":
    take(Path(sys.argv[1]))
