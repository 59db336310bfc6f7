// The page of the own account: password, authenticator, API key, sessions and trusted devices.

import { Authenticator } from "./account-authenticator.js";
import { ApiKey } from "./account-key.js";
import { Password } from "./account-password.js";
import { Places } from "./account-places.js";
import { byId, say, setText, show } from "./list.js";
import { Unauthorized, call } from "./server.js";

function report(error) {
  if (error instanceof Unauthorized) location.assign("/login.html?reason=session_expired");
  else say(byId("trouble"), error.message);
}

async function start() {
  const user = await call("GET", "/api/auth/verify");
  if (!user.auth_enabled) {
    say(byId("trouble"), "The login is switched off on this server, so there is no account to look after.");
    return;
  }
  setText(byId("who"), user.username);
  const places = new Places(report);
  const authenticator = new Authenticator(user.id, report, () => places.refresh());
  new Password(user, report);
  new ApiKey(user, report);
  await Promise.all([authenticator.refresh(), places.refresh()]);
  show(byId("account"), true);
}

start().catch((error) => {
  if (error instanceof Unauthorized) location.replace("/login.html");
  else report(error);
});
