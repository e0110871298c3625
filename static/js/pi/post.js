/** The only place where pages about Pi speak with our server. */

export class Refused extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/** POST as JSON; return the answer. Throws Refused with a sentence for people. */
export async function post(path, body) {
  const cookie = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/);
  const token = cookie?.[1] ?? document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";
  const response = await fetch(path, {
    method: "POST",
    credentials: "same-origin",
    headers: { "Content-Type": "application/json", "X-CSRFToken": token },
    body: JSON.stringify(body),
  });
  const data = await response.json().catch(() => ({}));
  if (response.ok) return data;
  // Ours: {error: {code, message}}; Pi's: {error: code, error_message}.
  const { error } = data;
  throw new Refused(error?.code ?? error ?? "error", error?.message ?? data.error_message ?? `${response.status}`);
}
