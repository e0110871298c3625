/** One label for a photo: large buttons, and what the model says as a suggestion. */

import { colorsOf } from "./boxes.js";

export class Choice {
  constructor({ stage, image, question, content, changed }) {
    Object.assign(this, { stage, image, changed });
    this.labels = question.labels.map((label) => label.name);
    this.colors = colorsOf(question.labels);
    this.label = content?.label ?? null;
    this.suggested = this.label;
    image.style.cssText = "";
    image.classList.add("stage-fill");
    stage.append(image);
  }

  get name() {
    return "single_choice";
  }

  get touched() {
    return this.label !== this.suggested;
  }

  relabel(label) {
    this.label = label;
    this.changed();
  }

  content() {
    return { label: this.label };
  }

  focus() {
    this.stage.focus({ preventScroll: true });
  }

  destroy() {
    this.image.classList.remove("stage-fill");
    this.image.remove();
  }
}
