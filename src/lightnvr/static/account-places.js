// Where the user is logged in, and on which devices no code is asked for; each can be ended.

import { byId, element, keepList, setText, show } from "./list.js";
import { call } from "./server.js";
import { dateAndTime, joined } from "./words.js";

const moment = (seconds) => dateAndTime(new Date(seconds * 1000).toISOString());

export class Places {
  #report;

  constructor(report) {
    this.#report = report;
  }

  async refresh() {
    const [{ sessions }, { trusted_devices: devices }] = await Promise.all([
      call("GET", "/api/auth/sessions"),
      call("GET", "/api/auth/trusted-devices"),
    ]);
    this.#list("sessions", sessions, {
      path: "/api/auth/sessions",
      action: "End",
      facts: (session) => [`since ${moment(session.created_at)}`, `used ${moment(session.last_activity_at)}`],
    });
    this.#list("devices", devices, {
      path: "/api/auth/trusted-devices",
      action: "Forget",
      facts: (device) => [`since ${moment(device.created_at)}`, `until ${moment(device.expires_at)}`],
    });
  }

  #list(id, items, { path, action, facts }) {
    show(byId(`${id}-empty`), items.length === 0);
    keepList(byId(id), items, {
      key: (item) => item.id,
      create: (item) => {
        const button = element("button", { type: "button", className: "danger" }, action);
        button.addEventListener("click", () => this.#end(`${path}/${item.id}`, id === "sessions" && item.current));
        const about = element("div", { className: "what" }, element("h3"), element("p", { className: "quiet" }));
        return element("li", { className: "recording" }, about, button);
      },
      update: (node, item) => {
        const name = item.current ? `This browser, ${item.ip_address}` : item.ip_address;
        setText(node.querySelector("h3"), name);
        setText(node.querySelector("p"), joined(...facts(item), item.user_agent));
        node.querySelector("button").setAttribute("aria-label", `${action} ${name}`);
      },
    });
  }

  async #end(path, isOwnSession) {
    try {
      await call("DELETE", path);
      if (isOwnSession) location.assign("/login.html?logout=true");
      else await this.refresh();
    } catch (error) {
      this.#report(error);
    }
  }
}
