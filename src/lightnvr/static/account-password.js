// Changing the own password.

import { byId, say, show } from "./list.js";
import { Unauthorized, call } from "./server.js";

export class Password {
  #user;
  #report;

  constructor(user, report) {
    this.#user = user;
    this.#report = report;
    const form = byId("password-form");
    form.elements.username.value = user.username;
    show(byId("password-locked"), user.password_change_locked);
    show(form, !user.password_change_locked);
    form.addEventListener("submit", (event) => this.#change(event));
  }

  async #change(event) {
    event.preventDefault();
    const form = event.target;
    const trouble = byId("password-trouble");
    const button = form.querySelector("button");
    say(trouble, "");
    if (form.elements.new.value !== form.elements.again.value) {
      say(trouble, "The two new passwords are not the same.");
      form.elements.again.select();
      return;
    }
    button.disabled = true;
    try {
      await call("PUT", `/api/auth/users/${this.#user.id}/password`, {
        old_password: form.elements.old.value,
        new_password: form.elements.new.value,
      });
      location.assign("/login.html?reason=password_changed");
    } catch (error) {
      if (error instanceof Unauthorized) this.#report(error);
      else say(trouble, error.message);
      form.elements.old.select();
    } finally {
      button.disabled = false;
    }
  }
}
