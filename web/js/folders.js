// The shelf of folders: which there are, which of them are searched, and deleting one.

import { ApiError } from "./api.js";
import { announce, byId, clearNotice, el, icon, showNotice } from "./dom.js";
import { count } from "./words.js";

export class FolderShelf {
  #api;
  #onChange;
  #onDeleted;
  #folders = [];
  #chosen = new Set();
  #list = byId("folder-list");
  #hint = byId("folders-hint");
  #notice = byId("folders-notice");
  #loading = 0;

  /** `onChange()`: folders or the choice of them changed; `onDeleted(folderId)`: a folder is gone. */
  constructor(api, { onChange, onDeleted }) {
    this.#api = api;
    this.#onChange = onChange;
    this.#onDeleted = onDeleted;
  }

  get folders() {
    return this.#folders;
  }

  /** The ids to search; none means all. */
  get chosenIds() {
    return [...this.#chosen];
  }

  nameOf(id) {
    return this.#folders.find((folder) => folder.id === id)?.folder_name ?? null;
  }

  choose(ids) {
    this.#chosen = new Set(ids);
    this.#render();
  }

  clear() {
    this.#loading += 1; // an answer still under way belongs to the session that ended
    this.#folders = [];
    this.#chosen.clear();
    clearNotice(this.#notice);
    this.#list.replaceChildren();
    this.#hint.textContent = "";
  }

  async load() {
    const turn = ++this.#loading;
    try {
      const { folders } = await this.#api.folders();
      if (turn !== this.#loading) return;
      clearNotice(this.#notice);
      this.#folders = folders.toSorted((a, b) => a.folder_name.localeCompare(b.folder_name, undefined, { numeric: true }));
      const known = new Set(folders.map((folder) => folder.id));
      this.#chosen = new Set([...this.#chosen].filter((id) => known.has(id)));
      this.#render();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (turn === this.#loading && error.kind !== "expired") {
        showNotice(this.#notice, error.message, { retry: () => this.load() });
      }
    }
  }

  #render() {
    this.#hint.textContent = this.#folders.length === 0
      ? "None yet. The first photographs that you add make one."
      : "Tick some to search only those.";
    // Redrawing must not lose the place of somebody who goes through the list by keyboard.
    const focused = this.#list.contains(document.activeElement) ? document.activeElement.id : null;
    this.#list.replaceChildren(...this.#folders.map((folder) => this.#row(folder)));
    if (focused) document.getElementById(focused)?.focus();
    this.#onChange();
  }

  #row(folder) {
    const { id, folder_name: name, image_count: images, is_owner: own, owner_username: owner } = folder;
    const tick = el("input", { type: "checkbox", id: `folder-${id}`, on: { change: () => this.#tick(id, tick.checked) } });
    tick.checked = this.#chosen.has(id);
    const facts = [Number.isInteger(images) ? count(images, "photograph") : null, own === false ? `from ${owner}` : null];
    return el("li", { class: "folder" },
      tick,
      el("label", { for: tick.id },
        el("span", { class: "folder-name", dir: "auto" }, name),
        el("span", { class: "folder-facts" }, facts.filter(Boolean).join(" \u00b7 "))),
      own === false ? null : el("button", {
        type: "button", class: "button icon-only", id: `delete-folder-${id}`, "aria-label": `Delete the folder ${name}`, title: "Delete",
        on: { click: () => this.#askToDelete(folder) },
      }, icon("bin")));
  }

  #tick(id, ticked) {
    if (ticked) this.#chosen.add(id);
    else this.#chosen.delete(id);
    this.#onChange();
  }

  #askToDelete(folder) {
    const dialog = byId("delete-dialog");
    byId("delete-title").textContent = `Delete \u201c${folder.folder_name}\u201d?`;
    dialog.returnValue = "";
    dialog.addEventListener("close", () => {
      if (dialog.returnValue === "delete") this.#delete(folder);
    }, { once: true });
    dialog.showModal();
  }

  async #delete(folder) {
    clearNotice(this.#notice);
    try {
      await this.#api.deleteFolder(folder.id);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.kind !== "expired") {
        showNotice(this.#notice, error.message, { retry: error.retryable ? () => this.#delete(folder) : null });
      }
      return;
    }
    announce(`The folder ${folder.folder_name} is deleted.`);
    this.#folders = this.#folders.filter(({ id }) => id !== folder.id);
    this.#chosen.delete(folder.id);
    this.#render();
    byId("folders-title").focus();
    this.#onDeleted(folder.id);
    await this.load();
  }
}
