// A client of the Realtime protocol (GA) with Huiyin's extensions. No DOM: it runs in node, too (the tests do).
//
// It keeps one session up: after a lost connection it tries again, ever more slowly, and gives the new session what was
// said so far. Sound that is spoken before the session is ready waits here, so that no first word is lost.
//
// Events: "status" {status, in_ms?}: connecting, ready, lost, closed; "server" with each event of the server.

import { encodeBase64, RATE_HZ } from "./pcm.js";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 8_000;
const MOST_WAITING_S = 10; // of sound, before the session is ready
const OPEN = 1;
const TOO_MUCH_UNSENT_BYTES = 2 ** 20; // 16 s of sound: the network is gone, though the socket does not know it

/** The address of the WebSocket at `path`, beside the page at `location`. */
export function socketUrl(location, path) {
  return `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}${path}`;
}

export class RealtimeClient extends EventTarget {
  #socket = null;
  #ready = false;
  #closed = true;
  #waiting = [];
  #tries = 0;
  #timer = 0;
  #appended = 0; // samples, in this session

  /** `url()`: of the WebSocket; `session()`: what session.update asks for; `history()`: what was said before it, as items. */
  constructor({ url, session, history = () => [], Socket = globalThis.WebSocket, timer = globalThis }) {
    super();
    Object.assign(this, { url, session, history, Socket, timer });
  }

  connect() {
    this.#closed = false;
    this.#open();
  }

  close() {
    this.#closed = true;
    this.#ready = false;
    this.#waiting = [];
    this.#tries = 0;
    this.timer.clearTimeout(this.#timer);
    this.#socket?.close(1000);
    this.#socket = null;
    this.#tell("status", { status: "closed" });
  }

  get ready() {
    return this.#ready;
  }

  /** All sound of this session so far, ms: the clock of `audio_start_ms` and `audio_end_ms`. */
  get appendedMs() {
    return (1000 * this.#appended) / RATE_HZ;
  }

  /** Sends an event if the session is ready; whether it was sent. */
  send(type, fields = {}) {
    if (!this.#ready) return false;
    this.#write({ type, ...fields });
    return true;
  }

  /** 16-bit samples at 24 kHz; before the session is ready the last ten seconds wait. */
  sendSound(samples) {
    if (this.#closed) return;
    if (this.#ready) {
      this.#write({ type: "input_audio_buffer.append", audio: encodeBase64(samples) });
      this.#appended += samples.length;
      if (this.#socket.bufferedAmount > TOO_MUCH_UNSENT_BYTES) this.#lost();
      return;
    }
    this.#waiting.push(samples);
    let most = MOST_WAITING_S * RATE_HZ;
    this.#waiting = this.#waiting.reverse().filter((block) => (most -= block.length) >= 0).reverse();
  }

  /** Asks for the session as `session()` says now. */
  update() {
    return this.send("session.update", { session: this.session() });
  }

  /** Try now, without waiting: the network is back. */
  hurry() {
    if (this.#closed || this.#socket) return;
    this.timer.clearTimeout(this.#timer);
    this.#open();
  }

  #open() {
    this.#tell("status", { status: "connecting" });
    const socket = new this.Socket(this.url(), ["realtime"]);
    this.#socket = socket;
    socket.onmessage = ({ data }) => { if (socket === this.#socket) this.#received(JSON.parse(data)); };
    socket.onclose = () => { if (socket === this.#socket) this.#lost(); };
    socket.onerror = () => {}; // "close" follows
  }

  #received(event) {
    if (event.type === "session.created") this.#write({ type: "session.update", session: this.session() });
    if (event.type === "session.updated" && !this.#ready) this.#begin();
    this.#tell("server", event);
  }

  #begin() {
    this.#ready = true;
    for (const item of this.history()) this.#write({ type: "conversation.item.create", item });
    this.#tries = 0;
    this.#appended = 0;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const samples of waiting) this.sendSound(samples);
    this.#tell("status", { status: "ready" });
  }

  #lost() {
    const socket = this.#socket;
    this.#socket = null;
    this.#ready = false;
    if (socket?.readyState === OPEN) socket.close();
    if (this.#closed) return;
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#tries);
    this.#tries += 1;
    this.#timer = this.timer.setTimeout(() => this.#open(), wait);
    this.#tell("status", { status: "lost", in_ms: wait });
  }

  #write(event) {
    if (this.#socket?.readyState === OPEN) this.#socket.send(JSON.stringify(event));
  }

  #tell(type, detail) {
    const event = new Event(type);
    event.detail = detail; // node 18 has no CustomEvent
    this.dispatchEvent(event);
  }
}
