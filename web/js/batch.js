// One upload: photographs on their way into one folder, from asking for addresses until the last one is indexed.

import { ApiError } from "./api.js";
import { pause, transfer, TransferError } from "./transfer.js";

const FILES_A_REQUEST = 500; // what the API takes at once
const BYTES_A_REQUEST = 128e6; // addresses live minutes: ask for no more than can be sent in that time
const AT_ONCE = 4;
const NONE_USABLE = new Set([400, 413]); // what the API answers where it can take none of the files of a request
const POLL_MS = { first: 600, most: 4_000, growth: 1.4 };

/** Cut items into runs of at most so many files and bytes; a single larger file makes a run of its own. */
export function* chunks(items, most = { files: FILES_A_REQUEST, bytes: BYTES_A_REQUEST }) {
  let chunk = [];
  let bytes = 0;
  for (const item of items) {
    if (chunk.length > 0 && (chunk.length === most.files || bytes + item.file.size > most.bytes)) {
      yield chunk;
      chunk = [];
      bytes = 0;
    }
    chunk.push(item);
    bytes += item.file.size;
  }
  if (chunk.length > 0) yield chunk;
}

/**
 * The state of an item: `waiting` → `sending` → `sent` (its fate is the job's) → `unusable`, or `failed` (can be tried again).
 */
export class Batch {
  #api;
  #changed;
  #stop = new AbortController(); // of the sending
  #end = new AbortController(); // of the following of jobs too
  #jobs = new Map(); // id → {status, lost: its state can't be had, followed: somebody polls, abandoned: images that will never be sent}
  #sending = false;

  /** `changed(item)` is called whenever something is new; without an item when it concerns the whole. */
  constructor(api, folderName, photographs, changed) {
    this.#api = api;
    this.#changed = changed;
    this.folderName = folderName;
    this.folderId = null;
    this.trouble = null; // a sentence about the whole: addresses or states that can't be had
    this.items = photographs.map((photograph) => ({ ...photograph, state: "waiting", sentBytes: 0, reason: null, note: null, jobId: null, imageId: null, ticket: null, renewed: false }));
  }

  get totalBytes() {
    return this.items.reduce((sum, { file }) => sum + file.size, 0);
  }

  get sentBytes() {
    return this.items.reduce((sum, { sentBytes }) => sum + sentBytes, 0);
  }

  inState(...states) {
    return this.items.filter(({ state }) => states.includes(state));
  }

  /** How many have been looked at by the server, usable or not. */
  get processed() {
    return [...this.#jobs.values()].reduce((sum, { status }) => sum + (status?.processed_images ?? 0), 0);
  }

  /** Nothing moves any more: every item was sent and indexed, or has come to grief. */
  get settled() {
    return this.inState("waiting", "sending").length === 0 && [...this.#jobs.keys()].every((id) => this.#isSettled(id));
  }

  /** Send no more. What was sent is still followed, and the rest can be sent again. */
  stop() {
    this.#stop.abort(new DOMException("stopped", "AbortError"));
    if (!this.#sending) this.#giveUp("Stopped.");
  }

  /** Give up everything: nobody looks any more. */
  end() {
    this.#end.abort(new DOMException("ended", "AbortError"));
    this.stop();
  }

  /** Send what isn't sent, as a first try; one that was stopped before its turn stays so. */
  async send() {
    if (!this.#stop.signal.aborted) await this.#sendWaiting();
  }

  /** Send once more what did not get through. */
  async sendAgain() {
    if (this.#sending) return;
    this.#stop = new AbortController();
    for (const item of this.inState("failed")) this.#set(item, { state: "waiting", reason: null, renewed: false });
    await this.#sendWaiting();
  }

  /** Send everything that waits, and return once that is done; the jobs are followed beside it. */
  async #sendWaiting() {
    this.#sending = true;
    this.trouble = null;
    try {
      for (let [chunk] = this.#waiting(); chunk; [chunk] = this.#waiting()) {
        const unannounced = chunk.filter(({ ticket }) => !ticket);
        if (unannounced.length > 0) await this.#announce(unannounced);
        await this.#sendAll(chunk);
      }
    } catch (error) {
      const stopped = this.#stop.signal.aborted;
      if (!stopped && !(error instanceof ApiError)) throw error;
      this.#giveUp(stopped ? "Stopped." : error.message);
    } finally {
      this.#sending = false;
      this.#changed();
    }
  }

  #giveUp(trouble) {
    this.trouble = trouble;
    for (const item of this.inState("waiting", "sending")) this.#set(item, { state: "failed", reason: trouble, sentBytes: 0 });
    this.#changed();
  }

  #waiting() {
    return chunks(this.inState("waiting"));
  }

  /** Ask for the addresses of some items, and learn which the API refuses. */
  async #announce(items) {
    const files = items.map(({ file, contentType }) => ({ name: file.name.toWellFormed(), size: file.size, content_type: contentType }));
    let answer;
    try {
      answer = await this.#api.startUpload(this.folderName, files, this.#stop.signal);
    } catch (error) {
      if (!(error instanceof ApiError) || !NONE_USABLE.has(error.status)) throw error;
      for (const item of items) this.#set(item, { state: "unusable", reason: error.message });
      return;
    }
    const { job_id: jobId, folder_id: folderId, uploads, rejected } = answer;
    this.folderId = folderId;
    for (const { index, image_id: imageId, url, fields } of uploads) Object.assign(items[index], { imageId, jobId, ticket: { url, fields } });
    for (const { index, image_id: imageId, reason } of rejected) this.#set(items[index], { imageId, jobId, state: "unusable", reason });
    this.#jobs.set(jobId, { status: null, lost: false, followed: false, abandoned: 0 });
    this.#follow(jobId);
  }

  async #sendAll(items) {
    const queue = items.filter(({ state, ticket }) => state === "waiting" && ticket);
    const lane = async () => {
      for (let item = queue.shift(); item; item = queue.shift()) await this.#sendOne(item);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, lane));
  }

  async #sendOne(item) {
    this.#set(item, { state: "sending" });
    const onProgress = (sentBytes) => this.#set(item, { sentBytes });
    try {
      await transfer(item.ticket, item.file, { onProgress, signal: this.#stop.signal });
      this.#set(item, { state: "sent", sentBytes: item.file.size });
      this.#follow(item.jobId);
    } catch (error) {
      if (!(error instanceof TransferError)) throw error;
      this.#set(item, { state: "failed", reason: error.message, sentBytes: 0 });
      if (error.kind === "stale") this.#renew(item);
    }
  }

  /** The address came to its end before the file did: leave that job, and get into a new one, by itself once. */
  #renew(item) {
    this.#jobs.get(item.jobId).abandoned += 1;
    this.#set(item, { ticket: null, jobId: null, imageId: null, ...(item.renewed ? {} : { state: "waiting", reason: null, renewed: true }) });
  }

  /** Watch a job until every image of it that was sent is processed. */
  async #follow(id) {
    const job = this.#jobs.get(id);
    if (job.followed) return;
    job.followed = true;
    for (let wait = POLL_MS.first; !this.#isSettled(id); ) {
      try {
        await pause(wait, this.#end.signal);
        const status = await this.#api.jobStatus(id, this.#end.signal);
        wait = status.processed_images > (job.status?.processed_images ?? 0) ? POLL_MS.first : Math.min(wait * POLL_MS.growth, POLL_MS.most);
        this.#learn(job, status);
      } catch (error) {
        if (this.#end.signal.aborted) return;
        if (!(error instanceof ApiError)) throw error;
        job.lost = !error.retryable; // otherwise the next round asks again
        wait = POLL_MS.most;
        this.trouble = error.message;
      }
      this.#changed();
    }
    job.followed = false;
  }

  #learn(job, status) {
    job.status = status;
    this.trouble = null;
    const failures = new Map((status.failed_images ?? []).map((failure) => [failure.image_id, failure.reason]));
    const notes = new Map((status.noted_images ?? []).map(({ image_id: id, note }) => [id, note]));
    for (const item of this.items) {
      const reason = failures.get(item.imageId);
      if (reason && item.state !== "unusable") this.#set(item, { state: "unusable", reason });
      const note = notes.get(item.imageId);
      if (note && item.note !== note) this.#set(item, { note });
    }
  }

  #isSettled(id) {
    const { status, lost, abandoned } = this.#jobs.get(id);
    if (lost || this.#end.signal.aborted) return true;
    const own = this.items.filter(({ jobId }) => jobId === id);
    if (!status || own.some(({ state }) => state === "waiting" || state === "sending")) return false;
    const missing = abandoned + own.filter(({ state }) => state === "failed").length;
    return status.status === "FAILED" || status.processed_images >= status.total_images - missing;
  }

  #set(item, change) {
    Object.assign(item, change);
    this.#changed(item);
  }
}
