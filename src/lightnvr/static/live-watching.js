// Watching one stream one way: tries again when it fails, and measures what arrives.

const RETRY_MS = 2000;
const SILENCE_MS = 4000;
const WINDOW_MS = 3000;

export class Watching {
  #screen;
  #make;
  #changed;
  #why;
  #isAsking = false;
  #player = null;
  #retry = null;
  #attempts = 0;
  #began = 0;
  #startedAfter = null;
  #pictures = [];
  #sizes = [];
  #shownAt = 0;
  #isOver = false;
  #frames = 0;

  // `make` makes a player, `changed` is told the state and a sentence, `why` asks the server why nothing comes.
  // `screen` has the <video> and the <img>.
  constructor({ screen, make, changed, why }) {
    this.#why = why;
    this.#screen = screen;
    this.#make = make;
    this.#changed = changed;
    this.#try();
  }

  stop() {
    this.#isOver = true;
    clearTimeout(this.#retry);
    this.#endPlayer();
  }

  async facts() {
    const facts = await (this.#player?.facts() ?? {});
    const now = performance.now();
    if (this.#startedAfter !== null && now - this.#shownAt > SILENCE_MS) this.#goSilent();
    return {
      ...facts,
      attempts: this.#attempts,
      startedAfter: this.#startedAfter,
      rate: rateOf(this.#pictures, now),
      bitRate: this.#bitRate(facts.bytes ?? 0, now),
      dropped: "dropped" in facts ? facts.dropped : this.#screen.video.getVideoPlaybackQuality?.().droppedVideoFrames,
    };
  }

  #try() {
    this.#attempts += 1;
    this.#began = performance.now();
    this.#startedAfter = null;
    this.#sizes = [];
    this.#changed("waiting", this.#attempts > 1 ? "Trying again…" : "Connecting…");
    const player = this.#make({
      tell: (state, text) => this.#player === player && this.#changed(state, text),
      fail: (error) => this.#player === player && this.#failed(error),
      shown: () => this.#player === player && this.#shown(),
    });
    this.#player = player;
    this.#follow(player);
    Promise.resolve().then(() => player.start()).catch((error) => {
      if (this.#player === player) this.#failed(error);
    });
  }

  // Notes each picture that the <video> really shows.
  #follow(player) {
    const { video } = this.#screen;
    if (!video.requestVideoFrameCallback) {
      video.addEventListener("timeupdate", () => this.#player === player && this.#shown());
      return;
    }
    const note = () => {
      if (this.#player !== player) return;
      this.#shown();
      video.requestVideoFrameCallback(note);
    };
    video.requestVideoFrameCallback(note);
  }

  #shown() {
    const now = performance.now();
    const wasSilent = now - this.#shownAt > SILENCE_MS;
    this.#shownAt = now;
    this.#frames += 1;
    this.#pictures.push(now);
    if (this.#startedAfter === null || wasSilent || this.#frames % 10 === 0) this.#changed("playing", "Playing.");
    this.#startedAfter ??= now - this.#began;
  }

  async #goSilent() {
    if (this.#isAsking) return;
    this.#isAsking = true;
    const player = this.#player;
    const reason = await this.#why();
    this.#isAsking = false;
    const seconds = Math.round((performance.now() - this.#shownAt) / 1000);
    if (this.#player !== player || seconds * 1000 < SILENCE_MS) return;
    this.#changed("waiting", [`No new picture for ${seconds} seconds.`, reason].filter(Boolean).join(" "));
  }

  #failed(error) {
    this.#endPlayer();
    if (this.#isOver) return;
    this.#changed("failed", error.message);
    this.#retry = setTimeout(() => this.#try(), RETRY_MS);
  }

  #endPlayer() {
    const player = this.#player;
    this.#player = null;
    player?.stop();
    const { video } = this.#screen;
    video.srcObject = null;
    video.removeAttribute("src");
    video.load();
  }

  #bitRate(bytes, now) {
    const last = this.#sizes.at(-1);
    if (last && bytes < last.bytes) this.#sizes = [];
    this.#sizes.push({ at: now, bytes });
    while (this.#sizes.length > 2 && now - this.#sizes[0].at > WINDOW_MS) this.#sizes.shift();
    const first = this.#sizes[0];
    return now > first.at ? ((bytes - first.bytes) * 8000) / (now - first.at) : 0;
  }
}

function rateOf(moments, now) {
  while (moments.length && now - moments[0] > WINDOW_MS) moments.shift();
  return moments.length < 2 ? 0 : ((moments.length - 1) * 1000) / (moments.at(-1) - moments[0]);
}
