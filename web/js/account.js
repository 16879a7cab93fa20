// Logging in and creating an account: one form with two moods.

import { ApiError } from "./api.js";
import { byId, clearNotice, showNotice } from "./dom.js";

const MOODS = {
  login: {
    title: "Log in", submit: "Log in", question: "New here?", other: "Create an account", password: "current-password",
  },
  register: {
    title: "Create an account", submit: "Create account", question: "Been here before?", other: "Log in", password: "new-password",
  },
};

export class AccountView {
  #api;
  #demo;
  #onLogin;
  #mood = "login";
  #root = byId("account");
  #form = byId("account-form");
  #notice = byId("account-notice");
  #username = byId("username");
  #password = byId("password");

  /** `onLogin({token, username})` is called when a session has begun. */
  constructor(api, demo, onLogin) {
    this.#api = api;
    this.#demo = demo;
    this.#onLogin = onLogin;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit(this.#username.value, this.#password.value, this.#mood);
    });
    byId("switch-mode").addEventListener("click", () => {
      this.#setMood(this.#mood === "login" ? "register" : "login");
      this.#username.focus();
    });
    byId("use-demo").addEventListener("click", () => this.#submit(demo.username, demo.password, "login"));
  }

  /** Show the form; with a sentence where something ended that the person didn't end. */
  show(sentence = null, kind = "problem") {
    this.#setMood("login");
    this.#root.hidden = false;
    if (sentence) showNotice(this.#notice, sentence, { kind });
    this.#username.focus();
  }

  hide() {
    this.#root.hidden = true;
    this.#password.value = "";
  }

  #setMood(mood) {
    this.#mood = mood;
    const words = MOODS[mood];
    const registering = mood === "register";
    clearNotice(this.#notice);
    byId("account-title").textContent = words.title;
    byId("account-submit").textContent = words.submit;
    byId("switch-question").textContent = words.question;
    byId("switch-mode").textContent = words.other;
    byId("use-demo").hidden = registering || !this.#demo;
    this.#password.autocomplete = words.password;
    // A new name and password have a least length; to log in, whatever was once accepted is asked for.
    for (const [input, least] of [[this.#username, 3], [this.#password, 6]]) {
      const hint = byId(`${input.id}-hint`);
      hint.hidden = !registering;
      if (registering) {
        input.minLength = least;
        input.setAttribute("aria-describedby", hint.id);
      } else {
        input.removeAttribute("minlength");
        input.removeAttribute("aria-describedby");
      }
    }
  }

  async #submit(username, password, mood) {
    if (this.#form.ariaBusy === "true") return;
    clearNotice(this.#notice);
    this.#form.ariaBusy = "true"; // not `disabled`, which would take the focus from the button that was pressed
    try {
      if (mood === "register") await this.#api.register(username, password);
      mood = "login"; // the account exists now: should the log-in fail, only that is tried again
      const { token, username: name } = await this.#api.login(username, password);
      this.#onLogin({ token, username: name ?? username });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const retry = error.retryable ? () => this.#submit(username, password, mood) : null;
      showNotice(this.#notice, error.message, { retry });
      if (!retry) this.#password.select();
    } finally {
      this.#form.ariaBusy = "false";
    }
  }
}
