// What a person sees of one upload: two bars, a row per photograph, and above all what went wrong with which.

import { announce, el, icon } from "./dom.js";
import { count, size } from "./words.js";

const STATES = { waiting: "Waiting", sending: "Sending", sent: "Sent", failed: "Not sent", unusable: "Can\u2019t be used" };

export class UploadCard {
  #batch;
  #dismiss;
  #show;
  #rows = new Map(); // item → Row
  #drawn = false;
  #finished = false;
  #title = el("h2", { tabindex: "-1" });
  #summary = el("p", { class: "upload-summary" });
  #trouble = el("p", { class: "upload-trouble", role: "alert" });
  #sentBar = el("progress", { class: "bar sent", max: "1", "aria-label": "Sent" });
  #indexedBar = el("progress", { class: "bar indexed", max: "1", "aria-label": "Indexed" });
  #sentText = el("span");
  #indexedText = el("span");
  #problems = el("ul", { class: "rows problems", "aria-label": "Photographs with a problem" });
  #list = el("ul", { class: "rows", "aria-label": "Photographs" });
  #buttons = el("div", { class: "buttons" });

  /** `show(folderId)`: the person wants to see what was uploaded; `dismiss()`: the card may go. */
  constructor(batch, { show, dismiss }) {
    this.#batch = batch;
    this.#show = show;
    this.#dismiss = dismiss;
    this.element = el("article", { class: "sheet upload" },
      this.#title, this.#summary, this.#trouble,
      el("div", { class: "bars" },
        el("p", { class: "bar-line" }, el("span", {}, "Sent"), this.#sentText), this.#sentBar,
        el("p", { class: "bar-line" }, el("span", {}, "Indexed"), this.#indexedText), this.#indexedBar),
      this.#problems, this.#list, this.#buttons);
    for (const item of batch.items) {
      const row = new Row(item);
      this.#rows.set(item, row);
      this.#list.append(row.element);
    }
    this.#draw();
  }

  focus() {
    this.#title.focus();
  }

  remove() {
    this.element.remove();
    for (const row of this.#rows.values()) row.release();
  }

  /** Something is new about an item, or about the whole. Drawing waits for the next frame: progress comes in floods. */
  changed(item) {
    const row = this.#rows.get(item);
    if (row) row.stale = true;
    if (this.#drawn) return;
    this.#drawn = true;
    // A page in the background gets no frames; the timer keeps its words true all the same.
    const later = document.hidden ? (draw) => setTimeout(draw, 250) : requestAnimationFrame;
    later(() => { this.#drawn = false; this.#draw(); });
  }

  #draw() {
    const batch = this.#batch;
    const problems = [];
    for (const [item, row] of this.#rows) {
      if (row.stale) row.draw();
      if (item.state === "failed" || item.state === "unusable") problems.push(row);
      else if (row.element.parentElement !== this.#list) this.#list.prepend(row.element);
    }
    for (const { element } of problems) if (element.parentElement !== this.#problems) this.#problems.append(element);
    const total = batch.items.length;
    const sent = batch.inState("sent").length;
    const failed = batch.inState("failed").length;
    const unusable = batch.inState("unusable").length;
    const done = batch.settled;
    this.#title.textContent = `${done ? "Added to" : "Adding to"} \u201c${batch.folderName}\u201d`;
    this.#sentBar.value = batch.totalBytes > 0 ? batch.sentBytes / batch.totalBytes : Number(done);
    this.#sentText.textContent = `${sent + unusable} of ${total} \u00b7 ${size(batch.sentBytes)} of ${size(batch.totalBytes)}`;
    this.#indexedBar.value = total > 0 ? batch.processed / total : 0;
    this.#indexedText.textContent = `${batch.processed} of ${total}`;
    this.#trouble.textContent = batch.trouble ?? "";
    this.#summary.textContent = done ? outcome({ ready: sent, failed, unusable }) : "Photographs can be found as soon as they are indexed.";
    this.element.classList.toggle("done", done);
    this.#drawButtons(done, { sent, failed });
    if (done && !this.#finished) announce(this.#summary.textContent);
    this.#finished = done;
  }

  #drawButtons(done, { sent, failed }) {
    const wanted = [];
    if (!done) wanted.push(["stop", "Stop", "", () => this.#batch.stop()]);
    if (done && failed > 0) wanted.push(["retry", failed === 1 ? "Send it again" : `Send the ${failed} again`, "primary", () => this.#batch.sendAgain()]);
    if (done && sent > 0) wanted.push(["show", "Search them", failed > 0 ? "" : "primary", () => this.#show(this.#batch.folderId)]);
    if (done) wanted.push(["dismiss", "Close", "", () => this.#dismiss()]);
    const key = wanted.map(([name, words]) => `${name} ${words}`).join("|");
    if (this.#buttons.dataset.key === key) return; // a button that is redrawn loses the focus
    const hadFocus = this.#buttons.contains(document.activeElement);
    this.#buttons.dataset.key = key;
    this.#buttons.replaceChildren(...wanted.map(([, words, look, click]) => el("button", { type: "button", class: `button small ${look}`, on: { click } }, words)));
    if (hadFocus) (this.#buttons.querySelector("button") ?? this.#title).focus();
  }
}

/** The sentence at the end of an upload. */
export function outcome({ ready, failed, unusable }) {
  const parts = [];
  if (ready > 0 || failed + unusable === 0) parts.push(`${count(ready, "photograph")} ${ready === 1 ? "is" : "are"} ready to search.`);
  if (unusable > 0) parts.push(`${count(unusable, "file")} can\u2019t be used; the reason stands beside ${unusable === 1 ? "it" : "each"}.`);
  if (failed > 0) parts.push(`${count(failed, "photograph")} did not get through.`);
  return parts.join(" ");
}

class Row {
  stale = true;
  #item;
  #address;
  #state = el("span", { class: "row-state" });
  #bar = null; // only while sending: progress elements are heavy, and an upload may have thousands of rows

  constructor(item) {
    this.#item = item;
    this.#address = URL.createObjectURL(item.file);
    this.element = el("li", { class: "row" }, this.#preview(),
      el("span", { class: "row-name", dir: "auto", title: item.name }, item.name),
      el("span", { class: "row-size" }, size(item.file.size)), this.#state);
  }

  draw() {
    this.stale = false;
    const { state, reason, note, sentBytes, file, name } = this.#item;
    this.element.dataset.state = state;
    if (state === "sending") {
      this.#bar ??= el("progress", { class: "bar thin", max: "1", "aria-label": `Sent of ${name}` });
      this.#bar.value = file.size > 0 ? sentBytes / file.size : 0;
      if (!this.#bar.isConnected) this.element.append(this.#bar);
    } else {
      this.#bar?.remove();
      this.#bar = null;
    }
    if (state === "failed" || state === "unusable") this.#state.replaceChildren(icon("warning"), `${STATES[state]}: ${reason}`);
    else if (note) this.#state.replaceChildren(icon("warning"), `${STATES[state]}. ${note}`);
    else this.#state.textContent = STATES[state];
  }

  /** Let the browser forget the preview's address, which holds on to the file. */
  release() {
    URL.revokeObjectURL(this.#address);
  }

  /** A small picture of a file that is still on this machine; what the browser can't draw stays an empty frame. */
  #preview() {
    const release = () => this.release();
    const picture = el("img", {
      class: "row-picture", src: this.#address, alt: "", loading: "lazy", decoding: "async", width: "40", height: "40",
      on: { load: release, error: () => { release(); picture.replaceWith(el("span", { class: "row-picture" })); } },
    });
    return picture;
  }
}
