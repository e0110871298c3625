/** Gives a page window.Pi, or what imitates it: the page does not see which. */

export const settingsOf = (id = "pi-settings") => JSON.parse(document.getElementById(id).textContent);

let ready = null;

/** Return the initialised SDK of the back-end that the page's settings name. */
export function loadPi(settings) {
  ready ??= settings.backend === "simulated" ? simulated(settings) : real(settings);
  ready.catch(() => { ready = null; }); // the next press tries again
  return ready;
}

async function simulated(settings) {
  const { SimulatedPi } = await import("./simulated.js");
  const pi = new SimulatedPi(settings);
  await pi.init({ version: "2.0" });
  return pi;
}

async function real({ sdk, sandbox }) {
  if (!window.Pi) {
    await new Promise((done, fail) => {
      const script = document.createElement("script");
      Object.assign(script, { src: sdk, async: true, onload: done });
      script.onerror = () => fail(new Error(`${sdk} did not load`));
      document.head.append(script);
    });
  }
  await window.Pi.init(sandbox ? { version: "2.0", sandbox: true } : { version: "2.0" });
  return window.Pi;
}
