// Sends chosen files one by one, shows each one's progress and what became of it.
const form = document.getElementById("upload");
if (form) start(form);

function start(form) {
  const chosen = form.querySelector("#files");
  const folder = form.querySelector("#folder");
  const drop = form.querySelector(".drop");
  const list = form.querySelector("#outcomes");
  const state = form.querySelector("#upload-state");
  const word = (name) => form.dataset[`word${name[0].toUpperCase()}${name.slice(1)}`];
  const token = form.querySelector("[name=csrfmiddlewaretoken]").value;
  const AT_ONCE = 2;
  const ROWS_MAX = 2000;
  const queue = [];
  const count = { added: 0, duplicates: 0, refused: 0 };
  let running = 0, bytes = 0, sent = 0;

  form.dataset.script = "";
  form.querySelectorAll(".only-script:not(#upload-state)").forEach((one) => { one.hidden = false; });
  form.querySelector("#send").hidden = true;
  form.addEventListener("submit", (event) => { event.preventDefault(); add(chosen.files); });
  chosen.addEventListener("change", () => { add(chosen.files); chosen.value = ""; });
  folder.addEventListener("change", () => { add(folder.files); folder.value = ""; });
  for (const name of ["dragover", "dragleave", "drop"]) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.toggleAttribute("data-over", name === "dragover");
      if (name === "drop") dropped(event.dataTransfer);
    });
  }
  addEventListener("beforeunload", (event) => { if (running) event.preventDefault(); });

  async function dropped(transfer) {
    const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    if (!entries.length) return add(transfer.files);
    for (const entry of entries) add(await filesIn(entry));
  }

  async function filesIn(entry) {
    if (entry.isFile) return [await new Promise((done, fail) => entry.file(done, fail))];
    const reader = entry.createReader();
    const found = [];
    for (;;) {
      const some = await new Promise((done, fail) => reader.readEntries(done, fail));
      if (!some.length) return found;
      for (const one of some) found.push(...await filesIn(one));
    }
  }

  function add(files) {
    for (const file of files) {
      if (file.name.startsWith(".")) continue;
      bytes += file.size;
      queue.push({ file, row: newRow(file.name) });
    }
    if (queue.length) state.hidden = false;
    while (running < AT_ONCE && queue.length) send(queue.shift());
  }

  function newRow(name) {
    const row = document.createElement("li");
    const title = document.createElement("b");
    title.textContent = name;
    const badge = document.createElement("span");
    badge.className = "badge";
    badge.textContent = word("waiting");
    row.append(title, badge);
    list.append(row);
    return row;
  }

  function send({ file, row }) {
    running += 1;
    const request = new XMLHttpRequest();
    const bar = document.createElement("progress");
    bar.max = file.size || 1;
    row.querySelector(".badge").replaceWith(bar);
    request.open("POST", form.dataset.url);
    request.setRequestHeader("X-CSRFToken", token);
    request.setRequestHeader("Accept", "application/json");
    request.upload.addEventListener("progress", (event) => {
      bar.value = Math.min(event.loaded, bar.max);
      show(Math.min(event.loaded, file.size));
    });
    request.addEventListener("loadend", () => {
      running -= 1;
      sent += file.size;
      finish(row, bar, file, answerOf(request));
      show(0);
      if (queue.length) send(queue.shift());
      else if (!running) form.querySelector("#upload-again").hidden = !(count.added + count.duplicates);
    });
    const body = new FormData();
    body.append("files", file, file.name);
    request.send(body);
  }

  function answerOf(request) {
    try { return JSON.parse(request.responseText); } catch { return null; }
  }

  function finish(row, bar, file, answer) {
    bar.remove();
    const outcomes = answer?.files ?? [{
      name: file.name, state: "refused", message: answer?.error?.message || word("failed"),
    }];
    outcomes.forEach((outcome, index) => {
      count[outcome.state === "duplicate" ? "duplicates" : outcome.state] += 1;
      const target = index ? newRow("") : row;
      target.dataset.state = outcome.state;
      target.replaceChildren();
      const title = document.createElement("b");
      title.textContent = outcome.name;
      const badge = document.createElement("span");
      badge.className = `badge${{ added: " badge--ok", refused: " badge--bad" }[outcome.state] ?? ""}`;
      badge.textContent = word(outcome.state);
      target.append(title, badge);
      if (outcome.message) {
        const why = document.createElement("span");
        why.className = "small";
        why.textContent = outcome.message;
        target.append(why);
      }
      // What went wrong stays in sight, above what went well.
      if (outcome.state === "refused") list.prepend(target);
    });
    if (list.children.length > ROWS_MAX) list.querySelector("[data-state=added]")?.remove();
  }

  function show(partly) {
    const percent = bytes ? Math.round(100 * Math.min(sent + partly, bytes) / bytes) : 100;
    const bar = state.querySelector(".mosaic");
    bar.style.setProperty("--percent", percent);
    bar.setAttribute("aria-valuenow", percent);
    let text = word("total");
    for (const [name, value] of Object.entries(count)) text = text.replace(`%(${name})s`, value);
    state.querySelector("#upload-total").textContent = text;
  }
}
