// What the page must know before it can start: written beside index.html by whatever serves it.

/**
 * Read config.json: `{"apiUrl": "https://…", "demo": {"username": "…", "password": "…"}}`; `demo` may be missing.
 * Throws an Error with a sentence for people.
 */
export async function loadConfig() {
  let config;
  try {
    const response = await fetch("config.json", { cache: "no-store", credentials: "omit" });
    if (!response.ok) throw new Error(`it answered ${response.status}`);
    config = await response.json();
  } catch (error) {
    throw new Error(`This page can\u2019t find its settings: config.json beside index.html can\u2019t be read (${error.message}).`, { cause: error });
  }
  if (typeof config?.apiUrl !== "string" || config.apiUrl === "") {
    throw new Error("This page doesn\u2019t know its server: config.json has no \u201capiUrl\u201d.");
  }
  const { username, password } = config.demo ?? {};
  return {
    apiUrl: new URL(config.apiUrl, document.baseURI).href.replace(/\/+$/, ""),
    demo: typeof username === "string" && typeof password === "string" ? { username, password } : null,
  };
}
