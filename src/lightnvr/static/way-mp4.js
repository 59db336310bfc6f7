// One MP4 without end, straight into a <video>.

import { LiveEdge } from "./live-edge.js";
import { fetched } from "./live-source.js";

export class Mp4Player {
  static why = "";

  #video;
  #source;
  #fail;
  #edge = null;
  #codec = "";
  #isOver = false;
  #onEnd = () => this.#end();

  constructor({ video, source, fail }) {
    this.#video = video;
    this.#source = source;
    this.#fail = fail;
  }

  async start() {
    const address = this.#source.url("/api/stream.mp4", { src: this.#source.name });
    // A <video> does not show the server's sentence, so the same is asked for here, for a moment.
    const asking = new AbortController();
    const answer = await fetched(address, { signal: asking.signal });
    this.#codec = /codecs="([^"]*)"/.exec(answer.headers.get("content-type") ?? "")?.[1] ?? "";
    asking.abort();
    if (this.#isOver) return;
    for (const event of ["error", "ended"]) this.#video.addEventListener(event, this.#onEnd);
    this.#video.src = address;
    this.#video.play().catch(() => {});
    this.#edge = new LiveEdge(this.#video);
  }

  stop() {
    this.#isOver = true;
    this.#edge?.stop();
    for (const event of ["error", "ended"]) this.#video.removeEventListener(event, this.#onEnd);
  }

  facts() {
    const bytes = (this.#video.webkitVideoDecodedByteCount ?? 0) + (this.#video.webkitAudioDecodedByteCount ?? 0);
    const latency = this.#edge?.behind ?? null;
    return { codec: this.#codec, bytes, latency, latencyOf: "behind what has arrived" };
  }

  async #end() {
    if (this.#isOver) return;
    const said = this.#video.error?.message;
    this.stop();
    this.#fail(new Error((await this.#source.refusal()) || said || "The stream has ended."));
  }
}
