// Sending one file straight to the bucket, by a presigned POST.

const STALLED_MS = 60_000;
const ATTEMPTS = 3;
const PAUSE_MS = 1_000;

/** Why a file didn't arrive: `passing` may work when tried again, `stale` needs a new address, `final` is the bucket's refusal. */
export class TransferError extends Error {
  constructor(kind, message) {
    super(message);
    this.name = "TransferError";
    this.kind = kind;
  }
}

/** Send a file, again by itself where the trouble may pass. `onProgress(sentBytes)` also tells of a start from zero. */
export async function transfer(ticket, file, { onProgress, signal }) {
  for (let attempt = 1; ; attempt += 1) {
    onProgress(0);
    try {
      return await post(ticket, file, { onProgress, signal });
    } catch (error) {
      if (!(error instanceof TransferError) || error.kind !== "passing" || attempt === ATTEMPTS) throw error;
      await pause(PAUSE_MS * 2 ** (attempt - 1), signal);
    }
  }
}

/** Wait, or throw the signal's reason as soon as it is raised. */
export function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const stop = () => { clearTimeout(timer); reject(signal.reason); };
    const timer = setTimeout(() => { signal.removeEventListener("abort", stop); resolve(); }, ms);
    signal.addEventListener("abort", stop, { once: true });
  });
}

/** XMLHttpRequest, since fetch doesn't tell how much of a body has been sent. */
function post({ url, fields }, file, { onProgress, signal }) {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    form.append("file", file); // last: S3 ignores the fields after it
    const request = new XMLHttpRequest();
    let watchdog = null;
    const alive = () => {
      clearTimeout(watchdog);
      watchdog = setTimeout(() => { fail("passing", "The connection stalled."); request.abort(); }, STALLED_MS);
    };
    const stop = () => { settle(() => reject(signal.reason)); request.abort(); };
    const settle = (outcome) => {
      clearTimeout(watchdog);
      signal.removeEventListener("abort", stop);
      outcome();
    };
    const fail = (kind, message) => settle(() => reject(new TransferError(kind, message)));
    signal.addEventListener("abort", stop, { once: true });
    request.upload.addEventListener("progress", (event) => {
      alive();
      onProgress(event.total > 0 ? (event.loaded / event.total) * file.size : 0);
    });
    request.addEventListener("error", () => fail("passing", "The connection broke off, or the file can\u2019t be read."));
    request.addEventListener("load", () => {
      const { status } = request;
      if (status >= 200 && status < 300) settle(resolve);
      else if (status === 403) fail("stale", "The permission to send it has run out.");
      else if (status >= 500 || status === 429) fail("passing", `The storage had a problem (${status}).`);
      else fail("final", refusal(status, request.responseText));
    });
    request.open("POST", url);
    alive();
    request.send(form);
  });
}

function refusal(status, body) {
  const code = /<Code>(\w+)<\/Code>/.exec(body)?.[1];
  if (code === "EntityTooLarge") return "The file is larger than was announced.";
  if (code === "EntityTooSmall") return "The file is smaller than was announced.";
  return `The storage refused it (${code ?? status}).`;
}
