"""/live.html as a test sees it: what it says, and the numbers in the pictures it really shows."""

from urllib.parse import urlencode

from playwright.sync_api import Locator, Page

from lightnvr.demo.numbering import block_size

WAYS = ("webrtc", "mse", "ll_hls", "hls", "mp4", "mjpeg", "snapshot")
PICTURE_WAYS = frozenset(("mjpeg", "snapshot"))

_READ_NUMBERS = """
async ([count, after, isVideo, block]) => {
  const blocks = 29;
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const read = (shown, width, height) => {
    if (!width) return null;
    [canvas.width, canvas.height] = [width, height];
    context.drawImage(shown, 0, 0, width, height);
    const pixels = context.getImageData(block, block, blocks * block, block).data;
    const bits = [];
    for (let at = 0; at < blocks; at += 1) {
      let sum = 0;
      let samples = 0;
      for (let row = block >> 2; row < block - (block >> 2); row += 1) {
        for (let column = block >> 2; column < block - (block >> 2); column += 1) {
          sum += pixels[(row * blocks * block + at * block + column) * 4 + 1];
          samples += 1;
        }
      }
      const mean = sum / samples;
      if (mean > 96 && mean < 160) return null;
      bits.push(mean > 128 ? 1 : 0);
    }
    const value = bits.slice(2, 26);
    const parity = value.reduce((all, bit) => all ^ bit, 0);
    const isWhole = bits[0] === 1 && bits[1] === 0 && bits[26] === parity && bits[27] === 0 && bits[28] === 1;
    return isWhole ? parseInt(value.join(""), 2) : null;
  };
  const numbers = [];
  const note = (number) => {
    if (number !== null && number !== numbers.at(-1) && (numbers.length || number > after)) numbers.push(number);
    return numbers.length >= count;
  };
  const video = document.getElementById("video");
  const picture = document.getElementById("picture");
  return new Promise((resolve) => {
    const look = () => {
      const isEnough = isVideo
        ? note(read(video, video.videoWidth, video.videoHeight))
        : note(picture.complete ? read(picture, picture.naturalWidth, picture.naturalHeight) : null);
      if (isEnough) resolve(numbers);
      else if (isVideo) video.requestVideoFrameCallback(look);
      else requestAnimationFrame(look);
    };
    look();
  });
}
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
