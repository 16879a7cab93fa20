// Which model answers, and what it can't do: said on the page, not only in the documentation.

import { byId } from "./dom.js";

const DEMO = "glimpse-demo";
const DEMO_LIMITS = "Demo model: understands drawn scenes; it doesn\u2019t understand photographs as a real CLIP does.";

/** Say which model is active, and return whether that is known. `model` is what the API's health tells: a name, an object with one, or nothing. */
export function showModel(model) {
  const name = typeof model === "string" ? model : model?.name;
  const short = byId("model-short");
  const demo = name === DEMO;
  short.hidden = !name;
  short.textContent = demo ? DEMO_LIMITS : `Model: ${name}.`;
  short.classList.toggle("limited", demo);
  byId("model-long").textContent = name ? `Active model: ${name}.${demo ? ` ${DEMO_LIMITS}` : ""}` : "Which model is active is not known yet.";
  return Boolean(name);
}
