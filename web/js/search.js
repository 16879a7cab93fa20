// Asking: the search form, the run of one search, and what to say about its results.

import { ApiError } from "./api.js";
import { announce, byId, clearNotice, el, showNotice } from "./dom.js";
import { Frames } from "./frames.js";
import { count } from "./words.js";

const PAGE = 24;
const MOST = 96;
const EXAMPLES = ["something to eat", "an animal that flies", "two dogs", "a boat on the water"];

export class SearchView {
  #api;
  #shelf;
  #frames;
  #form = byId("search-form");
  #field = byId("query");
  #title = byId("results-title");
  #notice = byId("results-notice");
  #empty = byId("results-empty");
  #more = byId("show-more");
  #request = null; // the AbortController of the search under way
  #shown = null; // the question whose results are on the page: {query, folderIds, topK, refreshed}

  constructor(api, shelf) {
    this.#api = api;
    this.#shelf = shelf;
    this.#frames = new Frames(byId("frames"), { nameOf: (id) => shelf.nameOf(id), onBroken: () => this.#onBroken(), refresh: () => this.#refresh() });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.ask();
    });
    this.#more.addEventListener("click", () => this.#showMore());
  }

  /** Back to an empty table: nothing asked, nothing shown. */
  clear() {
    this.#request?.abort();
    this.#shown = null;
    this.#field.value = "";
    this.#wipe();
    this.suggest();
  }

  focus() {
    this.#field.focus();
  }

  /** What to say before the first question. */
  suggest() {
    if (this.#shown) return;
    const pictures = this.#shelf.folders.length > 0;
    this.#empty.classList.toggle("bare", !pictures);
    this.#empty.replaceChildren(
      el("p", {}, pictures ? "Ask for what a photograph shows. For example:" : "Nothing on the table yet. Drop photographs here, or a whole folder, then ask for what they show."),
      ...(pictures ? [el("p", { class: "examples" }, ...EXAMPLES.map((words) => el("button", {
        type: "button", class: "chip", on: { click: () => { this.#field.value = words; this.ask(); } },
      }, words)))] : []),
    );
  }

  /** A folder is gone, and so are its pictures on the table. */
  forgetFolder(id) {
    this.#frames.removeFolder(id);
    if (this.#shown && this.#frames.size > 0) this.#headline(this.#frames.size);
    else this.clear();
  }

  async ask() {
    const query = this.#field.value.trim();
    if (query === "") {
      this.#field.focus();
      return;
    }
    const question = { query, folderIds: this.#shelf.chosenIds, topK: PAGE, refreshed: false };
    this.#wipe();
    const results = await this.#run(question, () => this.ask());
    if (!results) return;
    this.#shown = question;
    this.#frames.show(results);
    this.#headline(results.length);
    this.#more.hidden = results.length < question.topK || question.topK >= MOST;
    announce(results.length === 0 ? "Nothing found." : `${count(results.length, "photograph")} found, best first.`);
  }

  async #showMore() {
    const question = { ...this.#shown, topK: Math.min(this.#shown.topK * 2, MOST), refreshed: false };
    const results = await this.#run(question, () => this.#showMore());
    if (!results) return;
    this.#shown = question;
    this.#frames.extend(results)?.focus();
    this.#headline(this.#frames.size);
    this.#more.hidden = results.length < question.topK || question.topK >= MOST;
    announce(`${count(this.#frames.size, "photograph")} shown.`);
  }

  /** A picture that doesn't load has most likely outlived its address: ask once more for fresh ones, and only once. */
  #onBroken() {
    if (!this.#shown || this.#shown.refreshed) return false;
    this.#refresh();
    return true;
  }

  async #refresh() {
    const question = this.#shown;
    question.refreshed = true;
    const results = await this.#run(question, () => this.#refresh());
    if (results && question === this.#shown) this.#frames.refresh(results);
  }

  /** The results of a question, or null when there is nothing to show for it (the page says why, if there is a why). */
  async #run(question, retry) {
    this.#request?.abort();
    const request = new AbortController();
    this.#request = request;
    clearNotice(this.#notice);
    this.#form.ariaBusy = "true";
    try {
      const { results } = await this.#api.search(question.query, { ...question, signal: request.signal });
      return request.signal.aborted ? null : results;
    } catch (error) {
      if (request.signal.aborted) return null;
      if (!(error instanceof ApiError)) throw error;
      if (error.kind !== "expired") showNotice(this.#notice, error.message, { retry: error.retryable ? retry : null });
      return null;
    } finally {
      if (this.#request === request) this.#form.ariaBusy = "false";
    }
  }

  #headline(found) {
    this.#title.hidden = false;
    this.#title.replaceChildren(
      found === 0 ? "Nothing found for " : "Closest to ", el("q", { dir: "auto" }, this.#shown.query),
      ...(found > 0 ? [el("span", {}, ` \u00b7 ${count(found, "photograph")}, best first`)] : []),
    );
    this.#empty.replaceChildren(...(found === 0 ? [el("p", {}, "New photographs can be found as soon as they are indexed. Other words may help, or other folders.")] : []));
  }

  #wipe() {
    this.#shown = null;
    clearNotice(this.#notice);
    this.#frames.show([]);
    this.#empty.replaceChildren();
    this.#title.hidden = true;
    this.#more.hidden = true;
  }
}
