// The cameras: what each one is doing, adding one, removing one.

import { call, streamPath } from "./server.js";
import { byId, element, keepList, say, setText, show } from "./list.js";
import { bitRate, codecName, frameRate, joined, pictureSize } from "./words.js";

const RECORDING_WORDS = {
  off: "not recording",
  waiting: "waiting to record",
  recording: "recording",
  failed: "cannot record",
};

function createCamera(stream, onRemove) {
  const remove = element("button", { type: "button", className: "remove", textContent: "Remove" });
  remove.setAttribute("aria-label", `Remove ${stream.name}`);
  remove.addEventListener("click", () => onRemove(stream.name));
  return element("li", { className: "camera" },
    element("h3", { className: "name" }),
    element("p", { className: "states" },
      element("span", { className: "state" }), " ", element("span", { className: "recording-state" })),
    element("p", { className: "facts quiet" }),
    element("p", { className: "trouble" }),
    remove);
}

function updateCamera(node, stream, mayEdit) {
  const part = (name) => node.querySelector(`.${name}`);
  setText(part("name"), stream.name);
  setText(part("state"), stream.status);
  part("state").dataset.state = stream.status;
  setText(part("recording-state"), RECORDING_WORDS[stream.recording] ?? stream.recording ?? "");
  part("recording-state").dataset.recording = stream.recording ?? "";
  setText(part("facts"), joined(
    codecName(stream.codec), codecName(stream.audio_codec ?? ""), pictureSize(stream.width, stream.height),
    frameRate(stream.fps), bitRate(stream.bitrate_bps)));
  const ofCamera = stream.status === "connected" ? "" : stream.last_error;
  const troubles = [ofCamera, stream.recording_error, stream.detection_error];
  say(part("trouble"), troubles.filter(Boolean).join(" "));
  show(part("remove"), mayEdit);
}

function testedWords(answer) {
  if (!answer.success) return answer.message || "The camera could not be opened.";
  const { codec, width, height, fps } = answer.info ?? {};
  return `It works: ${joined(codecName(codec ?? ""), pictureSize(width, height), frameRate(fps))}`;
}

export class Cameras {
  #mayEdit;
  #onChange;
  #onNames;

  // `onChange` is called after a camera was added or removed, `onNames` with the names whenever they were fetched.
  constructor({ mayEdit, onChange, onNames }) {
    this.#mayEdit = mayEdit;
    this.#onChange = onChange;
    this.#onNames = onNames;
    show(byId("add-camera"), mayEdit);
    byId("camera-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#attempt("Adding…", (camera) => this.#add(camera));
    });
    byId("test-camera").addEventListener("click", () => {
      if (byId("camera-form").elements.url.reportValidity()) this.#attempt("Asking the camera…", (camera) => this.#test(camera));
    });
  }

  async refresh() {
    const { streams } = await call("GET", "/api/streams");
    keepList(byId("cameras"), streams, {
      key: (stream) => stream.name,
      create: (stream) => createCamera(stream, (name) => this.#remove(name)),
      update: (node, stream) => updateCamera(node, stream, this.#mayEdit),
    });
    show(byId("cameras-empty"), streams.length === 0);
    this.#onNames(streams.map((stream) => stream.name));
  }

  async #attempt(meanwhile, action) {
    const form = byId("camera-form");
    const answer = byId("camera-answer");
    const buttons = form.querySelectorAll("button");
    const camera = { name: form.elements.name.value.trim(), url: form.elements.url.value.trim() };
    for (const button of buttons) button.disabled = true;
    answer.className = "quiet";
    setText(answer, meanwhile);
    try {
      setText(answer, await action(camera));
    } catch (error) {
      answer.className = "trouble";
      setText(answer, error.message);
    } finally {
      for (const button of buttons) button.disabled = false;
    }
  }

  async #test({ url }) {
    const answer = await call("POST", "/api/streams/test", { url });
    if (!answer.success) throw new Error(testedWords(answer));
    return testedWords(answer);
  }

  async #add(camera) {
    await call("POST", "/api/streams", camera);
    byId("camera-form").reset();
    await this.#onChange();
    return `${camera.name} was added.`;
  }

  #remove(name) {
    const dialog = byId("remove-dialog");
    setText(byId("remove-title"), `Remove ${name}?`);
    dialog.returnValue = "keep";
    dialog.addEventListener("close", async () => {
      if (dialog.returnValue !== "remove") return;
      try {
        await call("DELETE", streamPath(name));
        await this.#onChange();
        byId("cameras-heading").focus();
      } catch (error) {
        say(byId("trouble"), error.message);
      }
    }, { once: true });
    dialog.showModal();
  }
}
