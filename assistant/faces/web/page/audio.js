// Sound in and out of the page: one AudioContext, made and resumed in the click that starts a talk.
//
// Its rate is the device's (Firefox refuses to join a microphone and a context of different rates); the worklets
// resample to 24 kHz. Events: "packet" {samples, level, played, playedDbfs, at}, "playback" (see playout.js, with
// `ms`), "state" {state}, "silent" (exact zeros from the microphone), "lost" (the microphone was unplugged), "devices".

import { listDevices, openMicrophone } from "./microphone.js";
import { RATE_HZ, SILENT_DBFS } from "./pcm.js";

const ZEROS_S = 3; // of exact zeros: even a quiet room has noise
const FROZEN_S = 2; // the context's clock stands still for so long: a phone call, a lock screen
const HEARTBEAT_MS = 1000;

const moduleUrl = (name) => new URL(name, import.meta.url);

export class Audio extends EventTarget {
  #context = null;
  #stream = null;
  #source = null;
  #zeros = 0;
  #heartbeat = 0;
  #clock = { at: 0, since: 0 };

  /** Call this in the click, before anything is awaited: Safari unlocks sound only there. */
  unlock() {
    if (this.#context) return;
    this.#context = new AudioContext({ latencyHint: "interactive" });
    this.#context.resume();
    if (navigator.audioSession) navigator.audioSession.type = "play-and-record"; // else an iPhone plays at its ear
    this.#context.addEventListener("statechange", () => this.#tell("state", { state: this.#context?.state }));
  }

  /** Loads the worklets; without a microphone there is still playback. Raises Error where worklets are missing. */
  async start() {
    const context = this.#context;
    await Promise.all(["capture-worklet.js", "playback-worklet.js"].map((name) => context.audioWorklet.addModule(moduleUrl(name))));
    if (this.#context !== context) return;
    this.capture = new AudioWorkletNode(context, "huiyin-capture", { numberOfInputs: 2, channelCount: 1, channelCountMode: "explicit" });
    this.playback = new AudioWorkletNode(context, "huiyin-playback", { numberOfInputs: 0, outputChannelCount: [1] });
    this.playback.connect(context.destination);
    this.playback.connect(this.capture, 0, 1);
    this.capture.connect(context.destination); // silence: a node that leads nowhere is not run
    this.capture.port.onmessage = ({ data }) => this.#packet(data);
    this.playback.port.onmessage = ({ data }) => this.#played(data);
    navigator.mediaDevices?.addEventListener?.("devicechange", this.#onDevices);
    this.#heartbeat = setInterval(() => this.#watch(), HEARTBEAT_MS);
  }

  /** Uses the microphone `deviceId`, in place of the one before. Raises NoMicrophone. */
  async useMicrophone(deviceId = "") {
    const stream = await openMicrophone(deviceId);
    this.#releaseMicrophone();
    if (!this.#context) return stream.getTracks().forEach((track) => track.stop());
    this.#stream = stream;
    this.#source = new MediaStreamAudioSourceNode(this.#context, { mediaStream: stream });
    this.#source.connect(this.capture, 0, 0);
    this.#zeros = 0;
    const [track] = stream.getAudioTracks();
    track.addEventListener("ended", () => this.#tell("lost", {}));
    this.#tell("devices", await listDevices());
  }

  /** Plays through `deviceId`. With Chrome this may switch the echo canceller off: the page says so. */
  async useLoudspeaker(deviceId = "") {
    if (this.#context?.setSinkId) await this.#context.setSinkId(deviceId);
  }

  get picksLoudspeaker() {
    return "AudioContext" in globalThis && "setSinkId" in AudioContext.prototype;
  }

  mute(muted) {
    this.capture?.port.postMessage({ muted });
  }

  play(id, samples) {
    this.playback?.port.postMessage({ type: "add", id, samples }, [samples.buffer]);
  }

  endOf(id) {
    this.playback?.port.postMessage({ type: "end", id });
  }

  /** Silence within 20 ms; the rest is forgotten. "playback" {type: "stopped", why} says where. */
  stop(why) {
    this.playback?.port.postMessage({ type: "stop", why });
  }

  resumeAt(id, ms) {
    this.playback?.port.postMessage({ type: "resume", id, played: Math.round((ms * RATE_HZ) / 1000) });
  }

  /** From a sample leaving the worklet to the ear, ms. */
  get outputLatencyMs() {
    return 1000 * (this.#context?.outputLatency || this.#context?.baseLatency || 0);
  }

  get state() {
    return this.#context?.state ?? "closed";
  }

  resume() {
    return this.#context?.resume();
  }

  async close() {
    clearInterval(this.#heartbeat);
    navigator.mediaDevices?.removeEventListener?.("devicechange", this.#onDevices);
    this.#releaseMicrophone();
    const context = this.#context;
    this.#context = null;
    this.capture = this.playback = null;
    await context?.close();
  }

  #onDevices = async () => this.#tell("devices", await listDevices());

  #releaseMicrophone() {
    this.#source?.disconnect();
    this.#stream?.getTracks().forEach((track) => track.stop());
    this.#source = this.#stream = null;
  }

  #packet(packet) {
    if (packet.connected && packet.level <= SILENT_DBFS) {
      this.#zeros += packet.samples.length / RATE_HZ;
      if (this.#zeros >= ZEROS_S) {
        this.#zeros = -Infinity; // say it once
        this.#tell("silent", {});
      }
    } else this.#zeros = 0;
    this.#tell("packet", packet);
  }

  /** A sample that was played is heard `outputLatency` later; once stopped, all that was played will be. */
  #played(event) {
    const ms = (1000 * event.played) / RATE_HZ;
    const late = event.type === "progress" ? this.outputLatencyMs : 0;
    this.#tell("playback", { ...event, ms: Math.max(0, Math.round(ms - late)), lateMs: this.outputLatencyMs });
  }

  /** iOS leaves a context "interrupted", or running with a frozen clock, after a call. */
  #watch() {
    const context = this.#context;
    if (!context) return;
    const now = performance.now() / 1000;
    if (context.currentTime !== this.#clock.at) this.#clock = { at: context.currentTime, since: now };
    const frozen = now - this.#clock.since > FROZEN_S;
    if (context.state === "suspended" || context.state === "interrupted") context.resume().catch(() => {});
    if (frozen && context.state === "running") context.suspend().then(() => context.resume()).catch(() => {});
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
