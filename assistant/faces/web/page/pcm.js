// 16-bit mono sound as bytes, as base64 text, and as a WAV file. No DOM.

export const RATE_HZ = 24_000; // of all sound on the wire and of what is recorded
export const PACKET_MS = 20;
export const SILENT_DBFS = -96;

const FULL_SCALE = 32_768;
const CHUNK = 0x8000; // characters a call: String.fromCharCode takes its arguments from the stack

/** Float samples in -1..1 as 16-bit ones; what is louder is cut. */
export function toInt16(samples) {
  const out = new Int16Array(samples.length);
  for (let i = 0; i < samples.length; i++) {
    out[i] = Math.max(-FULL_SCALE, Math.min(FULL_SCALE - 1, Math.round(samples[i] * FULL_SCALE)));
  }
  return out;
}

/** 16-bit samples as float ones in -1..1. */
export function toFloat(samples) {
  const out = new Float32Array(samples.length);
  for (let i = 0; i < samples.length; i++) out[i] = samples[i] / FULL_SCALE;
  return out;
}

export function encodeBase64(samples) {
  const bytes = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
  let text = "";
  for (let i = 0; i < bytes.length; i += CHUNK) text += String.fromCharCode(...bytes.subarray(i, i + CHUNK));
  return btoa(text);
}

/** Samples of base64 text; half a sample at its end is dropped. */
export function decodeBase64(text) {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length & ~1);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return new Int16Array(bytes.buffer);
}

/** Root mean square of float samples, dBFS. */
export function levelDbfs(samples) {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const mean = samples.length ? sum / samples.length : 0;
  return mean > 0 ? Math.max(SILENT_DBFS, 10 * Math.log10(mean)) : SILENT_DBFS;
}

/** A WAV file as parts for a Blob: `channels` are lists of Int16Array blocks, of the same length in all. */
export function wavParts(channels, rate = RATE_HZ) {
  const count = channels.length;
  const frames = channels[0].reduce((sum, block) => sum + block.length, 0);
  const header = new DataView(new ArrayBuffer(44));
  const ascii = (at, text) => [...text].forEach((letter, i) => header.setUint8(at + i, letter.charCodeAt(0)));
  const size = frames * count * 2;
  ascii(0, "RIFF");
  header.setUint32(4, 36 + size, true);
  ascii(8, "WAVEfmt ");
  header.setUint32(16, 16, true);
  header.setUint16(20, 1, true); // PCM
  header.setUint16(22, count, true);
  header.setUint32(24, rate, true);
  header.setUint32(28, rate * count * 2, true);
  header.setUint16(32, count * 2, true);
  header.setUint16(34, 16, true);
  ascii(36, "data");
  header.setUint32(40, size, true);
  const blocks = channels[0].map((block, b) => {
    const mixed = new Int16Array(block.length * count);
    channels.forEach((channel, c) => channel[b].forEach((sample, i) => { mixed[i * count + c] = sample; }));
    return mixed;
  });
  return [header.buffer, ...blocks];
}
