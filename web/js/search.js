// Asking: the search form, the run of one search, and what to say about its results.

import { ApiError } from "./api.js";
import { announce, byId, clearNotice, el, showNotice } from "./dom.js";
import { Frames } from "./frames.js";
import { contentType } from "./picking.js";
import { encodePicture } from "./picture.js";
import { count } from "./words.js";

const PAGE = 24;
const MOST = 500; // that the API returns at once
const WARM_MS = 4 * 60_000; // functions stay warm for some minutes
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
  #shown = null; // the question whose results are on the page: {query, like, picture, from, until, folderIds, next, passed, relevant, refreshed}
  #warmed = { at: -Infinity, folders: "" };

  constructor(api, shelf) {
    this.#api = api;
    this.#shelf = shelf;
    this.#frames = new Frames(byId("frames"), { nameOf: (id) => shelf.nameOf(id), onBroken: () => this.#onBroken(), refresh: () => this.#refresh(), onLike: (result) => this.#askLike(result) });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.ask();
    });
    this.#more.addEventListener("click", () => this.#showMore());
    this.#field.addEventListener("focus", () => this.#warm());
    byId("choose-picture").addEventListener("click", () => byId("picture-input").click());
    byId("picture-input").addEventListener("change", (event) => {
      const [file] = event.target.files;
      if (file) this.#askPicture(file);
      event.target.value = ""; // so that choosing the same again is a change again
    });
    this.#acceptDrops();
  }

  /** A picture dropped on the search form is searched by; anywhere else on the page it is added. */
  #acceptDrops() {
    const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
    this.#form.addEventListener("dragover", (event) => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      event.stopPropagation();
      byId("drop-veil").hidden = true; // which says that photographs are added
      this.#form.classList.add("dropping");
    });
    this.#form.addEventListener("dragleave", () => this.#form.classList.remove("dropping"));
    this.#form.addEventListener("drop", (event) => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      event.stopPropagation();
      this.#form.classList.remove("dropping");
      byId("drop-veil").hidden = true;
      const file = [...event.dataTransfer.files].find((each) => contentType(each));
      if (file) this.#askPicture(file);
      else showNotice(this.#notice, "This is not a picture that can be searched by.");
    });
  }

  /** Have Glimpse load what the next search needs, while the person types. It is no matter if that fails. */
  async #warm() {
    const folderIds = this.#shelf.chosenIds;
    if (this.#shelf.folders.length === 0) return;
    if (this.#warmed.folders === folderIds.join() && Date.now() - this.#warmed.at < WARM_MS) return;
    this.#warmed = { at: Date.now(), folders: folderIds.join() };
    try {
      await this.#api.warm(folderIds);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
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
    await this.#begin({ query, label: el("q", { dir: "auto" }, query) });
  }

  async #askLike({ image_id, folder_id, file_name: name }) {
    await this.#begin({ like: { image_id, folder_id }, label: el("q", { dir: "auto" }, name ?? `image ${image_id}`) });
    this.#title.focus();
  }

  async #askPicture(file) {
    const picture = await encodePicture(file);
    if (picture === null) {
      showNotice(this.#notice, "This picture is too large to search by: 4.5 MB are the most.");
      return;
    }
    await this.#begin({ picture, label: el("q", { dir: "auto" }, file.name) });
  }

  /** The days that the person chose, from the start of the one to the end of the other: by the photographs' own clocks, so without a zone. */
  #days() {
    const day = (id, days) => {
      const value = byId(id).valueAsDate;
      return value ? new Date(value.getTime() + days * 86_400_000).toISOString().slice(0, 10) : null;
    };
    return { from: day("taken-from", 0), until: day("taken-until", 1) };
  }

  async #begin(asked) {
    const question = { ...asked, ...this.#days(), folderIds: this.#shelf.chosenIds, next: null, passed: 0, refreshed: false };
    this.#wipe();
    const answer = await this.#run(question, { topK: PAGE, next: null }, () => this.#begin(asked));
    if (!answer) return;
    this.#shown = question;
    this.#frames.show(answer.results, answer.relevant ?? null);
    this.#arrived(question, answer);
    const found = answer.results.length;
    announce(found === 0 ? "Nothing found." : `${count(found, "photograph")} found, best first.${sure(answer, found)}`);
  }

  async #showMore() {
    const question = this.#shown;
    question.refreshed = false;
    const answer = await this.#run(question, { topK: PAGE, next: question.next }, () => this.#showMore());
    if (!answer || question !== this.#shown) return;
    const before = question.relevant === undefined ? null : question.relevant - question.passed;
    this.#frames.extend(answer.results, before)?.focus();
    this.#arrived(question, answer);
    announce(`${count(this.#frames.size, "photograph")} shown.`);
  }

  #arrived(question, answer) {
    question.next = answer.next ?? null;
    if (question.passed === 0) question.relevant = answer.relevant; // of the whole ranking
    question.passed += PAGE;
    this.#headline(this.#frames.size);
    this.#more.hidden = question.next === null;
    if (answer.partial) showNotice(this.#notice, "Part of the photographs can\u2019t be searched at the moment; the rest is here.");
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
    const answer = await this.#run(question, { topK: Math.min(MOST, Math.max(PAGE, this.#frames.size)), next: null }, () => this.#refresh());
    if (answer && question === this.#shown) this.#frames.refresh(answer.results);
  }

  /** The answer to a question, or null when there is nothing to show for it (the page says why, if there is a why). */
  async #run(question, page, retry) {
    this.#request?.abort();
    const request = new AbortController();
    this.#request = request;
    clearNotice(this.#notice);
    this.#form.ariaBusy = "true";
    try {
      const answer = await this.#api.search({ ...question, ...page, signal: request.signal });
      return request.signal.aborted ? null : answer;
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
      found === 0 ? "Nothing found for " : this.#shown.like ? "More like " : "Closest to ", this.#shown.label,
      ...(found > 0 ? [el("span", {}, ` \u00b7 ${count(found, "photograph")}, best first${sure(this.#shown, found)}`)] : []),
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

/** How many of the photographs answer the question, where Glimpse can tell and it isn't all of them. */
function sure({ relevant }, found) {
  if (relevant === undefined || relevant >= found) return "";
  return relevant === 0 ? "; none matches for certain" : `; ${relevant} ${relevant === 1 ? "matches" : "match"}`;
}
