// Both sides of a talk as they sounded here, in step: packets of 20 ms from the capture worklet. No DOM.

import { PACKET_MS, wavParts } from "./pcm.js";

const MOST_S = 30 * 60; // 173 MB; older sound is forgotten
const MOST_PACKETS = (MOST_S * 1000) / PACKET_MS;

export class Recording {
  #user = [];
  #assistant = [];

  add({ samples, played }) {
    this.#user.push(samples);
    this.#assistant.push(played);
    if (this.#user.length > MOST_PACKETS * 1.1) { // now and then: shifting one at a time would move them all
      this.#user = this.#user.slice(-MOST_PACKETS);
      this.#assistant = this.#assistant.slice(-MOST_PACKETS);
    }
  }

  clear() {
    this.#user = [];
    this.#assistant = [];
  }

  get empty() {
    return !this.#user.length;
  }

  /** Parts of a WAV file: the user left, the assistant right. */
  wav() {
    return wavParts([this.#user, this.#assistant]);
  }
}
