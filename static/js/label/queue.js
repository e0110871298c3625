/** Has the next tasks and their pictures here before they are asked for. */

import { post } from "./api.js";

const AHEAD = 2;
const MARGIN_MS = 20000;
const HELD_TOLD_MAX = 20; // as many as the server reads

export class Queue {
  /** ``known``: assignments that an earlier visit has answered but perhaps not sent. */
  constructor({ path, known }) {
    Object.assign(this, { path, reason: "", current: null, skew: 0, turn: 0 });
    this.waiting = [];
    this.known = new Set(known);
    this.pictures = new Map();
  }

  lasts(assignment) {
    return Date.parse(assignment.expires_at) - this.skew > Date.now() + MARGIN_MS;
  }

  /** Load and decode a task's picture once; later callers share it. */
  picture(assignment) {
    const { url } = assignment.task.inputs[0];
    if (!this.pictures.has(url)) {
      const image = new Image();
      image.src = url;
      image.draggable = false;
      this.pictures.set(url, image.decode().then(() => image));
      this.pictures.get(url).catch(() => this.pictures.delete(url));
    }
    return this.pictures.get(url);
  }

  fill() {
    this.filling ??= this.fetchMore().finally(() => {
      this.filling = null;
    });
    return this.filling;
  }

  async fetchMore() {
    this.waiting = this.waiting.filter((one) => this.lasts(one));
    const count = AHEAD + (this.current ? 0 : 1) - this.waiting.length;
    if (count <= 0) return;
    const held = [...this.known].slice(-HELD_TOLD_MAX);
    const { data, at } = await post(this.path, { count, held });
    this.skew = at - Date.now();
    this.reason = data.reason ?? "";
    for (const assignment of data.assignments) {
      this.known.add(assignment.uuid);
      this.waiting.push(assignment);
      this.picture(assignment).catch(() => {});
    }
  }

  /**
   * Move on to the next assignment; null when there is none now, or when the person went
   * elsewhere while it was fetched. Throws as api.post.
   */
  async take() {
    const mine = ++this.turn;
    this.current = null;
    this.waiting = this.waiting.filter((one) => this.lasts(one));
    if (!this.waiting.length) await this.fill();
    if (!this.waiting.length && !this.reason) await this.fill(); // one under way counted less
    if (mine !== this.turn) return null;
    this.current = this.waiting.shift() ?? null;
    if (this.current) this.fill().catch(() => {});
    return this.current;
  }

  /** Go back to an assignment; what is on the screen waits behind it. */
  putBack(assignment) {
    this.turn += 1;
    if (this.current) this.waiting.unshift(this.current);
    this.current = assignment;
  }

  /** Let go of a picture that will not be shown again. */
  forget(assignment) {
    this.pictures.delete(assignment.task.inputs[0].url);
  }
}
