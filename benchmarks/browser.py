"""/live.html in Debian's Chromium, as a person who watches."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlencode

from playwright.sync_api import Page, sync_playwright

from benchmarks.direct import SeenFrame
from benchmarks.server import LightNvr
from lightnvr.demo.numbering import block_size
from tests.e2e.chromium import launch
from tests.e2e.reading import READ_NUMBER

PICTURE_WAYS = frozenset(("mjpeg", "snapshot"))
_WATCH = f"""
async ([isVideo, block, milliseconds]) => {{
  {READ_NUMBER}
  const shown = document.getElementById(isVideo ? "video" : "picture");
  const seen = [];
  const ends = performance.now() + milliseconds;
  await new Promise((resolve) => {{
    const look = () => {{
      const at = Date.now();
      const size = isVideo ? [shown.videoWidth, shown.videoHeight] : [shown.naturalWidth, shown.naturalHeight];
      const number = readNumber(shown, ...size, block);
      if (number !== null && number !== seen.at(-1)?.[1]) seen.push([at, number]);
      if (isVideo) shown.requestVideoFrameCallback(look);
      else requestAnimationFrame(look);
    }};
    look();
    setTimeout(resolve, ends - performance.now());
  }});
  return seen;
}}
"""


class Watched:
    """The page of one browser."""

    def __init__(self, page: Page, server: LightNvr) -> None:
        self._page = page
        self._server = server

    def watch(
        self, stream: str, way: str, *, settle_s: float, seconds: float, width: int = 1280
    ) -> tuple[list[SeenFrame], str]:
        """Watch a stream one way; return the pictures shown after `settle_s`, and what the page says of its start.

        Raises playwright's TimeoutError when no picture comes.
        """
        query = urlencode({"stream": stream, "way": way, "ticket": self._server.ticket(stream)})
        self._page.goto(f"{self._server.url}/live.html?{query}")
        self._page.locator("#state[data-state=playing]").wait_for(timeout=60_000)
        time.sleep(settle_s)
        offset = time.time() - time.monotonic()
        arguments = [way not in PICTURE_WAYS, block_size(width), seconds * 1000]
        rows: list[tuple[float, int]] = self._page.evaluate(_WATCH, arguments)
        # The page brings its figures up to date once a second.
        started = self._page.locator("#started", has_text=re.compile(r"\d")).inner_text()
        self._page.goto("about:blank")
        return [SeenFrame(at / 1000 - offset, number) for at, number in rows], started


@contextmanager
def browser(server: LightNvr) -> Iterator[Watched]:
    """Start Chromium."""
    with sync_playwright() as playwright, launch(playwright) as running:
        yield Watched(running.new_page(viewport={"width": 1280, "height": 900}), server)
