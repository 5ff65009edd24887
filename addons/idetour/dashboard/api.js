// What the page asks of idetour: JSON over fetch, and one stream of live events shared by all pages.

export const BASE = "/admin/api";

/** An answer that is an error, in its own words. */
export class Refused extends Error {
  constructor(status, message, code) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export async function get(path, query = {}) {
  const asked = new URLSearchParams(
    Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== ""),
  );
  return read(await ask(`${BASE}${path}${asked.size ? `?${asked}` : ""}`, {}));
}

export async function post(path, body = {}) {
  return read(await send(path, body));
}

export async function remove(path, body = {}) {
  return read(await send(path, body, { method: "DELETE" }));
}

/** An answer that is an event stream: `each` is called with the data of every event, as it comes. */
export async function stream(path, body, each, signal) {
  const answer = await send(path, body, { signal });
  if (!answer.ok) return read(answer);
  const decoder = new TextDecoder();
  let left = "";
  for await (const part of parts(answer.body)) {
    const lines = (left + decoder.decode(part, { stream: true })).split("\n");
    left = lines.pop();
    for (const line of lines) if (line.startsWith("data:")) each(line.slice(5).trim());
  }
}

async function* parts(body) {
  const reader = body.getReader(); // not every browser can iterate over a stream
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}

function send(path, body, how = {}) {
  const headers = { "content-type": "application/json", "x-idetour-page": "1" };
  return ask(`${BASE}${path}`, { method: "POST", headers, body: JSON.stringify(body), ...how });
}

async function ask(url, how) {
  try {
    return await fetch(url, { credentials: "same-origin", cache: "no-store", ...how });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(0, "", "unreachable");
  }
}

async function read(answer) {
  const text = await answer.text();
  let said = null;
  try {
    said = JSON.parse(text);
  } catch {
    /* it is not JSON: the text says what there is to say */
  }
  if (answer.ok) return said;
  throw new Refused(answer.status, said?.error?.message ?? text.slice(0, 300), said?.error?.code);
}

/** The live events, resumed where they broke off. `state` is "open", "waiting", "refused" or "closed". */
export class Live {
  #listeners = new Set();
  #source = null;
  state = "closed";

  /** Resolves when nothing that happens from now on can be missed, or when it cannot be had yet. */
  async open() {
    if (this.#source) return;
    this.#source = new EventSource(`${BASE}/events`); // the browser reconnects with Last-Event-ID by itself
    this.#source.onopen = () => this.#become("open");
    this.#source.onerror = () => {
      if (this.#source.readyState !== EventSource.CLOSED) return this.#become("waiting");
      this.#source = null; // it was answered, but not with events: the browser does not ask again
      this.#become("refused");
    };
    this.#source.onmessage = (message) => this.#tell(JSON.parse(message.data));
    await new Promise((resolve) => {
      const deaf = this.on(({ type }) => {
        if (type !== "state") return;
        deaf();
        resolve();
      });
    });
  }

  close() {
    this.#source?.close();
    this.#source = null;
    this.#become("closed");
  }

  #become(state) {
    this.state = state;
    this.#tell({ type: "state", state });
  }

  /** Call `listener` with each event; returns how to stop. */
  on(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(event) {
    for (const listener of this.#listeners) listener(event);
  }
}
