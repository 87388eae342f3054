// What the playback worklet does, without Web Audio: a jitter buffer that counts what was really played.
//
// Sound comes in bursts. A reply begins once 80 ms of it wait; where the buffer runs empty it waits for 5 ms more than
// the last time before it goes on. Every edge is faded: no clicks.

import { RATE_HZ, toFloat } from "./pcm.js";
import { Resampler } from "./resample.js";

export const FIRST_BUFFER_MS = 80;
export const GROWTH_MS = 5;
export const MOST_BUFFER_MS = 160;
export const FADE_MS = 20;

const PIECE = 240; // samples resampled at a time: 10 ms

export class Playout {
  /** `rate`: of the device. `tell`: called with {type: "started" | "stopped" | "ended" | "underrun", id, played}. */
  constructor(rate, tell = () => {}) {
    this.rate = rate;
    this.tell = tell;
    this.bufferMs = FIRST_BUFFER_MS;
    this.underruns = 0;
    this.fade = Math.round((FADE_MS / 1000) * rate);
    this.resampler = new Resampler(RATE_HZ, rate);
    this.current = null; // {id, played}: the reply whose turn it is, and its 24 kHz samples that were played
    this.#forget();
  }

  #forget() {
    this.blocks = []; // {id, samples, at}: 24 kHz, from `at` on not yet resampled
    this.finals = new Set(); // ids whose last sound has been queued
    this.ready = []; // {id, out, at, source}: at the device's rate; `source`: 24 kHz samples of each piece
    this.resampler.reset(); // a new one would compute its kernels, in the thread that plays
    this.playing = false;
    this.gain = 0;
    this.stopping = "";
  }

  /** 16-bit samples of reply `id`, which follow what was queued. */
  add(id, samples) {
    if (this.stopping) this.#stop();
    if (samples.length) this.blocks.push({ id, samples, at: 0 });
    this.current ??= { id, played: 0 };
  }

  /** No sound of `id` follows. */
  end(id) {
    this.finals.add(id);
    if (!this.blocks.some((block) => block.id === id) && this.current?.id !== id) this.tell({ type: "ended", id, played: 0 });
    else if (!this.queued && !this.stopping) this.#ended();
  }

  /** Goes silent within 20 ms and forgets the rest. `why`: "paused" or "cleared". */
  stop(why) {
    if (this.stopping) return;
    this.stopping = why;
    if (!this.playing || !this.gain) this.#stop();
  }

  /** Sound of `id` comes again, from its sample `played` on. */
  resume(id, played) {
    if (this.stopping) this.#stop();
    this.#forget();
    this.current = { id, played };
  }

  /** 24 kHz samples that wait, all replies together. */
  get queued() {
    const raw = this.blocks.reduce((sum, block) => sum + block.samples.length - block.at, 0);
    return raw + this.ready.reduce((sum, piece) => sum + piece.source * (1 - piece.at / piece.out.length), 0);
  }

  get position() {
    return this.current ? { id: this.current.id, played: Math.round(this.current.played) } : null;
  }

  /** Fills `out`, samples at the device's rate. */
  fill(out) {
    out.fill(0);
    if (!this.playing && !this.#begin()) return;
    for (let i = 0; i < out.length; i++) {
      const piece = this.#piece();
      if (!piece) {
        this.#ranOut();
        return;
      }
      this.#nowPlaying(piece.id);
      const down = this.stopping || this.#isLast();
      this.gain = Math.max(0, Math.min(1, this.gain + (down ? -1 : 1) / this.fade));
      if (this.stopping && !this.gain) {
        this.#stop();
        return;
      }
      out[i] = piece.out[piece.at++] * this.gain;
      this.current.played += piece.source / piece.out.length;
    }
  }

  #begin() {
    if (!this.current || this.stopping) return false;
    const enough = this.queued >= (this.bufferMs / 1000) * RATE_HZ;
    const all = this.queued > 0 && this.blocks.length > 0 && this.finals.has(this.blocks[this.blocks.length - 1].id);
    if (!enough && !all) return false;
    this.playing = true;
    this.gain = 0;
    this.tell({ type: "started", ...this.position });
    return true;
  }

  /** Whether these are the last 20 ms that there are: they are faded out, so that running out makes no click. */
  #isLast() {
    if (this.blocks.length) return false;
    return this.ready.reduce((sum, piece) => sum + piece.out.length - piece.at, 0) < this.fade;
  }

  #piece() {
    while (this.ready.length && this.ready[0].at >= this.ready[0].out.length) this.ready.shift();
    while (this.blocks.length && this.ready.length < 3) {
      const block = this.blocks[0];
      const samples = block.samples.subarray(block.at, block.at + PIECE);
      block.at += samples.length;
      if (block.at >= block.samples.length) this.blocks.shift();
      const out = this.resampler.push(toFloat(samples));
      if (out.length) this.ready.push({ id: block.id, out, at: 0, source: samples.length });
    }
    return this.ready[0];
  }

  #nowPlaying(id) {
    if (this.current.id === id) return;
    this.#ended();
    this.current = { id, played: 0 };
    this.playing = true;
    this.tell({ type: "started", ...this.position });
  }

  #ranOut() {
    this.playing = false;
    if (this.stopping) this.#stop();
    else if (this.finals.has(this.current.id)) this.#ended();
    else {
      this.underruns += 1;
      this.bufferMs = Math.min(MOST_BUFFER_MS, this.bufferMs + GROWTH_MS);
      this.tell({ type: "underrun", ...this.position });
    }
  }

  #ended() {
    if (!this.current || !this.finals.delete(this.current.id)) return;
    this.tell({ type: "ended", ...this.position });
    this.current = null;
    this.playing = false;
  }

  #stop() {
    const why = this.stopping;
    const position = this.position ?? { id: "", played: 0 };
    this.#forget();
    this.current = null;
    this.tell({ type: "stopped", why, ...position });
  }
}
