"""/live.html as a test sees it: what it says, and the numbers in the pictures it really shows."""

from urllib.parse import urlencode

from playwright.sync_api import Locator, Page

from lightnvr.demo.numbering import block_size
from tests.e2e.reading import READ_NUMBER

WAYS = ("webrtc", "mse", "ll_hls", "hls", "mp4", "mjpeg", "snapshot")
PICTURE_WAYS = frozenset(("mjpeg", "snapshot"))

_READ_NUMBERS = f"""
async ([count, after, isVideo, block]) => {{
  {READ_NUMBER}
  const numbers = [];
  const note = (number) => {{
    if (number !== null && number !== numbers.at(-1) && (numbers.length || number > after)) numbers.push(number);
    return numbers.length >= count;
  }};
  const video = document.getElementById("video");
  const picture = document.getElementById("picture");
  return new Promise((resolve) => {{
    const look = () => {{
      const isEnough = isVideo
        ? note(readNumber(video, video.videoWidth, video.videoHeight, block))
        : note(picture.complete ? readNumber(picture, picture.naturalWidth, picture.naturalHeight, block) : null);
      if (isEnough) resolve(numbers);
      else if (isVideo) video.requestVideoFrameCallback(look);
      else requestAnimationFrame(look);
    }};
    look();
  }});
}}
"""


class LivePage:
    """The page in a browser."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def watch(self, stream: str, way: str, **query: str) -> None:
        """Go to the page with this stream and way chosen."""
        self.page.goto(f"/live.html?{urlencode({'stream': stream, 'way': way, **query})}")

    @property
    def state(self) -> Locator:
        """The sentence about what is going on; `data-state` is its kind."""
        return self.page.locator("#state")

    def fact(self, name: str) -> Locator:
        """One of the measured facts."""
        return self.page.locator(f"#{name}")

    def numbers(self, count: int, way: str, width: int, after: int = -1) -> list[int]:
        """The numbers in the next pictures that are shown, beginning with one greater than `after`.

        Raises playwright's TimeoutError when they do not come.
        """
        found: list[int] = self.page.evaluate(_READ_NUMBERS, [count, after, way not in PICTURE_WAYS, block_size(width)])
        return found
