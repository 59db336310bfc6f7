"""Recordings that were taken over from the original, in Chromium with hls.js: ordinary MP4 files, as they are."""

import subprocess
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.chromium import visiting_as_admin
from tests.e2e.recorded_player import RecordedPlayer
from tests.rig.film import Recipe
from tests.rig.original import OriginalInstallation
from tests.server_process import ADMIN_PASSWORD, COMMAND, ServerProcess

pytestmark = [
    pytest.mark.xdist_group("imported day"),
    pytest.mark.skipif(
        not (Path(__file__).parents[2] / "src/lightnvr/static/vendor/hls.min.js").exists(),
        reason="make setup found no npm to get hls.js with",
    ),
]

FPS = 15
BEGIN = int(time.time()) // 86_400 * 86_400 - 43_200
RECIPES = (
    Recipe(seconds=6, width=320, height=240, audio=True),
    Recipe(seconds=6, width=320, height=240, audio=True, first=90),
    Recipe(seconds=6, width=320, height=240, audio=True, b_frames=2, first=180),
)
URL = f"/api/timeline/manifest?stream=door&start={BEGIN - 60}&end={BEGIN + 60}"


@pytest.fixture(scope="module")
def page(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A page of the old administrator, on what was taken over."""
    folder = tmp_path_factory.mktemp("imported")
    original = OriginalInstallation(folder / "original")
    original.add_user("admin", ADMIN_PASSWORD)
    for number, recipe in enumerate(RECIPES):
        original.record("door", BEGIN + 6 * number, recipe)
    command: list[str | Path] = [
        COMMAND,
        "import",
        "--from",
        "lightnvr",
        original.write_settings(),
        "--data-dir",
        folder / "data",
    ]
    subprocess.run(command, check=True, cwd=folder, capture_output=True)
    with ServerProcess([COMMAND, "serve"], folder) as server, visiting_as_admin(browser, server.url) as page:
        yield page


def test_they_play_as_one_stretch(page: Page) -> None:
    player = RecordedPlayer(page)
    player.open(URL)
    shown = player.play_to_the_end()

    numbers = [picture.number for picture in shown if picture.number is not None]
    assert all(earlier <= later for earlier, later in pairwise(numbers)), numbers
    assert numbers[0] < FPS
    assert numbers[-1] == 269
    for recipe in RECIPES:
        of_part = {number for number in numbers if recipe.first <= number < recipe.first + 90}
        assert len(of_part) > 90 // 4, (recipe, sorted(of_part))


@pytest.mark.parametrize("number", [3, 80, 95, 150])
def test_a_moment_shows_its_picture(page: Page, number: int) -> None:
    player = RecordedPlayer(page)
    player.open(URL)

    picture = player.seek((number + 0.5) / FPS)

    # The sound of these begins a picture's time before the pictures, so that each file is that much longer.
    assert picture.number is not None
    assert number - 3 <= picture.number <= number
    assert abs(picture.at_s - BEGIN - number / FPS) < 3 / FPS
