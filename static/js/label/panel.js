/** Draws the controls around the photo from what the widget says; knows no task. */

import { colorsOf } from "./boxes.js";
import { say } from "./words.js";

const byId = (id) => document.getElementById(id);

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

export class Panel {
  constructor({ onLabel, onSelect, onRemove }) {
    Object.assign(this, { onLabel, onSelect, onRemove });
    for (const id of ["labels", "list", "hint", "send", "nothing", "remove", "live", "toast"]) {
      this[id] = byId(id);
    }
    this.modes = [...document.querySelectorAll("[data-mode]")];
  }

  /** Build the labels of a question; its buttons stay while the task stays. */
  question(question, kind) {
    const key = JSON.stringify([question.labels, kind]);
    document.body.dataset.kind = kind;
    byId("instructions-text").textContent = question.instructions || say("no_instructions");
    if (this.shown === key) return;
    this.shown = key;
    const colors = colorsOf(question.labels);
    this.labels.replaceChildren(
      ...question.labels.map(({ name }, index) => {
        const number = element("kbd", { textContent: index + 1, ariaHidden: "true" });
        const button = element("button", { type: "button", className: "chip" }, element("i", {}), name);
        if (index < 9) button.append(number);
        button.style.setProperty("--tag", colors.get(name));
        button.addEventListener("click", () => this.onLabel(name));
        return button;
      }),
    );
    byId("instructions-labels").replaceChildren(
      ...question.labels.map(({ name }) => {
        const item = element("li", {}, element("i", {}), name);
        item.style.setProperty("--tag", colors.get(name));
        return item;
      }),
    );
  }

  /** Show the widget as it is now. */
  update(widget, proposed) {
    const choice = widget.name === "single_choice";
    const boxes = choice ? [] : widget.all();
    const selected = choice ? undefined : widget.selected;
    const active = choice ? widget.label : (selected?.label ?? (widget.mode === "draw" ? widget.label : null));
    [...this.labels.children].forEach((button, index) => {
      const pressed = widget.labels[index] === active;
      button.ariaPressed = String(pressed);
      if (pressed && this.active !== active) button.scrollIntoView({ block: "nearest", inline: "center" });
    });
    this.active = active;
    this.modes.forEach((button) => {
      button.ariaPressed = String(button.dataset.mode === widget.mode);
    });
    this.remove.disabled = !selected;
    this.nothing.hidden = choice || boxes.length === 0;
    this.send.textContent = choice ? say("yes_label", { label: widget.label }) : this.boxesWord(widget, boxes, proposed);
    this.send.hidden = choice && !widget.label;
    this.hint.textContent = choice ? this.choiceHint(proposed) : this.boxesHint(widget, selected, boxes, proposed);
    if (!choice) this.boxList(boxes, selected);
  }

  boxesWord(widget, boxes, proposed) {
    if (!boxes.length) return say("nothing_here");
    if (proposed && !widget.touched) return say("looks_right");
    return boxes.length === 1 ? say("send_one") : say("send_many", { count: boxes.length });
  }

  choiceHint(proposed) {
    return proposed ? say("model_says", { label: proposed.label }) : say("choose_hint");
  }

  boxesHint(widget, selected, boxes, proposed) {
    if (widget.mode === "draw") return say("draw_hint", { label: widget.label });
    if (selected) return say("selected_hint");
    if (!boxes.length) return say("empty_hint");
    return proposed ? say("model_boxes") : say("edit_hint");
  }

  boxList(boxes, selected) {
    this.list.replaceChildren(
      ...boxes.map((box, index) => {
        const pick = element("button", { type: "button", className: "pick", ariaPressed: String(box.id === selected?.id) }, element("i", {}), box.label);
        const drop = element("button", { type: "button", className: "drop", textContent: "×", ariaLabel: say("remove_box", { label: box.label, number: index + 1 }) });
        pick.addEventListener("click", () => this.onSelect(box.id));
        drop.addEventListener("click", () => this.onRemove(box.id));
        const item = element("li", {}, pick, drop);
        item.style.setProperty("--tag", colorOf(this.labels, box.label));
        return item;
      }),
    );
  }

  /** Cover the stage with a message, or nothing. */
  cover(kind, text = "") {
    document.body.dataset.state = kind;
    byId("curtain-text").textContent = text;
  }

  announce(text) {
    this.live.textContent = "";
    requestAnimationFrame(() => {
      this.live.textContent = text;
    });
  }

  /** Show a line over the photo; ``undo`` decides whether it offers the way back. */
  tell(text, { undo = false, bad = false, ms = 6000 } = {}) {
    clearTimeout(this.timer);
    byId("toast-text").textContent = text;
    this.toast.querySelector("button").hidden = !undo;
    this.toast.classList.toggle("toast--bad", bad);
    this.toast.hidden = false;
    this.announce(text);
    this.timer = setTimeout(() => this.quiet(), ms);
  }

  quiet() {
    this.toast.hidden = true;
  }
}

function colorOf(labels, name) {
  const button = [...labels.children].find((one) => one.childNodes[1]?.textContent === name);
  return button?.style.getPropertyValue("--tag") ?? "#888";
}
