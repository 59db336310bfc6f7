// WebRTC, as WHEP has it: one offer, one answer (RFC 9725).

import { fetched } from "./live-source.js";

const PATIENCE_MS = 10000;

export class WebRtcPlayer {
  static why = globalThis.RTCPeerConnection ? "" : "This browser has no WebRTC.";

  #video;
  #source;
  #tell;
  #fail;
  #connection = null;
  #session = "";
  #timer = null;
  #facts = { codec: "", bytes: 0, latency: null, latencyOf: "in the network and the jitter buffer", dropped: null };
  #emitted = { delay: 0, count: 0 };
  #isOver = false;

  constructor({ video, source, tell, fail }) {
    this.#video = video;
    this.#source = source;
    this.#tell = tell;
    this.#fail = fail;
  }

  async start() {
    const connection = new RTCPeerConnection({ iceServers: await this.#source.iceServers() });
    if (this.#isOver) return;
    this.#connection = connection;
    const stream = new MediaStream();
    connection.addEventListener("track", ({ track }) => stream.addTrack(track));
    connection.addEventListener("connectionstatechange", () => this.#look());
    connection.addTransceiver("video", { direction: "recvonly" });
    connection.addTransceiver("audio", { direction: "recvonly" });
    this.#video.srcObject = stream;
    this.#video.play().catch(() => {});
    await connection.setLocalDescription();
    const address = this.#source.url("/api/webrtc", { src: this.#source.name });
    const headers = { "Content-Type": "application/sdp" };
    const answer = await fetched(address, { method: "POST", headers, body: connection.localDescription.sdp });
    this.#session = answer.headers.get("location") ?? "";
    if (this.#isOver) {
      this.#leave();
      return;
    }
    await connection.setRemoteDescription({ type: "answer", sdp: await answer.text() });
    this.#timer = setTimeout(() => {
      this.#end("No connection came about. Is the UDP port of WebRTC open in every firewall between?");
    }, PATIENCE_MS);
  }

  stop() {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#connection?.close();
    this.#leave();
  }

  async facts() {
    const reports = this.#isOver || !this.#connection ? new Map() : await this.#connection.getStats();
    let roundTrip = 0;
    for (const report of reports.values()) {
      if (report.type === "candidate-pair" && report.nominated) roundTrip = report.currentRoundTripTime ?? 0;
    }
    for (const report of reports.values()) {
      if (report.type === "inbound-rtp" && report.kind === "video") this.#note(report, reports, roundTrip);
    }
    return { ...this.#facts };
  }

  #note(report, reports, roundTrip) {
    const codec = reports.get(report.codecId);
    if (codec) this.#facts.codec = [codec.mimeType.replace("video/", ""), codec.sdpFmtpLine].filter(Boolean).join(" ");
    this.#facts.bytes = report.bytesReceived;
    this.#facts.dropped = report.framesDropped;
    const count = report.jitterBufferEmittedCount - this.#emitted.count;
    if (count > 0) {
      this.#facts.latency = (report.jitterBufferDelay - this.#emitted.delay) / count + roundTrip / 2;
      this.#emitted = { delay: report.jitterBufferDelay, count: report.jitterBufferEmittedCount };
    }
  }

  #look() {
    const state = this.#connection.connectionState;
    if (state === "connected") clearTimeout(this.#timer);
    else if (state === "disconnected") this.#askWhy();
    else if (state === "failed" || state === "closed") this.#end("");
  }

  // The browser tries for a while to get through; a server that has ended it says so at once.
  async #askWhy() {
    this.#tell("waiting", "Nothing comes from the server at the moment.");
    const refusal = await this.#source.refusal();
    if (refusal) this.#end(refusal);
  }

  async #end(reason) {
    if (this.#isOver) return;
    this.stop();
    this.#fail(new Error(reason || (await this.#source.refusal()) || "The connection was lost."));
  }

  #leave() {
    if (!this.#session) return;
    // The server notices by itself when this does not get through.
    fetch(this.#session, { method: "DELETE", keepalive: true }).catch(() => {});
    this.#session = "";
  }
}
