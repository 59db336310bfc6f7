"""hls.js in Chromium on a playlist of recorded time, and the numbers in the pictures it really shows.

The pictures are those of tests.rig.numbered_pictures, which can be read at any size.
"""

from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page

from tests.e2e.chromium import WAIT_MS

_BEGIN = """
async ([url]) => {
  const video = document.createElement("video");
  video.muted = true;
  document.body.replaceChildren(video);
  // Workers of hls.js come from a blob, which the page's security policy forbids.
  const hls = new Hls({ enableWorker: false });
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [64, 32];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const number = () => {
    context.drawImage(video, 0, 0, 64, 32);
    const pixels = context.getImageData(0, 0, 64, 32).data;
    const bits = [];
    for (let block = 0; block < 32; block += 1) {
      const [row, column] = [Math.floor(block / 8) * 8 + 2, (block % 8) * 8 + 2];
      let sum = 0;
      for (let at = 0; at < 16; at += 1) sum += pixels[((row + (at >> 2)) * 64 + column + (at & 3)) * 4 + 1];
      bits.push(sum / 16 > 126 ? 1 : 0);
    }
    const isWhole = bits.slice(0, 16).every((bit, at) => bit !== bits[16 + at]);
    return isWhole ? parseInt(bits.slice(0, 16).join(""), 2) : null;
  };
  const state = { video, hls, number, shown: [], failed: "" };
  globalThis.recorded = state;
  hls.on(Hls.Events.ERROR, (_event, problem) => { if (problem.fatal) state.failed = problem.details; });
  const look = () => {
    state.shown.push([number(), video.videoWidth, hls.playingDate?.getTime() ?? 0]);
    video.requestVideoFrameCallback(look);
  };
  video.requestVideoFrameCallback(look);
  hls.loadSource(url);
  hls.attachMedia(video);
}
"""
_WAIT = """
async ([what, patience]) => {
  const { recorded } = globalThis;
  const ends = performance.now() + patience;
  const isThere = () => (what === "ended" ? recorded.video.ended : recorded.video.readyState >= 2);
  while (!recorded.failed && !isThere()) {
    if (performance.now() > ends) return `never ${what}, at ${recorded.video.currentTime} s`;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return recorded.failed;
}
"""
_SEEK = """
async ([seconds]) => {
  const { video, number } = globalThis.recorded;
  const there = new Promise((resolve) => video.addEventListener("seeked", resolve, { once: true }));
  const drawn = new Promise((resolve) => video.requestVideoFrameCallback(resolve));
  video.currentTime = seconds;
  await there;
  await drawn;
  return [number(), video.videoWidth, globalThis.recorded.hls.playingDate.getTime()];
}
"""


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture: its number, its width in pixels, and its wall-clock time in seconds since 1970 UTC."""

    number: int | None
    width: int
    at_s: float


class RecordedPlayer:
    """A player on a page that is logged in."""

    def __init__(self, page: Page) -> None:
        self.page = page
        page.add_script_tag(url="/vendor/hls.min.js")

    def open(self, url: str) -> None:
        """Load a playlist and wait for the first picture."""
        self.page.evaluate(_BEGIN, [url])
        self._wait("ready")

    def play_to_the_end(self) -> list[Shown]:
        """Play and return every picture that was shown."""
        self.page.evaluate("recorded.video.play()")
        self._wait("ended")
        return [_shown(row) for row in self.page.evaluate("recorded.shown")]

    def seek(self, seconds: float) -> Shown:
        """Go to a moment of the time line and return the picture that is shown there."""
        return _shown(self.page.evaluate(_SEEK, [seconds]))

    def _wait(self, what: str) -> None:
        # Not wait_for_function, which evaluates text in the page: its security policy forbids that.
        failed: str = self.page.evaluate(_WAIT, [what, WAIT_MS])
        assert failed == ""


def _shown(row: list[Any]) -> Shown:
    number, width, at_ms = row
    return Shown(number, width, at_ms / 1000)
