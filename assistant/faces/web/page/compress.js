// A large WAV file as Opus, piece by piece: two hours (1.4 GB) become 30 MB, and never more than a piece is in memory.

import { OggOpus } from "./ogg.js";
import { RATE_HZ } from "./pcm.js";
import { Resampler } from "./resample.js";

const BITRATE = 32_000; // speech: no word is lost to the recogniser
const MOST_QUEUED = 50; // blocks in the encoder
const HEADER_BYTES = 65_536; // the data begins well before
const PIECE_BYTES = 2 ** 20;
const [PCM, FLOAT, EXTENSIBLE] = [1, 3, 0xfffe];

/** Whether this browser can compress `file`: WAV only, since other files cannot be read in pieces here. */
export async function compressible(file) {
  if (!globalThis.AudioEncoder) return null;
  return wavFormat(new DataView(await file.slice(0, HEADER_BYTES).arrayBuffer()), file.size);
}

/** {rate, channels, bits, float, start, bytes, seconds} of a WAV or RF64 file; null for any other. Pure. */
export function wavFormat(view, size) {
  const name = (at) => (at + 4 <= view.byteLength ? String.fromCharCode(...new Uint8Array(view.buffer, at, 4)) : "");
  if (!["RIFF", "RF64"].includes(name(0)) || name(8) !== "WAVE") return null;
  let format = null;
  for (let at = 12; at + 8 <= view.byteLength; ) {
    const length = view.getUint32(at + 4, true);
    if (name(at) === "fmt ") {
      let kind = view.getUint16(at + 8, true);
      if (kind === EXTENSIBLE) kind = view.getUint16(at + 32, true);
      const bits = view.getUint16(at + 22, true);
      const known = (kind === PCM && [16, 24, 32].includes(bits)) || (kind === FLOAT && bits === 32);
      if (!known) return null;
      format = { rate: view.getUint32(at + 12, true), channels: view.getUint16(at + 10, true), bits, float: kind === FLOAT };
    } else if (name(at) === "data" && format) {
      const start = at + 8;
      const bytes = Math.min(size - start, length === 0xffffffff ? Infinity : length); // a live recording says "unknown"
      return { ...format, start, bytes, seconds: bytes / (format.rate * format.channels * (format.bits / 8)) };
    }
    at += 8 + length + (length & 1);
  }
  return null;
}

export const compressedBytes = ({ seconds }) => Math.round((seconds * BITRATE) / 8);

/** A File in Ogg Opus. `progress(share)`; stops with AbortError when `signal` says so. */
export async function compress(file, format, progress, signal) {
  const ogg = new OggOpus(RATE_HZ);
  let failed = null;
  const encoder = new AudioEncoder({
    output: (chunk) => {
      const packet = new Uint8Array(chunk.byteLength);
      chunk.copyTo(packet);
      ogg.add(packet, chunk.duration);
    },
    error: (error) => { failed = error; },
  });
  encoder.configure({ codec: "opus", sampleRate: RATE_HZ, numberOfChannels: 1, bitrate: BITRATE });
  const resampler = new Resampler(format.rate, RATE_HZ);
  let samplesDone = 0;
  const frame = format.channels * (format.bits / 8);
  const piece = Math.floor(PIECE_BYTES / frame) * frame;
  for (let at = 0; at < format.bytes; at += piece) {
    signal?.throwIfAborted();
    if (failed) throw failed;
    const end = format.start + Math.min(at + piece, format.bytes);
    const mono = monoOf(await file.slice(format.start + at, end).arrayBuffer(), format);
    const data = resampler.push(mono);
    const timestamp = Math.round((1e6 * samplesDone) / RATE_HZ);
    const sound = new AudioData({ format: "f32-planar", sampleRate: RATE_HZ, numberOfFrames: data.length, numberOfChannels: 1, timestamp, data });
    encoder.encode(sound);
    sound.close();
    samplesDone += data.length;
    while (encoder.encodeQueueSize > MOST_QUEUED) await new Promise((resolve) => encoder.addEventListener("dequeue", resolve, { once: true }));
    progress(at / format.bytes);
  }
  await encoder.flush();
  encoder.close();
  if (failed) throw failed;
  return new File(ogg.parts(), file.name.replace(/\.\w+$/, ".opus"), { type: "audio/ogg" });
}

/** The mean of the channels, -1..1. Pure. */
export function monoOf(buffer, { channels, bits, float }) {
  const view = new DataView(buffer);
  const bytes = bits / 8;
  const frames = Math.floor(buffer.byteLength / (bytes * channels));
  const scale = 2 ** (bits - 1);
  const read = float ? (at) => view.getFloat32(at, true)
    : bits === 16 ? (at) => view.getInt16(at, true) / scale
      : bits === 32 ? (at) => view.getInt32(at, true) / scale
        : (at) => (view.getUint16(at, true) | (view.getInt8(at + 2) << 16)) / scale;
  const mono = new Float32Array(frames);
  for (let i = 0; i < frames; i++) {
    let sum = 0;
    for (let channel = 0; channel < channels; channel++) sum += read((i * channels + channel) * bytes);
    mono[i] = sum / channels;
  }
  return mono;
}
