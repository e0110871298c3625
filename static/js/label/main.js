/** The labeling page: takes a task, shows it, keeps the answer, shows the next at once. */

import { freshKey, Refused } from "./api.js";
import { Boxes } from "./boxes.js";
import { Choice } from "./choice.js";
import { listen } from "./keys.js";
import { Outbox } from "./outbox.js";
import { Panel } from "./panel.js";
import { Queue } from "./queue.js";
import { explain, say, settings } from "./words.js";

const UNDO_MS = 3000;
const LOOK_AGAIN_MS = 8000;
const SECONDS_MAX = 86000;
const WIDGETS = { boxes: Boxes, single_choice: Choice };

const byId = (id) => document.getElementById(id);
const stage = byId("stage");
const outbox = new Outbox(`tessera.outbox.${settings.person}`);
const queue = new Queue({
  path: settings.assign,
  known: outbox.entries().map((entry) => entry.assignment),
});
const panel = new Panel({
  onLabel: label,
  onSelect: (id) => widget?.select(id),
  onRemove: (id) => remove(id),
});

let widget = null;
let shownAt = 0;
let last = null; // the answer that can still be undone: {assignment, content}
let answered = 0;
let turn = 0; // grows with every task shown; a slow picture of an earlier one is dropped

async function next() {
  const mine = ++turn;
  clear();
  panel.cover("loading", say("loading"));
  try {
    const assignment = await queue.take();
    if (mine !== turn) return;
    if (assignment) await show(assignment, assignment.task.proposal, mine);
    else rest(say(`reason_${queue.reason || "no_work"}`));
  } catch (error) {
    if (mine !== turn) return;
    rest(error instanceof Refused ? explain(error) : say("no_network"));
  }
}

/** Nothing to do now: say why and look again after a while. */
function rest(text) {
  panel.cover("empty", text);
  panel.announce(text);
  const mine = turn;
  setTimeout(() => mine === turn && !document.hidden && next(), LOOK_AGAIN_MS);
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden && !queue.current && !queue.filling) next();
});

function clear() {
  widget?.destroy();
  widget = null;
}

async function show(assignment, content, mine = ++turn) {
  clear();
  let image;
  try {
    image = await queue.picture(assignment);
  } catch {
    if (mine === turn) broken();
    return;
  }
  if (mine !== turn) return;
  const { question, task_type: kind } = assignment;
  panel.cover("work");
  panel.question(question, kind);
  const proposed = assignment.task.proposal;
  let made = null;
  made = new WIDGETS[kind]({
    stage,
    image,
    question,
    content,
    changed: () => made && panel.update(made, proposed),
    slipped: () => panel.tell(say("too_small")),
  });
  widget = made;
  shownAt = performance.now();
  panel.update(widget, proposed);
  widget.focus();
  panel.announce(describe(proposed));
}

function describe(proposed) {
  if (!proposed) return say("new_photo");
  if ("label" in proposed) return say("new_photo_label", { label: proposed.label });
  return say("new_photo_boxes", { count: proposed.boxes.length });
}

/** A picture that does not load is reported by one tap, or tried again. */
function broken() {
  panel.cover("broken", say("broken"));
  panel.announce(say("broken"));
}

function entry(action, body) {
  const { uuid, token } = queue.current;
  return {
    key: freshKey(),
    assignment: uuid,
    action,
    path: settings[action].replace(settings.blank, uuid),
    body: { token, ...body },
  };
}

function send() {
  if (!widget) return false;
  const content = widget.content();
  if (widget.name === "single_choice" && !content.label) {
    panel.tell(say("choose_first"));
    return true;
  }
  const seconds = Math.min((performance.now() - shownAt) / 1000, SECONDS_MAX);
  const sent = entry("answer", { content, idempotency_key: freshKey(), seconds });
  forgetLast();
  outbox.hold(sent, UNDO_MS);
  last = { assignment: queue.current, content };
  answered += 1;
  count();
  panel.tell(say("kept"), { undo: true, ms: UNDO_MS });
  next();
  return true;
}

function count() {
  byId("count").textContent = answered;
  const bar = byId("session");
  bar.style.setProperty("--percent", Math.min(100, answered * 4));
  bar.hidden = false;
}

function forgetLast() {
  if (last) queue.forget(last.assignment);
  last = null;
}

outbox.addEventListener("released", () => {
  panel.quiet();
  forgetLast();
});

function undo() {
  if (last && outbox.takeBack()) {
    const { assignment, content } = last;
    last = null;
    answered -= 1;
    count();
    panel.quiet();
    queue.putBack(assignment);
    show(assignment, content);
    panel.announce(say("undone"));
    return true;
  }
  return widget?.undo?.() ?? false;
}

function nothing() {
  if (!widget?.clear) return false;
  widget.clear();
  return send();
}

function leave(action, body, said) {
  if (!queue.current) return false;
  const gone = queue.current;
  outbox.send(entry(action, body));
  queue.forget(gone);
  next();
  panel.tell(said);
  return true;
}

function label(name) {
  if (!widget) return;
  widget.relabel(name);
  // A choice is an answer at once: the undo window is there for the slip of a thumb.
  if (widget.name === "single_choice") send();
  else panel.announce(say("labelled", { label: name }));
}

function remove(id) {
  if (!widget?.remove?.(id)) return false;
  panel.announce(say("removed"));
  return true;
}

function mode(name) {
  if (!widget?.setMode) return false;
  widget.setMode(name);
  panel.announce(say(name === "draw" ? "drawing" : "editing"));
  return true;
}

function open(id) {
  const dialog = byId(id);
  if (!dialog.open) dialog.showModal();
  return true;
}

function cycle(step) {
  if (!widget?.cycle) return false;
  if (widget.cycle(step)) {
    panel.announce(say("chosen", { label: widget.selected.label }));
    return true;
  }
  return false; // the browser goes on to what stands behind or before the photo
}

const commands = {
  send,
  undo,
  nothing,
  remove: () => remove(),
  cycle,
  skip: () => leave("skip", {}, say("skipped")),
  report: () => queue.current && open("report"),
  help: () => open("help"),
  draw: () => mode("draw"),
  edit: () => mode("edit"),
  add: () => Boolean(widget?.add) && (widget.add(), panel.announce(say("added", { label: widget.label })), true),
  deselect: () => Boolean(widget?.select) && (widget.select(), mode("edit")),
  nudge: (x, y, resize) => widget?.nudge?.(x, y, { resize }) ?? false,
  label(index) {
    const name = widget?.labels[index];
    if (!name) return false;
    label(name);
    return true;
  },
};

listen(stage, commands);
document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const { command, opens } = button.dataset;
  if (command) commands[command]();
  if (opens) open(opens);
  if (button.dataset.mode) mode(button.dataset.mode);
  if (button.dataset.again !== undefined) next();
  // A pointer leaves the keyboard on the photo, so that Enter answers, not the last button.
  if (event.detail > 0 && !button.closest("dialog")) widget?.focus();
});

for (const dialog of document.querySelectorAll("dialog")) {
  dialog.addEventListener("close", () => widget?.focus());
}
byId("report").addEventListener("close", (event) => {
  const dialog = event.target;
  const form = dialog.querySelector("form");
  if (dialog.returnValue === "send") {
    const { reason, note } = Object.fromEntries(new FormData(form));
    leave("report", { reason, note }, say("reported"));
  }
  dialog.returnValue = "";
  form.reset();
});

outbox.addEventListener("sent", ({ detail }) => {
  byId("offline").hidden = true;
  if (detail.result.state === "accepted") panel.announce(say("accepted"));
});
outbox.addEventListener("waiting", () => {
  byId("offline").hidden = false;
});
outbox.addEventListener("signed-out", () => {
  panel.tell(say("signed_out"), { bad: true, ms: 30000 });
});
outbox.addEventListener("refused", ({ detail }) => {
  byId("offline").hidden = true;
  // A skip that comes too late has no consequence to tell.
  if (detail.entry.action !== "skip") panel.tell(explain(detail.refusal), { bad: true, ms: 9000 });
});

outbox.flush();
next();
