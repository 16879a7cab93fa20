// The page as a whole: settings, session, and which of the two views is shown.

import { AccountView } from "./account.js";
import { Api, ApiError } from "./api.js";
import { loadConfig } from "./config.js";
import { announce, byId, clearNotice, showNotice } from "./dom.js";
import { FolderShelf } from "./folders.js";
import { showModel } from "./model.js";
import { SearchView } from "./search.js";
import { Session } from "./session.js";
import { Uploads } from "./uploads.js";

class App {
  #session = new Session();
  #library = byId("library");
  #who = byId("who");
  #modelKnown = false;

  constructor({ apiUrl, demo }) {
    this.api = new Api(apiUrl, this.#session, (sentence) => this.#leave(sentence));
    this.account = new AccountView(this.api, demo, (session) => {
      this.#session.begin(session);
      this.#enter();
    });
    this.shelf = new FolderShelf(this.api, {
      onChange: () => this.#chosen(),
      onDeleted: (id) => this.search.forgetFolder(id),
    });
    this.search = new SearchView(this.api, this.shelf);
    this.uploads = new Uploads(this.api, this.shelf, (folderId) => {
      this.shelf.choose([folderId]);
      this.search.focus();
    });
    byId("log-out").addEventListener("click", () => this.#logOut());
  }

  start() {
    if (this.#session.token) {
      this.#enter();
    } else {
      this.account.show();
      this.#learnModel();
    }
  }

  #enter() {
    this.account.hide();
    byId("who-name").textContent = this.#session.username;
    this.#who.hidden = false;
    this.#library.hidden = false;
    this.uploads.enabled = true;
    this.search.clear();
    this.search.focus();
    this.shelf.load();
    this.#learnModel();
  }

  #leave(sentence, kind = "problem") {
    this.uploads.enabled = false;
    this.uploads.clear();
    this.shelf.clear();
    this.search.clear();
    this.#who.hidden = true;
    this.#library.hidden = true;
    for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close("cancel");
    this.account.show(sentence, kind);
  }

  async #logOut() {
    let farewell = "You are logged out.";
    try {
      await this.api.logout();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.kind === "expired") return; // which has led to the log-in form already
      farewell = "You are logged out here. Glimpse couldn\u2019t be told, so the session ends there by itself within 12 hours.";
    }
    this.#session.end();
    this.#leave(farewell, "done");
    announce(farewell);
  }

  #chosen() {
    const chosen = this.shelf.chosenIds;
    byId("search-scope").textContent = chosen.length === 0 ? "Searching all folders."
      : `Searching ${chosen.map((id) => `\u201c${this.shelf.nameOf(id)}\u201d`).join(", ")}.`;
    this.search.suggest();
  }

  async #learnModel() {
    if (this.#modelKnown) return;
    try {
      this.#modelKnown = showModel((await this.api.health()).model);
      clearNotice(byId("start-problem"));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      showNotice(byId("start-problem"), error.message, { retry: error.retryable ? () => this.#learnModel() : null });
    }
  }
}

const config = await loadConfig().catch((error) => {
  showNotice(byId("start-problem"), error.message, { retry: () => location.reload() });
  return null;
});
if (config) new App(config).start();
