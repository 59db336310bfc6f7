// The page: who is logged in, cameras, recordings; fetched again every few seconds while somebody looks.

import { Cameras } from "./cameras.js";
import { byId, say, setText } from "./list.js";
import { Player } from "./player.js";
import { Recordings } from "./recordings.js";
import { Unauthorized, call } from "./server.js";

const REFRESH_MS = 3000;

class Page {
  #parts = [];
  #running = null;
  #again = false;

  async start() {
    const user = await call("GET", "/api/auth/verify");
    setText(byId("who"), user.username);
    const player = new Player();
    const recordings = new Recordings({ onPlay: (recording) => player.play(recording), onTurn: () => this.refresh() });
    const cameras = new Cameras({
      mayEdit: user.role !== "viewer",
      onChange: () => this.refresh(),
      onNames: (names) => recordings.offer(names),
    });
    this.#parts = [cameras, recordings];
    byId("logout").addEventListener("click", () => logOut());
    document.addEventListener("visibilitychange", () => this.refresh());
    setInterval(() => this.refresh(), REFRESH_MS);
    await this.refresh();
  }

  // One refresh at a time; one that is asked for meanwhile follows, so that its caller sees what it just changed.
  refresh() {
    if (document.hidden) return Promise.resolve();
    if (this.#running) {
      this.#again = true;
      return this.#running;
    }
    this.#running = this.#refreshUntilCurrent().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #refreshUntilCurrent() {
    do {
      this.#again = false;
      try {
        for (const part of this.#parts) await part.refresh();
        say(byId("trouble"), "");
      } catch (error) {
        report(error);
      }
    } while (this.#again);
  }
}

let leaving = false;

function report(error) {
  // A refresh under way while somebody logs out must not call that an ended session.
  if (error instanceof Unauthorized && leaving) return;
  if (error instanceof Unauthorized) location.assign("/login.html?reason=session_expired");
  else say(byId("trouble"), error.message);
}

async function logOut() {
  leaving = true;
  try {
    await call("POST", "/api/auth/logout");
    location.assign("/login.html?logout=true");
  } catch (error) {
    leaving = false;
    report(error);
  }
}

async function begin() {
  try {
    await new Page().start();
  } catch (error) {
    if (error instanceof Unauthorized) {
      location.replace("/login.html");
      return;
    }
    report(error);
    setTimeout(() => location.reload(), REFRESH_MS);
  }
}

begin();
