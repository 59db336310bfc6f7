// The latest recordings, newest first, a page at a time.

import { call, downloadPath } from "./server.js";
import { byId, element, keepList, setText, show } from "./list.js";
import { codecName, dateAndTime, duration, fileSize, joined, pictureSize } from "./words.js";

const PER_PAGE = 20;

function createRecording(recording, onPlay) {
  const play = element("button", { type: "button", className: "play", textContent: "Play" });
  play.addEventListener("click", () => onPlay(recording.id));
  const download = element("a", { className: "button download", textContent: "Download", href: downloadPath(recording.id) });
  download.setAttribute("download", "");
  const words = `${recording.stream}, ${dateAndTime(recording.start_time)}`;
  play.setAttribute("aria-label", `Play ${words}`);
  download.setAttribute("aria-label", `Download ${words}`);
  const time = element("time", { dateTime: recording.start_time, textContent: dateAndTime(recording.start_time) });
  return element("li", { className: "recording" },
    element("div", { className: "what" },
      element("strong", { textContent: recording.stream }), " ", time, " ",
      element("span", { className: "now" }),
      element("p", { className: "facts quiet" })),
    element("div", { className: "actions" }, play, download));
}

function updateRecording(node, recording) {
  const state = recording.complete ? "" : "recording now";
  setText(node.querySelector(".now"), recording.offline ? `on a disk that is not there now (${recording.storage})` : state);
  node.querySelector(".play").disabled = recording.offline;
  show(node.querySelector(".download"), !recording.offline);
  setText(node.querySelector(".facts"), joined(
    duration(recording.duration), fileSize(recording.size), codecName(recording.codec ?? ""),
    pictureSize(recording.width, recording.height)));
}

export class Recordings {
  #onPlay;
  #camera = "";
  #page = 1;
  #shown = new Map();

  // `onPlay` is called with the recording that is to be played.
  constructor({ onPlay, onTurn }) {
    this.#onPlay = onPlay;
    byId("recordings-camera").addEventListener("change", (event) => {
      this.#camera = event.target.value;
      this.#page = 1;
      onTurn();
    });
    byId("newer").addEventListener("click", () => this.#turn(-1, onTurn));
    byId("older").addEventListener("click", () => this.#turn(1, onTurn));
  }

  // The cameras to choose from. A camera that was removed stays to choose while it is chosen.
  offer(names) {
    const select = byId("recordings-camera");
    const wanted = ["", ...new Set(this.#camera ? [...names, this.#camera] : names)];
    if (wanted.join("\n") === [...select.options].map((option) => option.value).join("\n")) return;
    select.replaceChildren(...wanted.map((name) => element("option", { value: name, textContent: name || "All cameras" })));
    select.value = this.#camera;
  }

  async refresh() {
    const query = new URLSearchParams({ page: this.#page, limit: PER_PAGE, sort: "start_time", order: "desc" });
    if (this.#camera) query.set("stream", this.#camera);
    const asked = query.toString();
    const { recordings, pagination } = await call("GET", `/api/recordings?${asked}`);
    if (pagination.pages > 0 && this.#page > pagination.pages) {
      this.#page = pagination.pages;
      return this.refresh();
    }
    this.#shown = new Map(recordings.map((recording) => [recording.id, recording]));
    keepList(byId("recordings"), recordings, {
      key: (recording) => recording.id,
      create: (recording) => createRecording(recording, (id) => this.#onPlay(this.#shown.get(id))),
      update: updateRecording,
    });
    show(byId("recordings-empty"), pagination.total === 0);
    show(byId("pages"), pagination.pages > 1);
    setText(byId("page"), `Page ${this.#page} of ${pagination.pages}`);
    byId("newer").disabled = this.#page <= 1;
    byId("older").disabled = this.#page >= pagination.pages;
  }

  #turn(step, onTurn) {
    this.#page = Math.max(1, this.#page + step);
    onTurn();
  }
}
