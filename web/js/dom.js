// Making and reaching elements. Data enters the page as text nodes and attributes, never as markup.

const SVG = "http://www.w3.org/2000/svg";

/** The element of the page with this id; a missing one is a mistake in index.html, and said so. */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`index.html has no element with the id "${id}"`);
  return element;
}

/**
 * Make an element. Properties are attributes, except `on` (event listeners by name); false and null leave one out.
 * Children that are strings become text.
 */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (value !== false && value !== null && value !== undefined) {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** A drawing of the sprite at the end of index.html; it says nothing to a screen reader. */
export function icon(name) {
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("class", "icon");
  drawing.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#icon-${name}`);
  drawing.append(use);
  return drawing;
}

/** Say something to screen readers, politely. The same sentence twice is said twice. */
export function announce(sentence) {
  const region = byId("announcer");
  region.textContent = "";
  setTimeout(() => { region.textContent = sentence; }, 50);
}

/** Show a sentence where it matters, with a button to try again if there is something to try. */
export function showNotice(place, sentence, { retry = null, kind = "problem" } = {}) {
  const again = retry && el("button", { type: "button", class: "button small", on: { click: () => { clearNotice(place); retry(); } } }, "Try again");
  place.replaceChildren(
    el("div", { class: `notice ${kind}`, role: kind === "problem" ? "alert" : "status" },
      icon(kind === "problem" ? "warning" : "done"), el("p", {}, sentence), again),
  );
}

export function clearNotice(place) {
  place.replaceChildren();
}

/** An address that may stand in `src` or `href`: http(s) alone, so that no `javascript:` comes in with data. */
export function webAddress(value) {
  try {
    const url = new URL(value);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}
