"""A span of recorded time in Chromium with hls.js: across files, midnight, a gap, another size and another codec."""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.chromium import visiting_as_admin
from tests.e2e.recorded_player import RecordedPlayer
from tests.rig.film import Recipe
from tests.rig.made_recordings import Part, make_recordings
from tests.server_process import COMMAND, ServerProcess

pytestmark = [
    pytest.mark.xdist_group("recorded day"),
    pytest.mark.skipif(
        not (Path(__file__).parents[2] / "src/lightnvr/static/vendor/hls.min.js").exists(),
        reason="make setup found no npm to get hls.js with",
    ),
]

STREAM = "door"
FPS = 15
MIDNIGHT = int(time.time()) // 86_400 * 86_400 - 86_400
SMALL, LARGE = 320, 640
PARTS = (
    Part(MIDNIGHT - 6, Recipe(seconds=8, width=SMALL, height=240, first=0)),
    Part(MIDNIGHT + 2, Recipe(seconds=6, width=SMALL, height=240, first=120)),
    # After a gap of 20 s the camera sends larger pictures.
    Part(MIDNIGHT + 28, Recipe(seconds=6, width=LARGE, height=480, first=210)),
    Part(MIDNIGHT + 34, Recipe(seconds=6, width=SMALL, height=240, first=300)),
    # Then it was set to another codec, and back.
    Part(MIDNIGHT + 40, Recipe("libsvtav1", seconds=6, width=SMALL, height=240, first=390)),
    Part(MIDNIGHT + 46, Recipe(seconds=6, width=SMALL, height=240, first=480)),
)
URL = f"/api/timeline/manifest?stream={STREAM}&start={MIDNIGHT - 60}&end={MIDNIGHT + 60}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """LightNVR with recordings around midnight."""
    folder = tmp_path_factory.mktemp("day")
    (folder / "data").mkdir()
    # In a thread of its own, because the browser's event loop holds this one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, make_recordings(folder / "data", STREAM, PARTS)).result()
    with ServerProcess([COMMAND, "serve"], folder) as running:
        yield running


@pytest.fixture(scope="module")
def page(browser: Browser, server: ServerProcess) -> Iterator[Page]:
    """A page of admin."""
    with visiting_as_admin(browser, server.url) as page:
        yield page


def test_it_plays_from_the_first_picture_to_the_last(page: Page) -> None:
    player = RecordedPlayer(page)
    player.open(URL)
    shown = player.play_to_the_end()

    numbers = [picture.number for picture in shown if picture.number is not None]
    assert all(earlier <= later for earlier, later in pairwise(numbers)), numbers
    assert numbers[0] < FPS
    assert numbers[-1] == PARTS[-1].numbers[-1]
    for part in PARTS:
        # A browser on a busy machine leaves pictures out, but none of the parts.
        of_part = {picture.number for picture in shown if picture.number in part.numbers}
        assert len(of_part) > len(part.numbers) // 4, (part, sorted(filter(None, of_part)))
        # Where the size changes, the page may ask for it a picture later than it draws.
        other = [picture for picture in shown if picture.number in of_part and picture.width != part.recipe.width]
        assert len(other) <= 2, other


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("share", [0.02, 0.5, 0.97])
def test_a_moment_shows_its_picture_at_its_wall_clock_time(page: Page, part: Part, share: float) -> None:
    player = RecordedPlayer(page)
    player.open(URL)
    number = part.numbers[int(share * len(part.numbers))]
    # The middle of the picture's time.
    moment_s = part.start_s + (number - part.recipe.first + 0.5) / FPS

    # The time line of a player leaves gaps out.
    before_s = sum(other.recipe.seconds for other in PARTS[: PARTS.index(part)])
    picture = player.seek(before_s + moment_s - part.start_s)

    assert picture.number == number
    assert picture.width == part.recipe.width
    assert abs(picture.at_s - moment_s) < 1 / FPS
