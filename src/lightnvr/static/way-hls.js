// HLS, with hls.js where the browser does not play it by itself.

import { fetched } from "./live-source.js";

const SCRIPT = "/vendor/hls.min.js";
const TYPE = "application/vnd.apple.mpegurl";

let loading = null;

function loadScript() {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = SCRIPT;
    script.addEventListener("load", () => resolve(globalThis.Hls));
    script.addEventListener("error", () => {
      loading = null;
      reject(new Error("This browser needs hls.js for HLS, and it is not installed here. Install npm on the server, run make setup and start it again."));
    });
    document.head.append(script);
  });
  return loading;
}

export class HlsPlayer {
  static why = "";

  #video;
  #source;
  #fail;
  #file;
  #player = null;
  #codec = "";
  #bytes = 0;
  #isOver = false;

  constructor({ video, source, fail, lowLatency }) {
    this.#video = video;
    this.#source = source;
    this.#fail = fail;
    this.#file = lowLatency ? "ll.m3u8" : "index.m3u8";
  }

  async start() {
    const address = this.#source.url(`/hls/${encodeURIComponent(this.#source.name)}/${this.#file}`);
    // Asked for here first, because players do not show the server's sentence.
    await fetched(address);
    const Hls = this.#video.canPlayType(TYPE) && !globalThis.MediaSource ? null : await loadScript();
    if (this.#isOver) return;
    if (!Hls?.isSupported()) this.#playNatively(address);
    else this.#play(Hls, address);
  }

  stop() {
    this.#isOver = true;
    this.#player?.destroy();
  }

  facts() {
    const playing = this.#player?.playingDate ?? startDate(this.#video);
    const latency = playing ? (Date.now() - playing.getTime()) / 1000 : null;
    return { codec: this.#codec, bytes: this.#bytes, latency, latencyOf: "behind the camera, by the server's clock and yours" };
  }

  #play(Hls, address) {
    // Workers of hls.js come from a blob, which the page's security policy forbids.
    this.#player = new Hls({ enableWorker: false, lowLatencyMode: true, backBufferLength: 10 });
    const { Events } = Hls;
    const count = (_event, { frag, part }) => {
      this.#bytes += (part ?? frag).stats.loaded;
    };
    this.#player.on(Events.FRAG_LOADED, count);
    this.#player.on(Events.BUFFER_CODECS, (_event, tracks) => {
      this.#codec = Object.values(tracks).map((track) => track.codec).filter(Boolean).join(",");
    });
    this.#player.on(Events.ERROR, (_event, problem) => {
      if (problem.fatal) this.#end(problem);
    });
    this.#player.loadSource(address);
    this.#player.attachMedia(this.#video);
  }

  #playNatively(address) {
    this.#video.src = address;
    this.#video.addEventListener("error", () => this.#end({ details: this.#video.error?.message }), { once: true });
  }

  async #end(problem) {
    if (this.#isOver) return;
    this.stop();
    this.#fail(new Error((await this.#source.refusal()) || `HLS stopped: ${problem.details ?? "unknown"}.`));
  }
}

function startDate(video) {
  const began = video.getStartDate?.();
  if (!began || Number.isNaN(began.getTime())) return null;
  return new Date(began.getTime() + video.currentTime * 1000);
}
