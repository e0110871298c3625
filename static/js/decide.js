/** The reviewer's page: shows one answer among the others, and lets boxes be corrected. */

import { Boxes } from "./label/boxes.js";

const byId = (id) => document.getElementById(id);
const read = (id) => JSON.parse(byId(id).textContent);
const form = document.querySelector(".decide");
const overlay = byId("overlay");
const stage = byId("stage");
const tools = byId("tools");
const own = form.elements.own;
const contents = read("contents");
const question = read("question");

let editor = null;
let chosen = null; // the choice that own boxes start from

function size() {
  // Text in the picture's own pixels, but as large as 14 on the screen.
  const svg = overlay.querySelector("svg");
  if (svg.clientWidth) svg.style.fontSize = `${(14 * svg.viewBox.baseVal.width) / svg.clientWidth}px`;
}

function spotlight(key) {
  for (const group of overlay.querySelectorAll("g")) {
    group.toggleAttribute("data-faint", Boolean(key) && group.dataset.source !== key);
  }
}

async function edit() {
  overlay.hidden = true;
  stage.hidden = tools.hidden = false;
  if (editor) return;
  const image = new Image();
  image.src = overlay.querySelector("img").src;
  image.draggable = false;
  await image.decode();
  if (editor) return;
  const start = own.value ? JSON.parse(own.value) : contents[chosen] ?? { boxes: [] };
  let made = null;
  made = new Boxes({ stage, image, question, content: start, changed: () => made && changed(made), slipped: () => {} });
  editor = made;
  byId("labels").replaceChildren(
    ...editor.labels.map((name) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = name;
      button.dataset.label = name;
      return button;
    }),
  );
  changed(editor);
}

function changed(widget) {
  own.value = JSON.stringify(widget.content());
  const label = widget.selected?.label ?? widget.label;
  for (const button of tools.querySelectorAll("button")) {
    const { label: name, mode } = button.dataset;
    if (name) button.setAttribute("aria-pressed", String(name === label));
    if (mode) button.setAttribute("aria-pressed", String(mode === widget.mode));
  }
}

function choose(key) {
  if (key === "own") {
    edit();
    return;
  }
  editor?.destroy();
  editor = null;
  own.value = "";
  chosen = key;
  overlay.hidden = false;
  stage.hidden = tools.hidden = true;
  spotlight(key in contents && !key.startsWith("label:") ? key : null);
}

form.addEventListener("change", (event) => event.target.name === "decision" && choose(event.target.value));
tools.addEventListener("click", (event) => {
  const { label, mode, remove } = event.target.closest("button")?.dataset ?? {};
  if (label) editor.relabel(label);
  if (mode) editor.setMode(mode);
  if (remove !== undefined) editor.remove();
});
form.addEventListener("keydown", (event) => {
  if (editor && stage.contains(event.target) && ["Delete", "Backspace"].includes(event.key)) {
    event.preventDefault();
    editor.remove();
  }
});
new ResizeObserver(size).observe(overlay);
size();
const checked = form.querySelector("[name=decision]:checked");
if (checked?.value === "own") edit();
else if (checked) choose(checked.value);
