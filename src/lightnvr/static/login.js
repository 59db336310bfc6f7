// The login form. Without this script the form still works: it posts itself and the server redirects.

import { byId, say, setText } from "./list.js";
import { call } from "./server.js";

function arrival(query) {
  if (query.has("logout")) return "You are logged out.";
  if (query.get("reason") === "session_expired") return "Your session has ended. Log in again.";
  return "";
}

function refusal(query) {
  if (query.get("error") === "rate_limited") return "Too many attempts. Wait a few minutes and try again.";
  return query.has("error") ? "The user name or the password is wrong." : "";
}

async function logIn(event) {
  event.preventDefault();
  const form = event.target;
  const button = form.querySelector("button");
  button.disabled = true;
  say(byId("login-trouble"), "");
  try {
    await call("POST", "/api/auth/login", { username: form.elements.username.value, password: form.elements.password.value });
    location.replace("/");
  } catch (error) {
    say(byId("login-trouble"), error.message);
    form.elements.password.select();
  } finally {
    button.disabled = false;
  }
}

const query = new URLSearchParams(location.search);
setText(byId("reason"), arrival(query));
say(byId("login-trouble"), refusal(query));
byId("login-form").addEventListener("submit", logIn);
