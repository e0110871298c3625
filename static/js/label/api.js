/** Speaks with the server: JSON out, JSON in, and two kinds of failure. */

/** The server understood and said no. */
export class Refused extends Error {
  constructor(status, { code = "error", message = "", fields = null } = {}) {
    super(message);
    Object.assign(this, { status, code, fields });
  }
}

/** Nobody knows whether it arrived: send the same again. */
export class Unreached extends Error {}

const PATIENCE_MS = 15000;
const WORTH_AGAIN = new Set([408, 425, 429]);

function token() {
  const cookie = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/);
  return cookie?.[1] ?? document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";
}

/** POST as JSON. Throws Refused or Unreached. */
export async function post(path, body, { keepalive = false } = {}) {
  let response;
  let data;
  try {
    response = await fetch(path, {
      method: "POST",
      credentials: "same-origin",
      headers: { "Content-Type": "application/json", "X-CSRFToken": token() },
      body: JSON.stringify(body),
      keepalive,
      signal: keepalive ? undefined : AbortSignal.timeout(PATIENCE_MS),
    });
    data = response.status === 204 ? {} : await response.json();
  } catch (error) {
    // A proxy's page instead of JSON is a failure on the way, too.
    throw new Unreached(String(error));
  }
  if (response.ok) return { data, at: Date.parse(response.headers.get("Date")) || Date.now() };
  if (response.status >= 500 || WORTH_AGAIN.has(response.status)) {
    throw new Unreached(`status ${response.status}`);
  }
  throw new Refused(response.status, data.error);
}

/** Return a key that no other answer has; randomUUID is missing on plain http. */
export function freshKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
