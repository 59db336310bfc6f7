// Calls to the API: JSON in, JSON out, and every failure as an Error whose message can be shown to a person.

// The session is over. A wrong password or code in a call that needs one is a 401 as well, with a sentence of its own:
// that is no reason to go to the login.
export class Unauthorized extends Error {}

const LOGGED_OUT = "Unauthorized";

export async function call(method, path, body) {
  const request = { method, headers: { Accept: "application/json", "X-LightNVR-Dialect": "documented" } };
  if (body !== undefined) {
    request.headers["Content-Type"] = "application/json";
    request.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(path, request);
  } catch {
    throw new Error("The server does not answer. This page tries again by itself.");
  }
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  const sentence = answer.error || `The server answered with status ${response.status}.`;
  const isOver = response.status === 401 && (answer.error ?? LOGGED_OUT) === LOGGED_OUT;
  throw isOver ? new Unauthorized(sentence) : new Error(sentence);
}

export const streamPath = (name) => `/api/streams/${encodeURIComponent(name)}`;
export const playPath = (id) => `/api/recordings/play/${id}`;
export const downloadPath = (id) => `/api/recordings/download/${id}`;
