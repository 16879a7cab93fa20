// The one place that speaks to the API. Everything that goes wrong leaves it as an ApiError with a sentence for people.

const TIMEOUT_MS = 40_000; // the gateway gives up after 30 s

/** Why a request failed: `offline` and `busy` may pass by themselves, `expired` needs a log-in, `refused` needs another input. */
export class ApiError extends Error {
  constructor(kind, message, status = 0) {
    super(message);
    this.name = "ApiError";
    this.kind = kind;
    this.status = status;
  }

  get retryable() {
    return this.kind === "offline" || this.kind === "busy";
  }
}

const UNREACHABLE = "Glimpse can\u2019t be reached. Check your connection.";
const EXPIRED = "Your session has ended. Please log in again.";

export class Api {
  #base;
  #session;
  #onExpired;

  /** `onExpired(sentence)` is called once the server no longer knows the session's token. */
  constructor(base, session, onExpired) {
    this.#base = base;
    this.#session = session;
    this.#onExpired = onExpired;
  }

  health = () => this.#request("GET", "/health", { anonymous: true });
  register = (username, password) => this.#request("POST", "/api/users/register", { body: { username, password }, anonymous: true });
  login = (username, password) => this.#request("POST", "/api/users/login", { body: { username, password }, anonymous: true });
  logout = () => this.#request("POST", "/api/users/logout", { body: {} });
  folders = () => this.#request("GET", "/api/folders");
  deleteFolder = (id) => this.#request("DELETE", "/api/folders", { body: { folder_ids: [id] } });
  startUpload = (folderName, files, signal) => this.#request("POST", "/api/uploads", { body: { folderName, files }, signal });
  jobStatus = (id, signal) => this.#request("GET", `/api/images/job-status/${encodeURIComponent(id)}`, { signal });

  warm = (folderIds) => this.#request("POST", "/api/search/warm", { body: folderIds.length > 0 ? { folder_ids: folderIds } : {} });

  /** `like`: an image to find more of, {image_id, folder_id}; `picture`: one in base64; `from`, `until`: ISO 8601. */
  search({ query, like, picture, from, until, folderIds, topK, next, signal }) {
    const filters = Object.fromEntries(Object.entries({ taken_from: from, taken_until: until }).filter(([, value]) => value));
    if (picture || next) { // which may be longer than an address
      const parts = picture ? [{ image: picture }] : like ? [{ image_id: like.image_id, folder_id: like.folder_id }] : [];
      const asked = { ...(parts.length > 0 ? { parts } : { query }), ...(next ? { next } : {}) };
      const body = { ...asked, top_k: topK, ...filters, ...(folderIds.length > 0 ? { folder_ids: folderIds } : {}) };
      return this.#request("POST", "/api/images/search", { body, signal });
    }
    const parameters = { ...(like ?? { query }), top_k: topK, ...filters };
    if (folderIds.length > 0) parameters.folder_ids = folderIds.join(",");
    return this.#request("GET", "/api/images/search", { parameters, signal });
  }

  async #request(method, path, { body, parameters, signal, anonymous = false } = {}) {
    const url = new URL(this.#base + path);
    for (const [name, value] of Object.entries(parameters ?? {})) url.searchParams.set(name, value);
    const headers = new Headers({ Accept: "application/json" });
    const token = anonymous ? null : this.#session.token;
    if (token) headers.set("Authorization", `Bearer ${token}`);
    if (body !== undefined) headers.set("Content-Type", "application/json");
    const deadline = AbortSignal.timeout(TIMEOUT_MS);
    let response;
    let answer;
    try {
      response = await fetch(url, {
        method, headers, body: body === undefined ? undefined : JSON.stringify(body),
        signal: signal ? AbortSignal.any([signal, deadline]) : deadline, cache: "no-store", credentials: "omit",
      });
      answer = await response.json().catch((error) => {
        if (error instanceof SyntaxError) return null; // a gateway's own page, not JSON: the status says enough
        throw error;
      });
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new ApiError("offline", deadline.aborted ? "Glimpse took too long to answer." : UNREACHABLE);
    }
    if (response.ok && answer !== null) return answer;
    if (response.status === 401 && !anonymous) return this.#expire(token);
    throw failure(response.status, answer);
  }

  #expire(token) {
    // An answer that comes late, after another log-in, says nothing about the session of now.
    if (token === this.#session.token) {
      this.#session.end();
      this.#onExpired(EXPIRED);
    }
    throw new ApiError("expired", EXPIRED, 401);
  }
}

function failure(status, answer) {
  if (status >= 500 || status === 429 || status < 400) {
    return new ApiError("busy", `Glimpse had a problem and could not answer (${status}). It may pass: try again in a moment.`, status);
  }
  return new ApiError("refused", sentence(answer?.detail ?? answer?.message) ?? `Glimpse refused this (${status}).`, status);
}

/** `detail` is a sentence, or FastAPI's list of what is wrong with which field. */
function sentence(detail) {
  if (typeof detail === "string" && detail !== "") return detail;
  if (!Array.isArray(detail) || detail.length === 0) return null;
  return detail.map(({ loc = [], msg = "is not valid" }) => `${loc.at(-1) ?? "input"}: ${msg}`).join("; ");
}
