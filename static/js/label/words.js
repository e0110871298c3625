/** The page's translated strings and its settings, read from its JSON blocks. */

const read = (id) => JSON.parse(document.getElementById(id).textContent);

export const settings = read("settings");
const words = read("words");

/** Return a string with its {places} filled. */
export function say(key, places = {}) {
  return (words[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => places[name] ?? whole);
}

/** Return what a refusal means: our own words for its code, else the server's. */
export function explain(refusal) {
  return words[`refused_${refusal.code}`] ?? (refusal.message || words.refused);
}
