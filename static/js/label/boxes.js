/** Boxes on a photo: drawn by Annotorious; labels, touch sizes and the keyboard are ours. */

import { freshKey } from "./api.js";

const SIDE_MIN_PX = 5; // on the screen; smaller is a slip of the finger
const HANDLE_PX = 22;
const PALETTE = ["#7c4dff", "#00897b", "#d81b60", "#1e88e5", "#ef6c00", "#43a047", "#5e35b1", "#c0392b", "#0097a7"];

const round = (value) => Math.round(value * 100) / 100;

export function colorsOf(labels) {
  return new Map(labels.map(({ name, color }, index) => [name, color || PALETTE[index % PALETTE.length]]));
}

export class Boxes {
  /** ``changed`` is called after every change of boxes, selection or mode. */
  constructor({ stage, image, question, content, changed, slipped }) {
    Object.assign(this, { stage, image, changed, slipped });
    this.labels = question.labels.map((label) => label.name);
    this.colors = colorsOf(question.labels);
    this.label = this.labels[0];
    this.width = image.naturalWidth;
    this.height = image.naturalHeight;
    stage.append(image);
    this.fit();
    this.annotator = window.Annotorious.createImageAnnotator(image, {
      drawingEnabled: false,
      drawingMode: "drag",
      theme: "light",
      style: (annotation, state) => this.look(annotation, state),
    });
    this.svg = this.annotator.element.querySelector("svg");
    this.svg.setAttribute("aria-label", stage.dataset.name);
    this.tags = document.createElement("div");
    this.tags.className = "tags";
    this.annotator.element.append(this.tags);
    this.annotator.setAnnotations((content?.boxes ?? []).map((box) => this.annotation(box)));
    this.start = this.print();
    this.past = [];
    this.quiet = false; // between the parts of one change
    this.annotator.element.addEventListener("pointerdown", () => this.hush());
    this.annotator.on("createAnnotation", (annotation) => this.created(annotation));
    this.annotator.on("selectionChanged", () => this.update());
    this.annotator.state.store.observe(() => this.update());
    this.resize = new ResizeObserver(() => this.fit());
    this.resize.observe(stage);
    this.update();
  }

  get name() {
    return "boxes";
  }

  fit() {
    const { clientWidth, clientHeight } = this.stage;
    const scale = Math.min(clientWidth / this.width, clientHeight / this.height) || 1;
    this.image.style.width = `${Math.floor(this.width * scale)}px`;
    this.image.style.height = `${Math.floor(this.height * scale)}px`;
    this.unit = 1 / scale; // picture pixels in a screen pixel
    if (this.annotator) this.update();
  }

  annotation({ x, y, w, h, label }, id = freshKey()) {
    return {
      id,
      bodies: [{ id: `${id}-label`, annotation: id, purpose: "tagging", value: label }],
      target: { annotation: id, selector: { type: "RECTANGLE", geometry: geometry(x, y, w, h) } },
    };
  }

  all() {
    return this.annotator.getAnnotations().map((annotation) => ({
      id: annotation.id,
      label: annotation.bodies[0]?.value ?? this.label,
      ...this.clip(annotation.target.selector.geometry),
    }));
  }

  clip({ x, y, w, h }) {
    const left = Math.max(0, Math.min(x, this.width - 1));
    const top = Math.max(0, Math.min(y, this.height - 1));
    return {
      x: round(left),
      y: round(top),
      w: round(Math.max(1, Math.min(x + w, this.width) - left)),
      h: round(Math.max(1, Math.min(y + h, this.height) - top)),
    };
  }

  boxes() {
    return this.all().map(({ x, y, w, h, label }) => ({ x, y, w, h, label }));
  }

  content() {
    return { boxes: this.boxes() };
  }

  /** What the boxes are, in whatever order. */
  print() {
    return this.boxes().map((box) => JSON.stringify(box)).sort().join();
  }

  get touched() {
    return this.print() !== this.start;
  }

  get selected() {
    const [annotation] = this.annotator.getSelected();
    return annotation ? this.all().find((box) => box.id === annotation.id) : undefined;
  }

  look(annotation, state) {
    const color = this.colors.get(annotation.bodies[0]?.value) ?? PALETTE[0];
    return { stroke: color, strokeWidth: state?.selected ? 3.5 : 2.5, fill: color, fillOpacity: state?.selected ? 0.12 : 0.06 };
  }

  update() {
    const chosen = this.annotator.getSelected()[0]?.id;
    const boxes = this.all();
    const side = Math.min(...boxes.filter((box) => box.id === chosen).flatMap((box) => [box.w, box.h]));
    // Handles of a small box must leave room to take hold of the box itself.
    const handle = Math.max(12, Math.min(HANDLE_PX, side / this.unit / 3.2));
    this.annotator.element.style.setProperty("--handle", `${handle * this.unit}px`);
    this.annotator.element.style.setProperty("--dot", `${7 * this.unit}px`);
    this.remember(boxes);
    this.tags.replaceChildren(...boxes.map((box) => this.tag(box, box.id === chosen)));
    this.changed();
  }

  /** Take no notes until the finger is up and what it did is complete. */
  hush() {
    this.quiet = true;
    const end = () => setTimeout(() => this.aloud());
    addEventListener("pointerup", end, { once: true });
    addEventListener("pointercancel", end, { once: true });
  }

  aloud() {
    this.quiet = false;
    if (this.image.isConnected) this.update();
  }

  remember(boxes) {
    const now = JSON.stringify(boxes);
    if (!this.quiet && now !== this.past.at(-1)) this.past.push(now);
  }

  tag(box, chosen) {
    const tag = document.createElement("span");
    tag.className = chosen ? "tag tag--chosen" : "tag";
    tag.textContent = box.label;
    tag.style.cssText = `--tag:${this.colors.get(box.label) ?? PALETTE[0]};left:${(100 * box.x) / this.width}%;top:${(100 * box.y) / this.height}%`;
    if (box.y / this.unit < 24) tag.classList.add("tag--inside");
    return tag;
  }

  get mode() {
    return this.annotator.isDrawingEnabled() ? "draw" : "edit";
  }

  setMode(mode) {
    if (mode === "draw") this.annotator.cancelSelected();
    else this.annotator.cancelDrawing();
    this.annotator.setDrawingEnabled(mode === "draw");
    this.changed();
  }

  created(annotation) {
    const { w, h } = annotation.target.selector.geometry;
    if (Math.min(w, h) < SIDE_MIN_PX * this.unit) {
      this.annotator.removeAnnotation(annotation.id);
      this.slipped();
      return;
    }
    const box = this.clip(annotation.target.selector.geometry);
    this.annotator.updateAnnotation(this.annotation({ ...box, label: this.label }, annotation.id));
    this.setMode("edit");
    this.select(annotation.id);
  }

  select(id) {
    this.annotator.setSelected(id, true);
    this.update();
  }

  /** Add a box by key, in the middle. */
  add() {
    const [w, h] = [this.width / 4, this.height / 4];
    const annotation = this.annotation({ x: (this.width - w) / 2, y: (this.height - h) / 2, w, h, label: this.label });
    this.annotator.addAnnotation(annotation);
    this.setMode("edit");
    this.select(annotation.id);
  }

  change(box) {
    this.annotator.updateAnnotation(this.annotation({ ...this.clip(box), label: box.label }, box.id));
    this.select(box.id);
  }

  /** Move (or with ``resize`` stretch) the selected box by steps of half a hundredth. */
  nudge(right, down, { resize }) {
    const box = this.selected;
    if (!box) return false;
    const step = Math.max(this.width, this.height) / 200;
    const [dx, dy] = [right * step, down * step];
    if (resize) {
      this.change({ ...box, w: Math.max(step, box.w + dx), h: Math.max(step, box.h + dy) });
    } else {
      const x = Math.max(0, Math.min(box.x + dx, this.width - box.w));
      const y = Math.max(0, Math.min(box.y + dy, this.height - box.h));
      this.change({ ...box, x, y });
    }
    return true;
  }

  /** Give the selected box this label; the next new box gets it, too. */
  relabel(label) {
    this.label = label;
    const box = this.selected;
    if (box && box.label !== label) this.change({ ...box, label });
    else this.changed();
  }

  remove(id = this.selected?.id) {
    if (!id) return false;
    this.annotator.cancelSelected();
    this.annotator.removeAnnotation(id);
    this.update();
    return true;
  }

  clear() {
    this.restore([]);
  }

  restore(boxes) {
    this.quiet = true;
    this.annotator.cancelSelected();
    this.annotator.setAnnotations(boxes.map((box) => this.annotation(box, box.id)), true);
    this.aloud();
  }

  /** Select the next box; false behind the last one. */
  cycle(step) {
    const ids = this.all().map((box) => box.id);
    const at = ids.indexOf(this.selected?.id);
    const to = at < 0 && step < 0 ? ids.length - 1 : at + step;
    if (to < 0 || to >= ids.length) {
      this.annotator.cancelSelected();
      return false;
    }
    this.select(ids[to]);
    return true;
  }

  undo() {
    if (this.past.length < 2) return false;
    this.past.pop();
    this.restore(JSON.parse(this.past.at(-1)));
    return true;
  }

  focus() {
    this.svg.focus({ preventScroll: true });
  }

  destroy() {
    this.resize.disconnect();
    this.annotator.destroy();
    this.image.remove();
  }
}

function geometry(x, y, w, h) {
  return { x, y, w, h, bounds: { minX: x, minY: y, maxX: x + w, maxY: y + h } };
}
