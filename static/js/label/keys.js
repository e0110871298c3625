/** Says which key does what; typing in a field or a dialog is never a command. */

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const LETTERS = {
  d: "draw",
  e: "edit",
  b: "add",
  n: "nothing",
  s: "skip",
  r: "report",
  z: "undo",
  "?": "help",
  delete: "remove",
  backspace: "remove",
  escape: "deselect",
};

function repeats(event) {
  return event.repeat && !(event.key in ARROWS) && event.key !== "Tab";
}

function isElsewhere(event, takesBack) {
  const { target } = event;
  return (
    (!takesBack && (event.ctrlKey || event.metaKey)) || event.altKey ||
    document.querySelector("dialog[open]") !== null ||
    target.matches("input, textarea, select") || target.isContentEditable
  );
}

function presses(target) {
  return target.matches("button, a, summary");
}

/** Call ``commands`` by name; one that returns false leaves the key to the browser. */
export function listen(stage, commands) {
  const hear = (event) => {
    const takesBack = event.key === "z" && (event.ctrlKey || event.metaKey);
    if (isElsewhere(event, takesBack)) return;
    // A key that is held down moves a box on, but answers once.
    const done = takesBack ? commands.undo() : repeats(event) || run(event, stage, commands);
    if (done !== false) event.preventDefault();
    if (takesBack) event.stopImmediatePropagation(); // Annotorious would forget the labels
  };
  addEventListener("keydown", hear, { capture: true });
}

function run(event, stage, commands) {
  const { key, target, shiftKey } = event;
  if (key === "Enter") return !presses(target) && commands.send() !== false;
  if (key === "Tab") return stage.contains(target) && commands.cycle(shiftKey ? -1 : 1) !== false;
  if (key in ARROWS) return commands.nudge(...ARROWS[key], shiftKey) !== false;
  if (/^[1-9]$/.test(key)) return commands.label(Number(key) - 1) !== false;
  const name = LETTERS[key.toLowerCase()];
  return name !== undefined && commands[name]() !== false;
}
