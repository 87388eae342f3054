// What the page remembers: choices and ids of recordings in localStorage, the talk of this tab in sessionStorage. Both
// may be forbidden.

const KEY = "huiyin";

const DEFAULTS = {
  language: "", // of the page; "": the browser's
  theme: "", // "": the system's
  persona: "",
  voice: "",
  speech: "", // the talk's language; "": both
  turns: "voice", // voice, hold (push to talk), key (interrupted by key only), off
  input: "", // devices
  output: "",
};

function read(storage, key, fallback) {
  try {
    return JSON.parse(globalThis[storage].getItem(key)) ?? fallback;
  } catch {
    return fallback;
  }
}

function write(storage, key, value) {
  try {
    globalThis[storage].setItem(key, JSON.stringify(value));
  } catch {
    // private windows: it is then forgotten with the page
  }
}

class Choices extends EventTarget {
  #values = { ...DEFAULTS, ...read("localStorage", KEY, {}) };

  get(name) {
    return this.#values[name];
  }

  set(name, value) {
    if (this.#values[name] === value) return;
    this.#values[name] = value;
    write("localStorage", KEY, this.#values);
    this.dispatchEvent(new CustomEvent(name, { detail: value }));
  }
}

export const choices = new Choices();

/** Ids of the recordings that the server has for this browser; what they are stays there. */
export const rememberedJobs = () => read("localStorage", `${KEY}.jobs`, []);
export const rememberJobs = (ids) => write("localStorage", `${KEY}.jobs`, ids);

export const savedTalk = () => read("sessionStorage", `${KEY}.talk`, []);
export const saveTalk = (entries) => write("sessionStorage", `${KEY}.talk`, entries);
