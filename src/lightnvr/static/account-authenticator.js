// Setting up an authenticator for the own account, its recovery codes, and removing it.

import { byId, element, say, setText, show } from "./list.js";
import { Unauthorized, call } from "./server.js";

export class Authenticator {
  #path;
  #report;
  #onChange;

  constructor(userId, report, onChange) {
    this.#path = `/api/auth/users/${userId}/totp`;
    this.#report = report;
    this.#onChange = onChange;
    byId("proof-form").addEventListener("submit", (event) => this.#ask(event));
    byId("verify-form").addEventListener("submit", (event) => this.#verify(event));
    byId("cancel-set-up").addEventListener("click", () => this.#closeSetUp());
  }

  async refresh() {
    const status = await call("GET", `${this.#path}/status`);
    setText(
      byId("authenticator-state"),
      status.totp_enabled
        ? `A code is asked for when you log in. ${status.recovery_codes_left} recovery codes are left.`
        : "No code is asked for when you log in.",
    );
    setText(byId("set-up"), status.totp_enabled ? "Set up another authenticator" : "Set up an authenticator");
    show(byId("renew-codes"), status.totp_enabled);
    show(byId("disable"), status.totp_enabled);
  }

  async #ask(event) {
    event.preventDefault();
    const { password } = event.target.elements;
    const wanted = event.submitter?.value ?? "setup";
    say(byId("proof-trouble"), "");
    this.#showCodes([]);
    try {
      const answer = await call("POST", `${this.#path}/${wanted}`, { password: password.value });
      password.value = "";
      if (wanted === "setup") this.#openSetUp(answer);
      else await this.#done(answer.recovery_codes ?? []);
    } catch (error) {
      this.#tell("proof-trouble", error);
      password.select();
    }
  }

  async #verify(event) {
    event.preventDefault();
    const { code } = event.target.elements;
    say(byId("verify-trouble"), "");
    try {
      const answer = await call("POST", `${this.#path}/verify`, { code: code.value.trim() });
      this.#closeSetUp();
      await this.#done(answer.recovery_codes);
    } catch (error) {
      this.#tell("verify-trouble", error);
      code.select();
    }
  }

  #openSetUp(answer) {
    byId("qr").src = `data:image/svg+xml,${encodeURIComponent(answer.qr_svg)}`;
    setText(byId("secret"), answer.secret);
    show(byId("proof-form"), false);
    show(byId("verify-form"), true);
    byId("verify-form").elements.code.focus();
  }

  // The secret must not stay in the page longer than it is needed.
  #closeSetUp() {
    byId("qr").removeAttribute("src");
    setText(byId("secret"), "");
    byId("verify-form").reset();
    show(byId("verify-form"), false);
    show(byId("proof-form"), true);
  }

  async #done(codes) {
    this.#showCodes(codes);
    await this.refresh();
    await this.#onChange();
  }

  #showCodes(codes) {
    byId("codes-list").replaceChildren(...codes.map((code) => element("li", {}, element("code", {}, code))));
    show(byId("codes"), codes.length > 0);
    if (codes.length) byId("codes-heading").focus();
  }

  #tell(id, error) {
    if (error instanceof Unauthorized) this.#report(error);
    else say(byId(id), error.message);
  }
}
