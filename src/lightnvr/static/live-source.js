// A stream as the ways of watching address it, with the ticket of the page's own address when there is one.

import { call } from "./server.js";

export class Source {
  #ticket;

  constructor(name, ticket = "") {
    this.name = name;
    this.#ticket = ticket;
  }

  // The address of something below this server, with the ticket; `query` may be left out.
  url(path, query = {}) {
    const all = this.#ticket ? { ...query, ticket: this.#ticket } : query;
    const text = new URLSearchParams(all).toString();
    return text ? `${path}?${text}` : path;
  }

  socket(path, query) {
    const address = new URL(this.url(path, query), location.href);
    address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    return address.href;
  }

  // The sentence with which the server refuses pictures at this moment, empty when it gives some.
  async refusal() {
    try {
      await refuseNothing(await fetch(this.url("/api/frame.jpeg", { src: this.name, width: 16 }), { cache: "no-store" }));
      return "";
    } catch (error) {
      return error.message;
    }
  }

  async iceServers() {
    // A ticket opens one stream and nothing else; in the local network it goes without.
    if (this.#ticket) return [];
    return (await call("GET", "/api/ice-servers")).ice_servers;
  }
}

// Fetches something, or fails with the server's own sentence.
export async function fetched(url, options = {}) {
  let response;
  try {
    response = await fetch(url, { cache: "no-store", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The server does not answer.");
  }
  return refuseNothing(response);
}

async function refuseNothing(response) {
  if (response.ok || response.status === 304) return response;
  const answer = await response.json().catch(() => ({}));
  throw new Error(answer.error || `The server answered with status ${response.status}.`);
}
