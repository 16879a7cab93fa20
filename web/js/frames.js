// The frames of a search's results: thumbnails like those of a contact sheet, best first, the best one circled.

import { el, webAddress } from "./dom.js";
import { similarity } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const CIRCLE = "M52 3C24 1 3 16 2 46c-1 33 22 52 50 51 29 0 46-20 46-50C98 18 77 2 44 5";
// Presigned addresses live minutes. A link that is older than this gets a fresh one before it is followed.
const FRESH_MS = 4 * 60_000;

const keyOf = ({ folder_id: folder, image_id: image }) => `${folder}/${image}`;

export class Frames {
  #list;
  #nameOf;
  #onBroken;
  #refresh;
  #onLike;
  #frames = new Map(); // key → Frame
  #addressedAt = 0;
  #best = 0; // the highest similarity of the search

  /**
   * `nameOf(folderId)`: a folder's name; `onBroken()`: a picture didn't load, true when fresh addresses are on their way;
   * `refresh()`: a promise of fresh addresses; `onLike(result)`: the person wants more like this one.
   */
  constructor(list, { nameOf, onBroken, refresh, onLike }) {
    this.#onLike = onLike;
    this.#list = list;
    this.#nameOf = nameOf;
    this.#onBroken = onBroken;
    this.#refresh = refresh;
  }

  get size() {
    return this.#frames.size;
  }

  show(results, relevant = null) {
    this.#frames.clear();
    this.#list.replaceChildren();
    this.#best = results[0]?.similarity ?? 0;
    this.extend(results, relevant);
  }

  /** Show more of the same search, and return the first new link: those that are there stay, with fresh addresses. */
  extend(results, relevant = null) {
    this.refresh(results);
    const before = this.size;
    let first = null;
    for (const [place, result] of results.entries()) {
      if (this.#frames.has(keyOf(result))) continue;
      if (place === relevant) this.#list.append(divider(this.size));
      const frame = new Frame(result, this.#frames.size + 1, {
        folder: this.#nameOf(result.folder_id), best: this.#best,
        onBroken: this.#onBroken, onFollow: (event) => this.#follow(event, keyOf(result)), onLike: () => this.#onLike(result),
      });
      this.#frames.set(keyOf(result), frame);
      this.#list.append(frame.element);
      first ??= frame.element;
    }
    return this.size > before ? first.querySelector("a") : null;
  }

  refresh(results) {
    this.#addressedAt = Date.now();
    for (const result of results) this.#frames.get(keyOf(result))?.address(result);
  }

  removeFolder(id) {
    for (const [key, frame] of this.#frames) {
      if (frame.folderId !== id) continue;
      this.#frames.delete(key);
      frame.element.remove();
    }
  }

  async #follow(event, key) {
    if (Date.now() - this.#addressedAt < FRESH_MS) return;
    event.preventDefault();
    await this.#refresh();
    const address = this.#frames.get(key)?.original;
    if (address) window.open(address, "_blank", "noopener,noreferrer");
  }
}

class Frame {
  #picture;
  #link;
  #onBroken;

  constructor(result, rank, { folder, best, onBroken, onFollow, onLike }) {
    this.#onBroken = onBroken;
    this.folderId = result.folder_id;
    const name = result.file_name ?? `image ${result.image_id}`;
    this.#picture = el("img", {
      alt: name, decoding: "async", width: result.width, height: result.height,
      on: { load: () => this.#loaded(), error: () => this.#broken() },
    });
    this.#link = el("a", { class: "frame-picture", target: "_blank", rel: "noopener noreferrer", on: { click: onFollow } },
      this.#picture, rank === 1 ? pencilCircle() : null, el("span", { class: "visually-hidden" }, "(opens the original)"));
    const meter = el("span", { class: "meter", "aria-hidden": "true" });
    meter.style.setProperty("--share", String(best > 0 ? Math.max(0, result.similarity / best) : 0));
    this.element = el("li", { class: "frame" },
      this.#link,
      el("p", { class: "frame-name", dir: "auto", title: name }, name),
      result.note ? el("p", { class: "frame-note" }, result.note) : null,
      el("p", { class: "frame-facts" },
        el("span", { class: "frame-folder", dir: "auto" }, folder ?? ""),
        el("span", { class: "frame-similarity", title: "Similarity: the cosine between the words and the picture" },
          el("span", { class: "visually-hidden" }, "similarity "), meter, similarity(result.similarity))),
      el("button", { type: "button", class: "link frame-like", "aria-label": `More like this: ${name}`, on: { click: onLike } }, "More like this"));
    this.#shape(result.width, result.height);
    this.address(result);
  }

  get original() {
    return this.#link.getAttribute("href");
  }

  /** Take a result's addresses: at first, and whenever fresher ones come. */
  address({ image, original }) {
    if (!this.element.classList.contains("loaded")) {
      this.element.classList.remove("broken");
      const source = webAddress(image);
      if (source) this.#picture.src = source;
      else this.element.classList.add("broken");
    }
    const target = webAddress(original ?? image);
    if (target) this.#link.href = target;
  }

  #loaded() {
    this.element.classList.add("loaded");
    this.#shape(this.#picture.naturalWidth, this.#picture.naturalHeight);
  }

  #broken() {
    if (!this.#onBroken()) this.element.classList.add("broken");
  }

  /** Rows are justified by the pictures' proportions, within reason for panoramas and tall strips. */
  #shape(width, height) {
    if (width > 0 && height > 0) this.element.style.setProperty("--ratio", String(Math.min(2.6, Math.max(0.55, width / height))));
  }
}

/** What parts the results that answer the question from those that are merely the next closest. */
function divider(before) {
  return el("li", { class: "frames-divider" }, before === 0 ? "Nothing matches for certain. These come closest:" : "What follows is less certain.");
}

function pencilCircle() {
  const drawing = document.createElementNS(SVG, "svg");
  for (const [name, value] of Object.entries({ class: "pencil-circle", viewBox: "0 0 100 100", preserveAspectRatio: "none", "aria-hidden": "true" })) {
    drawing.setAttribute(name, value);
  }
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", CIRCLE);
  drawing.append(path);
  return drawing;
}
