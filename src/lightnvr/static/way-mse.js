// Fragments over a WebSocket into Media Source Extensions.

import { LiveEdge } from "./live-edge.js";

const CODECS = [
  "avc1.640029", "avc1.64002A", "avc1.640033", "hvc1.1.6.L153.B0", "av01.0.08M.08", "mp4a.40.2", "mp4a.40.5", "mp4a.6B", "opus",
];
const KEEP_S = 20;

// iPhones have the managed kind only.
const Media = globalThis.ManagedMediaSource ?? globalThis.MediaSource;

export class MsePlayer {
  static why = Media ? "" : "This browser has no Media Source Extensions.";

  #video;
  #source;
  #tell;
  #fail;
  #socket = null;
  #media = null;
  #buffer = null;
  #waiting = [];
  #edge = null;
  #codec = "";
  #bytes = 0;
  #refusal = "";
  #isOver = false;

  constructor({ video, source, tell, fail }) {
    this.#video = video;
    this.#source = source;
    this.#tell = tell;
    this.#fail = fail;
  }

  start() {
    this.#media = new Media();
    this.#video.disableRemotePlayback = true;
    this.#video.src = URL.createObjectURL(this.#media);
    this.#media.addEventListener("sourceopen", () => {
      URL.revokeObjectURL(this.#video.src);
      this.#connect();
    }, { once: true });
    this.#edge = new LiveEdge(this.#video);
  }

  stop() {
    this.#isOver = true;
    this.#edge?.stop();
    this.#socket?.close();
  }

  facts() {
    const behind = this.#edge?.behind ?? null;
    return { codec: this.#codec, bytes: this.#bytes, latency: behind, latencyOf: "behind what has arrived" };
  }

  #connect() {
    if (this.#isOver) return;
    this.#socket = new WebSocket(this.#source.socket("/api/ws", { src: this.#source.name }));
    this.#socket.binaryType = "arraybuffer";
    this.#socket.addEventListener("open", () => {
      const playable = CODECS.filter((codec) => Media.isTypeSupported(`video/mp4; codecs="${codec}"`));
      this.#socket.send(JSON.stringify({ type: "mse", value: playable.join(",") }));
    });
    this.#socket.addEventListener("message", ({ data }) => {
      if (this.#isOver) return;
      if (typeof data === "string") this.#hear(JSON.parse(data));
      else this.#take(data);
    });
    this.#socket.addEventListener("close", ({ reason }) => this.#end(reason || this.#refusal));
  }

  #hear({ type, value }) {
    if (type === "mse") {
      this.#codec = /codecs="([^"]*)"/.exec(value)?.[1] ?? value;
      this.#waiting.push(value);
      this.#append();
    } else if (type === "camera") {
      if (value === "gone") this.#tell("waiting", "The camera is gone. The picture goes on when it is back.");
    } else if (type === "error") {
      this.#refusal = value.replace(/^mse: /, "");
      // Without a picture so far there is nothing to wait for on this socket.
      if (this.#buffer) this.#tell("waiting", this.#refusal);
      else this.#end(this.#refusal);
    }
  }

  #take(content) {
    this.#bytes += content.byteLength;
    this.#waiting.push(content);
    this.#append();
  }

  // A string in the queue is the media type of what follows.
  #append() {
    if (this.#isOver || this.#buffer?.updating || this.#waiting.length === 0) return;
    const next = this.#waiting.shift();
    try {
      if (typeof next === "string") this.#change(next);
      else this.#buffer.appendBuffer(next);
    } catch (error) {
      this.#end(`This browser cannot play it: ${error.message}`);
      return;
    }
    if (typeof next === "string") this.#append();
  }

  #change(type) {
    if (this.#buffer) {
      this.#buffer.changeType(type);
      return;
    }
    this.#buffer = this.#media.addSourceBuffer(type);
    this.#buffer.addEventListener("updateend", () => {
      if (!this.#forget()) this.#append();
    });
    this.#buffer.addEventListener("error", () => this.#end("This browser cannot decode it."));
  }

  // Frees what was shown long ago; returns whether the buffer is busy with it.
  #forget() {
    const until = this.#video.currentTime - KEEP_S;
    const { buffered } = this.#buffer;
    if (this.#isOver || !buffered.length || until - buffered.start(0) < KEEP_S) return false;
    this.#buffer.remove(0, until);
    return true;
  }

  async #end(reason) {
    if (this.#isOver) return;
    this.stop();
    this.#fail(new Error(reason || (await this.#source.refusal()) || "The connection was lost."));
  }
}
