/** Imitates window.Pi as it is documented, with a wallet of play money behind it. */

import { post } from "./post.js";

// Pi asks again about every ten seconds while the first call has failed.
const ASK_AGAIN_MS = 10000;
const APPROVAL_MS = 60000;
const USER_NAME = "[A-Za-z_][A-Za-z0-9_]{2,29}";

export class SimulatedPi {
  #settings;
  #token = "";
  #username = "";

  constructor(settings) {
    this.#settings = settings;
  }

  async init() {}

  async nativeFeaturesList() {
    return [];
  }

  async authenticate(scopes, onIncompletePaymentFound) {
    if (!this.#username) {
      this.#username = this.#settings.asks_username
        ? await this.#askName() : this.#settings.username;
    }
    const { wallet } = this.#settings;
    const known = scopes.filter((scope) => ["username", "payments", "wallet_address"].includes(scope));
    const answer = await post(wallet.authenticate, { username: this.#username, scopes: known });
    this.#token = answer.accessToken;
    if (answer.incomplete) onIncompletePaymentFound?.(answer.incomplete);
    return { accessToken: answer.accessToken, user: answer.user };
  }

  /** Play the whole of a payment; as with Pi, what becomes of it is said by callbacks. */
  async createPayment({ amount, memo, metadata }, callbacks) {
    const { wallet } = this.#settings;
    let payment = null;
    try {
      payment = await post(wallet.payments, { accessToken: this.#token, amount, memo, metadata });
      await insist(() => callbacks.onReadyForServerApproval(payment.identifier), APPROVAL_MS);
      const chosen = { accessToken: this.#token, payment_id: payment.identifier };
      if (!await this.#askToPay(amount, memo)) {
        await post(wallet.cancel, chosen);
        callbacks.onCancel(payment.identifier);
        return payment;
      }
      const { txid } = await post(wallet.pay, chosen);
      await insist(() => callbacks.onReadyForServerCompletion(payment.identifier, txid), APPROVAL_MS);
    } catch (error) {
      callbacks.onError(error, payment ?? undefined);
    }
    return payment;
  }

  #askName() {
    const { words, username } = this.#settings;
    const input = element("input", {
      name: "pi-username", value: username, required: true, pattern: USER_NAME,
      autocomplete: "off", autocapitalize: "none", spellcheck: false, title: words.name_rule,
    });
    const field = element("label", { className: "field" }, words.who, input);
    const hint = element("p", { className: "small soft" }, words.name_rule);
    return ask(words, [field, hint], words.sign_in).then((yes) => {
      if (!yes) throw new Closed();
      return input.value;
    });
  }

  #askToPay(amount, memo) {
    const { words } = this.#settings;
    const sum = element("p", { className: "money money--large" }, `${amount} π`);
    const fee = element("p", { className: "small soft" }, words.fee.replace("{amount}", "0.01"));
    return ask(words, [element("p", {}, memo), sum, fee], words.pay.replace("{amount}", amount));
  }
}

/** The user closed the wallet: nothing went wrong, and nothing is to be said. */
export class Closed extends Error {}

/** Call until it succeeds, as Pi does while its timer runs. */
async function insist(call, patience) {
  const end = Date.now() + patience;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (Date.now() + ASK_AGAIN_MS > end) throw error;
      await new Promise((done) => { setTimeout(done, ASK_AGAIN_MS); });
    }
  }
}

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/** Show the wallet; return whether the user went on. */
function ask(words, lines, button) {
  const yes = element("button", { className: "button button--primary button--wide", value: "yes" }, button);
  const no = element(
    "button", { className: "button button--quiet button--wide", value: "", formNoValidate: true }, words.close,
  );
  const form = element(
    "form", { method: "dialog", className: "stack" },
    element("h2", { id: "pi-wallet-title" }, words.title), ...lines,
    element("p", { className: "small soft" }, words.play), yes, no,
  );
  const dialog = element("dialog", { id: "pi-wallet" }, form);
  dialog.setAttribute("aria-labelledby", "pi-wallet-title");
  document.body.append(dialog);
  return new Promise((done) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      done(dialog.returnValue === "yes");
    });
    dialog.showModal();
  });
}
