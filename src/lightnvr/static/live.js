// The page for support: one stream, one way of watching it, and what arrives.

import { Source } from "./live-source.js";
import { Watching } from "./live-watching.js";
import { byId, element, say, setText, show } from "./list.js";
import { Unauthorized, call } from "./server.js";
import { HlsPlayer } from "./way-hls.js";
import { Mp4Player } from "./way-mp4.js";
import { MsePlayer } from "./way-mse.js";
import { MjpegPlayer, SnapshotPlayer } from "./way-pictures.js";
import { WebRtcPlayer } from "./way-webrtc.js";
import { bitRate, joined, pictureSize } from "./words.js";

const FACTS_MS = 500;

const WAYS = {
  webrtc: { label: "WebRTC", player: WebRtcPlayer, hint: "The least latency. Needs a UDP port." },
  mse: { label: "MSE over a WebSocket", player: MsePlayer, hint: "Little latency over the web port alone." },
  ll_hls: { label: "Low-latency HLS", player: HlsPlayer, lowLatency: true, hint: "About two seconds; passes every proxy." },
  hls: { label: "HLS", player: HlsPlayer, lowLatency: false, hint: "Some seconds; for every player." },
  mp4: { label: "MP4 over HTTP", player: Mp4Player, hint: "One file without end, for scripts and simple players." },
  mjpeg: { label: "MJPEG", player: MjpegPlayer, pictures: true, hint: "A picture for each keyframe; no sound." },
  snapshot: { label: "Snapshot", player: SnapshotPlayer, pictures: true, hint: "The latest picture, asked for every second." },
};

const query = new URLSearchParams(location.search);
const screen = { video: byId("video"), picture: byId("picture") };
let watching = null;

function changed(state, sentence) {
  const node = byId("state");
  node.dataset.state = state;
  setText(node, sentence);
}

function start() {
  watching?.stop();
  const way = WAYS[byId("way").value];
  const source = new Source(byId("stream").value, query.get("ticket") ?? "");
  setText(byId("hint"), way.player.why || way.hint);
  show(screen.video, !way.pictures);
  show(screen.picture, Boolean(way.pictures));
  screen.picture.removeAttribute("src");
  remember();
  const make = (calls) => new way.player({ ...calls, video: screen.video, source, lowLatency: way.lowLatency });
  watching = source.name && !way.player.why ? new Watching({ screen, make, changed, why: () => source.refusal() }) : null;
  if (!watching) changed("stopped", way.player.why || "There is no stream.");
}

function stop() {
  watching?.stop();
  watching = null;
  changed("stopped", "Stopped.");
}

// The address of the page leads to what is watched now, so that it can be handed on.
function remember() {
  query.set("stream", byId("stream").value);
  query.set("way", byId("way").value);
  history.replaceState(null, "", `?${query}`);
}

async function refreshFacts() {
  const facts = watching ? await watching.facts() : {};
  const seconds = (value) => `${value.toFixed(value < 10 ? 2 : 1)} s`;
  const { video, picture } = screen;
  setText(byId("codec"), facts.codec || "–");
  setText(byId("size"), (video.hidden
    ? pictureSize(picture.naturalWidth, picture.naturalHeight)
    : pictureSize(video.videoWidth, video.videoHeight)) || "–");
  setText(byId("rate"), facts.rate ? `${facts.rate.toFixed(1)} per second` : "–");
  setText(byId("bits"), bitRate(facts.bitRate) || "–");
  setText(byId("latency"), Number.isFinite(facts.latency) && facts.latency !== null ? `${seconds(facts.latency)} ${facts.latencyOf}` : "–");
  setText(byId("dropped"), facts.dropped === null || facts.dropped === undefined ? "–" : `${facts.dropped} pictures`);
  setText(byId("started"), facts.startedAfter ? seconds(facts.startedAfter / 1000) : "–");
  setText(byId("attempts"), facts.attempts ? String(facts.attempts) : "–");
}

function offerStreams(streams) {
  const options = streams.flatMap(({ name, has_sub_stream: hasSub }) => [
    element("option", { value: name, textContent: name }),
    ...(hasSub ? [element("option", { value: `${name}_sub`, textContent: joined(name, "sub-stream") })] : []),
  ]);
  byId("stream").replaceChildren(...options);
}

async function streams() {
  // With a ticket nobody is logged in, and it opens one stream only.
  if (query.has("ticket")) return [{ name: query.get("stream") ?? "", has_sub_stream: false }];
  return (await call("GET", "/api/streams")).streams;
}

async function begin() {
  try {
    offerStreams(await streams());
  } catch (error) {
    if (error instanceof Unauthorized) location.replace("/login.html");
    else say(byId("trouble"), error.message);
    return;
  }
  byId("way").replaceChildren(...Object.entries(WAYS).map(([value, { label }]) => element("option", { value, textContent: label })));
  if (query.has("stream")) byId("stream").value = query.get("stream");
  byId("way").value = query.get("way") in WAYS ? query.get("way") : "webrtc";
  if (!byId("stream").value) byId("stream").selectedIndex = 0;
  byId("choices").addEventListener("submit", (event) => {
    event.preventDefault();
    start();
  });
  for (const choice of ["stream", "way"]) byId(choice).addEventListener("change", start);
  byId("stop").addEventListener("click", stop);
  addEventListener("pagehide", () => watching?.stop());
  setInterval(refreshFacts, FACTS_MS);
  start();
}

begin();
