// The login form. Without this script the form still works: it posts itself and the server redirects.

import { byId, say, setText } from "./list.js";
import { call } from "./server.js";

function arrival(query) {
  if (query.has("logout")) return "You are logged out.";
  if (query.get("reason") === "session_expired") return "Your session has ended. Log in again.";
  if (query.get("reason") === "password_changed") return "Your password is changed. Log in with the new one.";
  return "";
}

function refusal(query) {
  if (query.get("error") === "rate_limited") return "Too many attempts. Wait a few minutes and try again.";
  return query.has("error") ? "The user name, the password or the code is wrong." : "";
}

let token = "";

async function showRules() {
  const rules = await call("GET", "/api/auth/login/config");
  byId("remember").hidden = !rules.remember_device_enabled;
  byId("code-at-once").hidden = !rules.force_mfa_on_login;
  byId("remember-at-once").hidden = !(rules.force_mfa_on_login && rules.remember_device_enabled);
}

function askForCode() {
  byId("login-form").hidden = true;
  byId("code-form").hidden = false;
  byId("code-form").elements.code.focus();
}

function startAgain(trouble) {
  byId("code-form").hidden = true;
  byId("login-form").hidden = false;
  say(byId("login-trouble"), trouble);
}

async function logIn(event) {
  event.preventDefault();
  const form = event.target;
  const button = form.querySelector("button");
  button.disabled = true;
  say(byId("login-trouble"), "");
  try {
    const code = byId("code-at-once").querySelector("input").value.trim();
    const answer = await call("POST", "/api/auth/login", {
      username: form.elements.username.value,
      password: form.elements.password.value,
      ...(code ? { totp_code: code, remember_device: byId("remember-at-once").querySelector("input").checked } : {}),
    });
    if (answer.totp_required) {
      token = answer.totp_token;
      askForCode();
    } else {
      location.replace("/");
    }
  } catch (error) {
    say(byId("login-trouble"), error.message);
    form.elements.password.select();
  } finally {
    button.disabled = false;
  }
}

async function giveCode(event) {
  event.preventDefault();
  const { code, remember } = event.target.elements;
  say(byId("code-trouble"), "");
  try {
    await call("POST", "/api/auth/login/totp", { totp_token: token, code: code.value, remember_device: remember.checked });
    location.replace("/");
  } catch (error) {
    if (error.message.includes("expired")) startAgain("That took too long, or too many codes were wrong. Log in again.");
    else say(byId("code-trouble"), error.message);
    code.select();
  }
}

const query = new URLSearchParams(location.search);
setText(byId("reason"), arrival(query));
say(byId("login-trouble"), refusal(query));
byId("login-form").addEventListener("submit", logIn);
byId("code-form").addEventListener("submit", giveCode);
// A form that posted itself comes back here; its token is in a cookie.
if (query.has("totp_required")) askForCode();
showRules().catch((error) => say(byId("login-trouble"), error.message));
