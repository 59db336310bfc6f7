"""Recordings on a disk that is gone: the page says so, and does not offer to play them."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.chromium import visiting_as_admin
from tests.rig.film import Recipe
from tests.rig.made_recordings import Part, make_recordings
from tests.server_process import COMMAND, ServerProcess


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    """LightNVR with one recording."""
    (tmp_path / "data").mkdir()
    # In a thread of its own, because the browser's event loop holds this one.
    with ThreadPoolExecutor(1) as thread:
        parts = (Part(1_785_578_400, Recipe()),)
        thread.submit(asyncio.run, make_recordings(tmp_path / "data", "Front Door", parts)).result()
    with ServerProcess([COMMAND, "serve"], tmp_path, {"LIGHTNVR_STORAGE_RETENTION_DAYS": "0"}) as running:
        yield running


@pytest.fixture
def page(browser: Browser, server: ServerProcess) -> Iterator[Page]:
    """A page of admin."""
    with visiting_as_admin(browser, server.url) as page:
        yield page


def test_recordings_on_a_disk_that_is_gone_say_so_until_it_is_back(page: Page, tmp_path: Path) -> None:
    recording = page.locator("#recordings").get_by_role("listitem")
    play, download = recording.get_by_role("button", name="Play"), recording.get_by_role("link", name="Download")
    expect(play).to_be_enabled()
    expect(download).to_be_visible()
    marker = tmp_path / "data/recordings/.lightnvr-storage"
    was = marker.read_text()

    marker.unlink()

    expect(recording).to_contain_text("on a disk that is not there now (main)")
    expect(play).to_be_disabled()
    expect(download).to_be_hidden()

    marker.write_text(was)

    expect(play).to_be_enabled()
    expect(download).to_be_visible()
    expect(recording).not_to_contain_text("disk")
    play.click()
    expect(page.locator("#video")).to_be_visible()
