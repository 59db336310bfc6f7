// Keeps a <video> close to the latest picture that has arrived.

const LOOK_MS = 250;
const JUMP_S = 3;
const FIRST_JUMP_S = 0.8;
const HURRY_S = 0.5;
const CALM_S = 0.25;
const REST_S = 0.1;

export class LiveEdge {
  #video;
  #timer;
  #hasBegun = false;

  constructor(video) {
    this.#video = video;
    this.#timer = setInterval(() => this.keep(), LOOK_MS);
  }

  stop() {
    clearInterval(this.#timer);
    this.#video.playbackRate = 1;
  }

  // Seconds of media that have arrived and are not shown yet; null before anything has.
  get behind() {
    const { buffered, currentTime } = this.#video;
    return buffered.length ? Math.max(0, buffered.end(buffered.length - 1) - currentTime) : null;
  }

  keep() {
    const video = this.#video;
    const { behind } = this;
    if (behind === null || video.seeking) return;
    const last = video.buffered.length - 1;
    const isLost = video.currentTime < video.buffered.start(last);
    const edge = Math.max(video.buffered.start(last), video.buffered.end(last) - REST_S);
    const canJump = contains(video.seekable, edge);
    if (canJump && (isLost || behind > (this.#hasBegun ? JUMP_S : FIRST_JUMP_S))) video.currentTime = edge;
    this.#hasBegun = true;
    if (behind > FIRST_JUMP_S && !canJump) video.playbackRate = 1.5;
    else if (behind > HURRY_S) video.playbackRate = 1.1;
    else if (behind < CALM_S) video.playbackRate = 1;
    if (video.paused && !video.ended) video.play().catch(() => {});
  }
}

// A file without end that comes over HTTP cannot be searched: the browser would go back to its beginning.
function contains(ranges, time) {
  for (let at = 0; at < ranges.length; at += 1) {
    if (ranges.start(at) <= time && time <= ranges.end(at)) return true;
  }
  return false;
}
