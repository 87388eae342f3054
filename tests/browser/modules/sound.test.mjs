// The sound parts of the page, without a browser.

import assert from "node:assert/strict";
import test from "node:test";

import { decodeBase64, encodeBase64, levelDbfs, toInt16, wavParts } from "../../../assistant/faces/web/page/pcm.js";
import { FIRST_BUFFER_MS, GROWTH_MS, Playout } from "../../../assistant/faces/web/page/playout.js";
import { Resampler } from "../../../assistant/faces/web/page/resample.js";

const RATE = 24_000;
const DEVICE = 48_000;

function tone(hz, rate, seconds, amplitude = 0.5) {
  return Float32Array.from({ length: Math.round(rate * seconds) }, (_, i) => amplitude * Math.sin((2 * Math.PI * hz * i) / rate));
}

const rms = (samples) => 10 ** (levelDbfs(samples) / 20);

/** `samples` pushed in blocks of 128, as a worklet gets them. */
function resampled(samples, from, to) {
  const resampler = new Resampler(from, to);
  const out = [];
  for (let at = 0; at < samples.length; at += 128) out.push(...resampler.push(samples.subarray(at, at + 128)));
  return Float32Array.from(out);
}

for (const [from, to] of [[48_000, 24_000], [44_100, 24_000], [96_000, 24_000], [16_000, 24_000], [24_000, 44_100]]) {
  test(`${from} Hz becomes ${to} Hz: as long, as loud, the same tone`, () => {
    const out = resampled(tone(1_000, from, 1), from, to);
    assert.ok(Math.abs(out.length - to) < 0.002 * to);
    const middle = out.subarray(to / 10, (9 * to) / 10);
    assert.ok(Math.abs(rms(middle) - 0.5 / Math.SQRT2) < 0.003);
    let crossings = 0;
    for (let i = 1; i < middle.length; i++) if (middle[i - 1] < 0 && middle[i] >= 0) crossings += 1;
    assert.ok(Math.abs(crossings - 800) <= 1);
  });
}

test("what the lower rate cannot hold is cut, not folded", () => {
  const out = resampled(tone(15_000, 48_000, 0.5), 48_000, 24_000);
  assert.ok(levelDbfs(out.subarray(1_000)) < -50);
});

test("a rate that is right already passes untouched", () => {
  const samples = tone(440, RATE, 0.1);
  assert.deepEqual(new Resampler(RATE, RATE).push(samples), samples);
});

test("base64 gives the samples back, and drops half a sample", () => {
  const samples = toInt16(tone(300, RATE, 2));
  assert.deepEqual(decodeBase64(encodeBase64(samples)), samples);
  assert.deepEqual(decodeBase64(btoa("\x01\x02\x03")), Int16Array.of(0x0201));
  assert.deepEqual(toInt16(Float32Array.of(1.5, -1.5, 0)), Int16Array.of(32_767, -32_768, 0));
});

test("a WAV file of both sides has them left and right", async () => {
  const bytes = await new Blob(wavParts([[Int16Array.of(1, 2)], [Int16Array.of(3, 4)]])).arrayBuffer();
  const view = new DataView(bytes);
  assert.equal(view.getUint16(22, true), 2);
  assert.equal(view.getUint32(24, true), RATE);
  assert.equal(view.getUint32(40, true), 8);
  assert.deepEqual([...new Int16Array(bytes, 44)], [1, 3, 2, 4]);
});

class Loudspeaker {
  constructor(rate = DEVICE) {
    this.events = [];
    this.playout = new Playout(rate, (event) => this.events.push(event));
    this.out = [];
  }

  /** Plays `ms`, in blocks of 128 samples. */
  play(ms) {
    for (let left = (ms / 1000) * this.playout.rate; left > 0; left -= 128) {
      const block = new Float32Array(128);
      this.playout.fill(block);
      this.out.push(...block);
    }
  }

  add(id, ms) {
    this.playout.add(id, toInt16(tone(200, RATE, ms / 1000)));
  }

  get types() {
    return this.events.map(({ type }) => type);
  }

  last(type) {
    return this.events.findLast((event) => event.type === type);
  }
}

test("a reply begins once 80 ms wait, and says when it has been played to its end", () => {
  const speaker = new Loudspeaker();
  speaker.add("a", FIRST_BUFFER_MS - 20);
  speaker.play(50);
  assert.deepEqual(speaker.types, []);
  speaker.add("a", 440);
  speaker.play(200);
  assert.deepEqual(speaker.types, ["started"]);
  const { played } = speaker.playout.position;
  assert.ok(Math.abs(played - 0.2 * RATE) < 0.01 * RATE);
  speaker.playout.end("a");
  speaker.play(400);
  assert.deepEqual(speaker.types, ["started", "ended"]);
  assert.ok(Math.abs(speaker.last("ended").played - 0.5 * RATE) < 20);
});

test("a short reply does not wait for a buffer that never fills", () => {
  const speaker = new Loudspeaker();
  speaker.add("a", 40);
  speaker.playout.end("a");
  speaker.play(100);
  assert.deepEqual(speaker.types, ["started", "ended"]);
});

test("a reply without sound has ended", () => {
  const speaker = new Loudspeaker();
  speaker.playout.end("a");
  assert.deepEqual(speaker.events, [{ type: "ended", id: "a", played: 0 }]);
});

test("running empty makes the buffer grow, and the reply goes on where it was", () => {
  const speaker = new Loudspeaker();
  speaker.add("a", 100);
  speaker.play(150);
  assert.deepEqual(speaker.types, ["started", "underrun"]);
  assert.equal(speaker.playout.bufferMs, FIRST_BUFFER_MS + GROWTH_MS);
  speaker.add("a", 100);
  speaker.playout.end("a");
  speaker.play(150);
  assert.ok(Math.abs(speaker.last("ended").played - 0.2 * RATE) < 20);
});

test("a pause is silence within 20 ms, forgets the rest, and goes on from a position", () => {
  const speaker = new Loudspeaker();
  speaker.add("a", 1_000);
  speaker.play(300);
  speaker.playout.stop("paused");
  speaker.play(25);
  const { type, why, played } = speaker.last("stopped");
  assert.deepEqual([type, why], ["stopped", "paused"]);
  assert.ok(Math.abs(played - 0.32 * RATE) < 0.01 * RATE);
  speaker.out = [];
  speaker.play(200);
  assert.equal(rms(Float32Array.from(speaker.out)), 10 ** (-96 / 20));
  speaker.playout.resume("a", 7_200);
  speaker.add("a", 500);
  speaker.play(100);
  assert.ok(Math.abs(speaker.playout.position.played - 7_200 - 0.1 * RATE) < 0.01 * RATE);
});

test("silence while nothing plays is told at once", () => {
  const speaker = new Loudspeaker();
  speaker.playout.stop("cleared");
  assert.deepEqual(speaker.events, [{ type: "stopped", why: "cleared", id: "", played: 0 }]);
});

test("the next reply follows the one before, each with its own position", () => {
  const speaker = new Loudspeaker();
  speaker.add("a", 200);
  speaker.playout.end("a");
  speaker.add("b", 200);
  speaker.playout.end("b");
  speaker.play(600);
  assert.deepEqual(speaker.events.map(({ type, id }) => [type, id]), [["started", "a"], ["ended", "a"], ["started", "b"], ["ended", "b"]]);
  assert.ok(Math.abs(speaker.last("ended").played - 0.2 * RATE) < 20);
});

test("no edge clicks: no step is larger than the tone's own", () => {
  const speaker = new Loudspeaker();
  speaker.add("a", 100);
  speaker.play(150); // to an underrun
  speaker.add("a", 400);
  speaker.play(200);
  speaker.playout.stop("cleared");
  speaker.play(50);
  let largest = 0;
  for (let i = 1; i < speaker.out.length; i++) largest = Math.max(largest, Math.abs(speaker.out[i] - speaker.out[i - 1]));
  assert.ok(largest < 1.2 * ((2 * Math.PI * 200 * 0.5) / DEVICE));
});
