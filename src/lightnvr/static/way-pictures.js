// Single pictures: one after the other on one connection (MJPEG), or asked for again and again.

import { fetched } from "./live-source.js";
import { byId } from "./list.js";

const EVERY_MS = 1000;
const HEAD_END = [13, 10, 13, 10];

class PicturePlayer {
  static why = "";

  #shown;
  #url = "";
  #taken = null;
  #bytes = 0;
  #asking = new AbortController();
  isOver = false;

  constructor({ source, fail, shown }) {
    this.source = source;
    this.fail = fail;
    this.#shown = shown;
  }

  get signal() {
    return this.#asking.signal;
  }

  stop() {
    this.isOver = true;
    this.#asking.abort();
    URL.revokeObjectURL(this.#url);
  }

  facts() {
    const latency = this.#taken === null ? null : (Date.now() - this.#taken) / 1000;
    return { codec: "JPEG", bytes: this.#bytes, dropped: null, latency, latencyOf: "behind the camera, by the server's clock and yours" };
  }

  async show(jpeg, taken) {
    const picture = byId("picture");
    const before = this.#url;
    this.#bytes += jpeg.byteLength;
    this.#url = URL.createObjectURL(new Blob([jpeg], { type: "image/jpeg" }));
    picture.src = this.#url;
    await picture.decode();
    URL.revokeObjectURL(before);
    this.#taken = Date.parse(taken ?? "");
    if (!this.isOver) this.#shown();
  }

  async end(error) {
    if (this.isOver) return;
    this.stop();
    this.fail(error);
  }
}

export class SnapshotPlayer extends PicturePlayer {
  async start() {
    let etag = "";
    while (!this.isOver) {
      const headers = etag ? { "If-None-Match": etag } : {};
      const answer = await fetched(this.source.url("/api/frame.jpeg", { src: this.source.name }), { headers, signal: this.signal });
      if (answer.status !== 304) {
        etag = answer.headers.get("etag") ?? "";
        await this.show(await answer.arrayBuffer(), answer.headers.get("x-picture-time"));
      }
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
  }
}

export class MjpegPlayer extends PicturePlayer {
  async start() {
    const answer = await fetched(this.source.url("/api/stream.mjpeg", { src: this.source.name }), { signal: this.signal });
    const reader = answer.body.getReader();
    let waiting = new Uint8Array(0);
    for (;;) {
      const { value, done } = await reader.read();
      if (this.isOver) return;
      if (done) break;
      waiting = joined(waiting, value);
      for (let part = takePart(waiting); part; part = takePart(waiting)) {
        waiting = part.rest;
        await this.show(part.jpeg, part.taken);
      }
    }
    throw new Error((await this.source.refusal()) || "The pictures have ended.");
  }
}

function joined(first, second) {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

// Returns the first whole part of a multipart body and what follows it; null when it has not arrived yet.
function takePart(content) {
  const end = content.findIndex((_byte, at) => HEAD_END.every((wanted, offset) => content[at + offset] === wanted));
  if (end === -1) return null;
  const head = new TextDecoder().decode(content.subarray(0, end));
  const length = Number(/^content-length: (\d+)/im.exec(head)?.[1]);
  const start = end + HEAD_END.length;
  if (!Number.isFinite(length) || content.length < start + length) return null;
  return {
    jpeg: content.slice(start, start + length),
    taken: /^x-picture-time: (.+)$/im.exec(head)?.[1].trim(),
    rest: content.slice(start + length),
  };
}
