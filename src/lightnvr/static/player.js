// One recording at a time in a <video> element.

import { downloadPath, playPath } from "./server.js";
import { byId, say, setText, show } from "./list.js";
import { codecName, dateAndTime } from "./words.js";

export class Player {
  #recording = null;

  constructor() {
    byId("player-close").addEventListener("click", () => this.close());
    byId("video").addEventListener("error", () => this.#explain());
  }

  play(recording) {
    this.#recording = recording;
    setText(byId("player-title"), `${recording.stream}, ${dateAndTime(recording.start_time)}`);
    say(byId("player-trouble"), "");
    byId("player-download").href = downloadPath(recording.id);
    show(byId("player"), true);
    byId("video").src = playPath(recording.id);
    byId("player-title").focus();
    byId("player").scrollIntoView({ block: "nearest" });
  }

  close() {
    const recording = this.#recording;
    if (!recording) return;
    this.#recording = null;
    byId("video").removeAttribute("src");
    byId("video").load();
    show(byId("player"), false);
    document.querySelector(`#recordings [data-key="${recording.id}"] .play`)?.focus();
  }

  #explain() {
    if (!this.#recording) return;
    const codec = this.#recording.codec;
    const unplayable = codec && codec !== "h264";
    say(byId("player-trouble"), unplayable
      ? `This browser may not be able to play ${codecName(codec)}. Download the recording and open it in a player such as VLC or mpv.`
      : "This recording could not be played. Download it and open it in a player such as VLC or mpv.");
  }
}
