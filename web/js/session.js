// The session token of this tab. sessionStorage forgets it with the tab; it never stands in an address.

const KEY = "glimpse.session";

function stored() {
  try {
    const value = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
    return typeof value?.token === "string" ? value : null;
  } catch {
    return null; // storage is switched off, or holds something else: then there is no session
  }
}

export class Session {
  #current = stored();

  get token() {
    return this.#current?.token ?? null;
  }

  get username() {
    return this.#current?.username ?? "";
  }

  begin({ token, username }) {
    this.#current = { token, username };
    try {
      sessionStorage.setItem(KEY, JSON.stringify(this.#current));
    } catch {
      // Without storage the session lasts as long as the page, which is all that is lost.
    }
  }

  end() {
    this.#current = null;
    try {
      sessionStorage.removeItem(KEY);
    } catch {
      // Nothing was stored, so nothing is left behind.
    }
  }
}
