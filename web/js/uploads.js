// Adding photographs: choosing or dropping them, naming the folder, and the cards of the uploads under way.

import { Batch } from "./batch.js";
import { announce, byId } from "./dom.js";
import { fromDrop, fromInput, pick } from "./picking.js";
import { UploadCard } from "./upload-card.js";
import { count, size } from "./words.js";

export class Uploads {
  #api;
  #shelf;
  #onShow;
  #uploads = new Map(); // Batch → UploadCard
  #turn = Promise.resolve(); // uploads go one after the other
  #panel = byId("uploads");
  #dialog = byId("add-dialog");
  #folderName = byId("folder-name");
  #picked = null;
  enabled = false;

  /** `onShow(folderId)`: the person wants to search what was uploaded. */
  constructor(api, shelf, onShow) {
    this.#api = api;
    this.#shelf = shelf;
    this.#onShow = onShow;
    for (const [button, input] of [["choose-files", "files-input"], ["choose-folder", "folder-input"]]) {
      byId(button).addEventListener("click", () => byId(input).click());
      byId(input).addEventListener("change", (event) => {
        this.#ask(pick(fromInput(event.target)));
        event.target.value = ""; // so that choosing the same again is a change again
      });
    }
    byId("add-cancel").addEventListener("click", () => this.#dialog.close("cancel"));
    // Not on submit: closing gives the focus back to where it was, and only then may it move on to the upload.
    this.#dialog.addEventListener("close", () => {
      if (this.#dialog.returnValue === "add") this.#add(this.#folderName.value.trim());
    });
    this.#folderName.addEventListener("input", () => this.#checkName());
    this.#acceptDrops();
    addEventListener("beforeunload", (event) => {
      if ([...this.#uploads.keys()].some((batch) => batch.inState("waiting", "sending").length > 0)) event.preventDefault();
    });
  }

  /** Give up everything: the session is over. */
  clear() {
    for (const [batch, card] of this.#uploads) {
      batch.end();
      card.remove();
    }
    this.#uploads.clear();
  }

  #acceptDrops() {
    const veil = byId("drop-veil");
    const wanted = (event) => this.enabled && !this.#dialog.open && event.dataTransfer?.types.includes("Files");
    addEventListener("dragover", (event) => {
      if (!wanted(event)) return;
      event.preventDefault(); // says that a drop is welcome here
      event.dataTransfer.dropEffect = "copy";
      veil.hidden = false;
    });
    addEventListener("dragleave", (event) => { if (!event.relatedTarget) veil.hidden = true; });
    addEventListener("drop", async (event) => {
      veil.hidden = true;
      if (!wanted(event)) return;
      event.preventDefault();
      let found;
      try {
        found = await fromDrop(event.dataTransfer);
      } catch (error) {
        this.#ask({ photographs: [], leftOut: 0, folderName: "" }, `What was dropped can\u2019t be read: ${error.message}`);
        return;
      }
      this.#ask(pick(found));
    });
  }

  /** Ask for the folder, which is also the moment to see what was chosen before anything is sent. */
  #ask(picked, problem = null) {
    const { photographs, leftOut, folderName } = picked;
    const none = photographs.length === 0;
    const bytes = photographs.reduce((sum, { file }) => sum + file.size, 0);
    this.#picked = picked;
    byId("add-dialog-title").textContent = none ? "Nothing to add" : `Add ${count(photographs.length, "photograph")} (${size(bytes)})`;
    const remark = byId("add-dialog-left-out");
    remark.hidden = leftOut === 0 && !none;
    remark.textContent = problem ?? (none ? "There is no photograph among what was chosen."
      : `${count(leftOut, "other file")} ${leftOut === 1 ? "is no photograph and stays" : "are no photographs and stay"} out.`);
    byId("add-form").classList.toggle("none", none);
    this.#folderName.disabled = none;
    const [only] = this.#shelf.chosenIds;
    this.#folderName.value = folderName || (this.#shelf.chosenIds.length === 1 ? this.#shelf.nameOf(only) : "") || "My photographs";
    this.#checkName();
    byId("folder-names").replaceChildren(...this.#shelf.folders.filter(({ is_owner: own }) => own !== false).map(({ folder_name: name }) => new Option(name, name)));
    this.#dialog.returnValue = "";
    this.#dialog.showModal();
    this.#folderName.select();
  }

  #checkName() {
    this.#folderName.setCustomValidity(this.#folderName.value.trim() === "" ? "A folder needs a name." : "");
  }

  #add(folderName) {
    const { photographs } = this.#picked;
    const batch = new Batch(this.#api, folderName, photographs, (item) => this.#changed(batch, card, item));
    const card = new UploadCard(batch, {
      show: (folderId) => this.#onShow(folderId),
      dismiss: () => { this.#uploads.delete(batch); card.remove(); byId("choose-files").focus(); },
    });
    this.#uploads.set(batch, card);
    this.#panel.prepend(card.element);
    card.focus();
    announce(`Sending ${count(photographs.length, "photograph")} to ${folderName}.`);
    this.#turn = this.#turn.then(() => batch.send()).catch(reportError); // one that breaks must not hold up the next
  }

  #changed(batch, card, item) {
    card.changed(item);
    if (item) return;
    const known = this.#shelf.folders.some(({ id }) => id === batch.folderId);
    if ((batch.folderId !== null && !known) || batch.settled) this.#shelf.load();
  }
}
