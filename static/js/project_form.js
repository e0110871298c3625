// Adds and removes rows of labels; ticks a model's class that has the label's name.
const form = document.getElementById("project-form");
const rows = document.getElementById("labels");
const template = document.getElementById("label-row");
const model = form.elements.namedItem("model");
const COLORS = ["#7c3aed", "#e0218a", "#0f9d58", "#e8710a", "#1a73e8", "#b5a300", "#00a3b4", "#d93025", "#7a5230", "#5f6368"];
let next = 1 + Math.max(-1, ...[...rows.children].map((row) => Number(row.dataset.index)));

form.querySelectorAll(".only-script").forEach((one) => { one.hidden = false; });
document.getElementById("add-label").addEventListener("click", () => add().querySelector("[type=text]").focus());
rows.addEventListener("click", (event) => {
  if (!event.target.closest("[data-remove]")) return;
  event.target.closest(".label-row").remove();
  if (!rows.children.length) add();
  changed();
});
rows.addEventListener("input", (event) => {
  const row = event.target.closest(".label-row");
  if (event.target.type === "text") tickSameName(row, event.target.value);
  if (event.target.type === "checkbox") event.target.dataset.chosen = "";
  say(row);
});
model.addEventListener("change", showModel);
showModel();
for (const row of rows.children) say(row);

function add() {
  const copy = template.content.firstElementChild.cloneNode(true);
  copy.dataset.index = next;
  for (const input of copy.querySelectorAll("[name]")) input.name = input.name.replace("__", next);
  copy.querySelector("[type=color]").value = COLORS[next % COLORS.length];
  copy.querySelector("[data-remove]").hidden = false;
  next += 1;
  rows.append(copy);
  showModel();
  return copy;
}

function boxes(row) {
  return [...row.querySelectorAll(".class-list [type=checkbox]")].filter((box) => !box.disabled);
}

function tickSameName(row, value) {
  const name = value.trim().toLowerCase();
  if (boxes(row).some((box) => "chosen" in box.dataset)) return; // the person decides now
  for (const box of boxes(row)) box.checked = box.value.toLowerCase() === name;
}

function say(row) {
  const names = boxes(row).filter((box) => box.checked).map((box) => box.value);
  row.querySelector("[data-chosen]").textContent = names.join(", ") || "–";
}

function showModel() {
  const used = model.value;
  for (const list of form.querySelectorAll(".class-list")) {
    const on = list.dataset.model === used;
    list.hidden = !on;
    for (const box of list.querySelectorAll("input")) box.disabled = !on;
  }
  for (const part of form.querySelectorAll(".classes, #price-field, #mapping-help")) part.hidden = !used;
}

function changed() {
  form.dispatchEvent(new Event("change", { bubbles: true }));
}
