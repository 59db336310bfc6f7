// Making another API key, for programs. It is shown once.

import { byId, say, setText, show } from "./list.js";
import { Unauthorized, call } from "./server.js";

const MAY_HAVE_ONE = ["admin", "user"];

export class ApiKey {
  #path;
  #report;

  constructor(user, report) {
    this.#path = `/api/auth/users/${user.id}/api-key`;
    this.#report = report;
    show(byId("key-section"), MAY_HAVE_ONE.includes(user.role));
    byId("key-form").addEventListener("submit", (event) => this.#make(event));
  }

  async #make(event) {
    event.preventDefault();
    say(byId("key-trouble"), "");
    try {
      const { api_key: key } = await call("POST", this.#path);
      event.target.reset();
      setText(byId("key"), key);
      show(byId("key-shown"), true);
      byId("key-shown").focus();
    } catch (error) {
      if (error instanceof Unauthorized) this.#report(error);
      else say(byId("key-trouble"), error.message);
    }
  }
}
