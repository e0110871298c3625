/** The button "Pay with Pi": our deposit, Pi's payment for it, and our server's word. */

import { post } from "./post.js";
import { loadPi, settingsOf } from "./sdk.js";

const form = document.getElementById("pay-in-form");
const button = form.querySelector("button[type=submit]");
const state = document.getElementById("pay-state");
const settings = settingsOf();
const TONES = { paid: "ok", cancelled: "", waiting: "", verifying: "", late: "wait" };
const AMOUNT = /^\d{1,12}(\.\d{1,7})?$/;

button.disabled = false;
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const amount = form.elements.amount.value.trim().replace(",", ".");
  if (!AMOUNT.test(amount)) {
    say("amount", "bad");
    return;
  }
  button.disabled = true;
  say("waiting");
  try {
    await pay(amount);
  } catch (error) {
    if (error.constructor.name === "Closed") say("cancelled");
    else if (error.constructor.name === "Refused") tell(error.message, "bad");
    else say("away", "bad");
  } finally {
    button.disabled = false;
  }
});

async function pay(amount) {
  const pi = await loadPi(settings);
  const { user } = await pi.authenticate(settings.scopes, settle);
  if (user.uid !== settings.uid) {
    say("other", "bad");
    return;
  }
  const started = await post(settings.deposits, { organization: form.elements.organization.value, amount });
  const { deposit, memo, metadata } = started;
  await new Promise((done, fail) => {
    pi.createPayment({ amount: Number(started.amount), memo, metadata }, {
      onReadyForServerApproval: (id) => ask(settings.approve, { deposit, payment_id: id }),
      onReadyForServerCompletion: async (id, txid) => {
        say("verifying");
        await ask(settings.complete, { payment_id: id, txid });
        say("paid");
        done();
        location.reload();
      },
      onCancel: (id) => {
        post(settings.cancelled, { deposit, payment_id: id }).catch(() => {});
        say("cancelled");
        done();
      },
      onError: (error, payment) => {
        // Signed already: the server asks Pi itself, whatever became of this page.
        if (payment?.transaction) {
          say("late", "wait");
          done();
        } else fail(error);
      },
    });
  });
}

/** Say at once why not; Pi calls again every ten seconds while its timer runs. */
async function ask(path, body) {
  try {
    return await post(path, body);
  } catch (error) {
    tell(error.message, "bad");
    throw error;
  }
}

/** Tell the server which payment was left open; it asks Pi for all the rest. */
async function settle(payment) {
  await post(settings.incomplete, { payment_id: payment.identifier }).catch(() => {});
}

function say(what, tone = TONES[what] ?? "") {
  tell(state.dataset[what], tone);
}

function tell(words, tone) {
  state.textContent = words;
  state.className = tone ? `notice notice--${tone}` : "notice";
  state.hidden = false;
}
