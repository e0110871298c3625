/** Keeps what the person said until the server has it: through undo, tunnels and reloads. */

import { post, Refused } from "./api.js";

const WAIT_MS = [1000, 2000, 4000, 8000, 15000, 30000];
// What the server says when the session or its CSRF token is gone: log in, then all is sent.
const SIGNED_OUT = new Set(["not_authenticated", "permission_denied"]);

export class Outbox extends EventTarget {
  /**
   * Events, each with the entry in ``detail``: sent (with result), refused (with refusal),
   * waiting (the network failed; it is tried again), signed-out.
   */
  constructor(storageKey) {
    super();
    this.storageKey = storageKey;
    this.held = null;
    this.busy = false;
    this.failures = 0;
    addEventListener("online", () => this.flush());
    addEventListener("pagehide", () => this.leave());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden") this.leave();
      else this.flush();
    });
  }

  entries() {
    try {
      return JSON.parse(localStorage.getItem(this.storageKey)) ?? [];
    } catch {
      return [];
    }
  }

  store(entries) {
    this.memory = entries;
    try {
      localStorage.setItem(this.storageKey, JSON.stringify(entries));
    } catch {
      // Private windows may refuse; what is in memory is still sent.
      this.entries = () => this.memory;
    }
  }

  /** Keep an entry {key, path, body} for ``ms`` before it is sent; send earlier ones now. */
  hold(entry, ms) {
    this.release();
    this.store([...this.entries(), entry]);
    this.held = { key: entry.key, timer: setTimeout(() => this.release(), ms) };
  }

  /** Send without a moment to undo. */
  send(entry) {
    this.release();
    this.store([...this.entries(), entry]);
    this.flush();
  }

  /** Let the held entry go on its way. */
  release() {
    if (!this.held) return;
    clearTimeout(this.held.timer);
    this.held = null;
    this.dispatchEvent(new CustomEvent("released"));
    this.flush();
  }

  /** Take the held entry back; null when it is on its way already. */
  takeBack() {
    if (!this.held) return null;
    clearTimeout(this.held.timer);
    const { key } = this.held;
    this.held = null;
    const entry = this.entries().find((one) => one.key === key) ?? null;
    this.drop(key);
    return entry;
  }

  drop(key) {
    this.store(this.entries().filter((entry) => entry.key !== key));
  }

  next() {
    return this.entries().find((entry) => entry.key !== this.held?.key);
  }

  async flush() {
    if (this.busy) return;
    this.busy = true;
    clearTimeout(this.timer);
    try {
      for (let entry = this.next(); entry; entry = this.next()) {
        if (!(await this.deliver(entry))) break;
      }
    } finally {
      this.busy = false;
    }
  }

  /** Try one entry; true when it is dealt with, false when to wait. */
  async deliver(entry) {
    try {
      const { data } = await post(entry.path, entry.body);
      this.failures = 0;
      this.drop(entry.key);
      this.tell("sent", { entry, result: data });
      return true;
    } catch (error) {
      if (error instanceof Refused && !SIGNED_OUT.has(error.code)) {
        this.drop(entry.key);
        this.tell("refused", { entry, refusal: error });
        return true;
      }
      this.tell(error instanceof Refused ? "signed-out" : "waiting", { entry });
      const wait = WAIT_MS[Math.min(this.failures, WAIT_MS.length - 1)];
      this.failures += 1;
      this.timer = setTimeout(() => this.flush(), wait);
      return false;
    }
  }

  /** The page may be gone in a moment: hand all to the browser, keep the copies. */
  leave() {
    if (this.held) {
      clearTimeout(this.held.timer);
      this.held = null;
      this.dispatchEvent(new CustomEvent("released"));
    }
    for (const entry of this.entries()) {
      // The same key is answered the same way twice, so a copy that also arrives is harmless.
      post(entry.path, entry.body, { keepalive: true })
        .then(() => this.drop(entry.key))
        .catch(() => {});
    }
  }

  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
