// From a file dialog or a drop to the photographs that are meant, with their paths inside what was chosen.

const TYPES = new Map(Object.entries({
  jpg: "image/jpeg", jpeg: "image/jpeg", jpe: "image/jpeg", jfif: "image/jpeg", mpo: "image/jpeg", png: "image/png", apng: "image/apng",
  gif: "image/gif", webp: "image/webp", tif: "image/tiff", tiff: "image/tiff", dng: "image/tiff", bmp: "image/bmp", dib: "image/bmp",
  heic: "image/heic", heif: "image/heif", hif: "image/heif", avif: "image/avif",
}));

const UNKNOWN = "application/octet-stream";

/**
 * What a file declares itself to be, by its type or, where the system knows none, by its name; null for what isn't a picture. A file
 * without a suffix (or of WeChat's) may be one: its bytes are looked at where it is indexed.
 */
export function contentType({ name, type }) {
  if (type.startsWith("image/")) return type;
  const suffix = name.split(".").at(-1).toLowerCase();
  const isOpen = name !== "" && (suffix === "pic" || !name.includes(".")) && (type === "" || type === UNKNOWN);
  return TYPES.get(suffix) ?? (isOpen ? UNKNOWN : null);
}

/**
 * Sort out what was chosen: `{photographs: [{file, name, contentType}], leftOut, folderName}`. `name` is the path inside the
 * chosen directory, `folderName` that directory's name or an empty string.
 */
export function pick(found) {
  const roots = new Set(found.map(({ path }) => (path.includes("/") ? path.split("/", 1)[0] : "")));
  const root = roots.size === 1 ? [...roots][0] : "";
  const photographs = [];
  let leftOut = 0;
  for (const { file, path } of found) {
    if (file.name.startsWith(".")) continue; // a system's own notes (.DS_Store, ._photo.jpg), which nobody chose
    const type = contentType(file);
    if (type) photographs.push({ file, name: root ? path.slice(root.length + 1) : path, contentType: type });
    else leftOut += 1;
  }
  photographs.sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
  return { photographs, leftOut, folderName: root };
}

/** The files of an `<input type=file>`, of either kind. */
export function fromInput(input) {
  return [...input.files].map((file) => ({ file, path: file.webkitRelativePath || file.name }));
}

/** The files of a drop, those inside dropped directories included. */
export async function fromDrop(transfer) {
  // The list of items empties as soon as the event is over: take the entries before the first await.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (entries.length === 0) return [...transfer.files].map((file) => ({ file, path: file.name }));
  const found = [];
  for (const entry of entries) await walk(entry, found);
  return found;
}

async function walk(entry, found) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => { entry.file(resolve, reject); });
    found.push({ file, path: entry.fullPath.replace(/^\//, "") });
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    // A directory is read in portions (100 entries in Chromium); an empty one is the end.
    const portion = await new Promise((resolve, reject) => { reader.readEntries(resolve, reject); });
    if (portion.length === 0) return;
    for (const child of portion) await walk(child, found);
  }
}
