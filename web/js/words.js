// Small words of the page: counts, sizes, similarity.

const NUMBERS = new Intl.NumberFormat("en");

/** `1 photograph`, `1,204 photographs`. */
export function count(n, singular, plural = `${singular}s`) {
  return `${NUMBERS.format(n)} ${n === 1 ? singular : plural}`;
}

/** A size in decimal units, as file managers show it. */
export function size(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 99.5 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** A cosine with two decimals and a true minus sign. */
export function similarity(cosine) {
  return cosine.toFixed(2).replace("-", "\u2212");
}
