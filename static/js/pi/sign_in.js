/** The button "with Pi": token from Pi, session from us, and on to the next page. */

import { post } from "./post.js";
import { loadPi, settingsOf } from "./sdk.js";

const button = document.querySelector("[data-pi-sign-in]");
const trouble = document.getElementById("pi-trouble");
const settings = settingsOf();

button.hidden = false;
button.addEventListener("click", async () => {
  button.disabled = true;
  trouble.hidden = true;
  try {
    const pi = await loadPi(settings);
    const open = [];
    const { accessToken } = await pi.authenticate(settings.scopes, (payment) => open.push(payment));
    const query = settings.next ? `?next=${encodeURIComponent(settings.next)}` : "";
    const { next } = await post(settings.session + query, { accessToken });
    await Promise.all(open.map(settle)); // only now does the server know who we are
    location.assign(next || settings.next || "/home/");
  } catch (error) {
    button.disabled = false;
    if (error.constructor.name === "Closed") return;
    trouble.textContent = error.constructor.name === "Refused" ? error.message : trouble.dataset.away;
    trouble.hidden = false;
  }
});

/** Tell the server which payment was left open; it asks Pi for all the rest. */
async function settle({ identifier }) {
  if (settings.incomplete) await post(settings.incomplete, { payment_id: identifier }).catch(() => {});
}
