// The Talk tab: one session, the sound of both sides, and what the buttons and keys do.

import { Audio } from "./audio.js";
import { Conversation } from "./conversation.js";
import { getJson } from "./dom.js";
import { language } from "./i18n.js";
import { NoMicrophone } from "./microphone.js";
import { decodeBase64, RATE_HZ, SILENT_DBFS } from "./pcm.js";
import { RealtimeClient, socketUrl } from "./realtime.js";
import { Recording } from "./recording.js";
import { choices, savedTalk, saveTalk } from "./state.js";

const QUIET_DBFS = -42; // speech this soft is hard to recognise
const SAVE_AFTER_MS = 500;
const PLAYBACK_REPORT = new Set(["progress", "stopped", "ended"]);

/** Seconds on a clock that goes on when the page is loaded again: a talk that is restored keeps its times. */
export const now = () => (performance.timeOrigin + performance.now()) / 1000;

/** Events: "state" {state, warning: the key of a sentence or ""}, "level" {user, assistant}, "devices", "ready". */
export class Talk extends EventTarget {
  #wakeLock = null;
  #opening = false;
  #lastSpeechDbfs = SILENT_DBFS;

  /** `setup()`: what /api/setup said. */
  constructor(setup) {
    super();
    this.setup = setup;
    this.running = false;
    this.muted = false;
    this.held = false;
    this.problem = ""; // why there is no microphone: the key of a sentence
    this.lost = null; // {in_ms} while there is no connection
    this.stats = { bufferMs: 0, underruns: 0, outMs: 0 };
    this.recording = new Recording();
    this.conversation = new Conversation({
      now,
      audioS: (ms) => now() - Math.max(0, this.client.appendedMs - ms) / 1000,
    });
    this.client = new RealtimeClient({
      url: () => socketUrl(location, `/v1/realtime?lang=${language()}`), // errors in the page's language
      session: () => this.#session(),
      history: () => this.conversation.items(),
    });
    this.conversation.restore(savedTalk());
    this.#listen();
  }

  /** In the click: nothing may be awaited before sound is unlocked. */
  async start() {
    if (this.#opening || this.running) return;
    this.#opening = true;
    this.audio.unlock();
    this.#show();
    try {
      await this.audio.start();
    } catch {
      this.#opening = false;
      await this.audio.close();
      this.#show("audio.unsupported");
      return;
    }
    this.running = true;
    this.#opening = false;
    this.#muteAsNeeded(); // before there is a microphone
    this.client.connect(); // while the microphone is being asked for: both take their time
    await this.useMicrophone();
    if (choices.get("output")) this.useLoudspeaker().catch(() => {});
    this.#wakeLock = await navigator.wakeLock?.request("screen").catch(() => null);
    this.#show();
  }

  async stop() {
    this.running = false;
    this.lost = null;
    this.client.close();
    this.conversation.broke();
    this.conversation.state = "idle";
    this.#wakeLock?.release();
    await this.audio.close();
    this.#show();
  }

  /** Opens the chosen microphone; without one the talk goes on by typing. */
  async useMicrophone() {
    try {
      await this.audio.useMicrophone(choices.get("input"));
      this.problem = "";
    } catch (error) {
      this.problem = `mic.${error instanceof NoMicrophone ? error.code : "unknown"}`;
    }
    this.#show();
  }

  useLoudspeaker() {
    return this.audio.useLoudspeaker(choices.get("output"));
  }

  mute(muted) {
    this.muted = muted;
    this.#muteAsNeeded();
    this.#show();
  }

  /** The talk key, or the button held. */
  hold(held) {
    if (!this.running || this.held === held) return;
    this.held = held;
    this.#muteAsNeeded();
    this.client.send("huiyin.key", { pressed: held });
  }

  hush() {
    if (this.client.send("huiyin.interrupt")) this.audio.stop("cleared");
  }

  async type(text) {
    if (!this.running) await this.start();
    if (this.client.send("huiyin.type", { text })) return;
    await new Promise((resolve) => this.addEventListener("ready", resolve, { once: true }));
    this.client.send("huiyin.type", { text });
  }

  /** Persona, voice, language and turn taking as chosen now; `changed` is one of them. */
  configure(changed) {
    // What is left out of an update stays as it was: only a new session forgets a language
    if (this.running && changed === "speech" && !choices.get("speech")) this.#again();
    else this.client.update();
    this.#muteAsNeeded();
    this.#show();
  }

  /** Forgets what was said and begins a new session. */
  renew() {
    this.audio.stop("cleared");
    this.conversation.clear();
    this.recording.clear();
    if (this.running) this.#again();
    this.#show();
  }

  /** A new session, which is given what was said so far. */
  #again() {
    this.client.close();
    this.conversation.broke();
    this.client.connect();
  }

  #session() {
    const format = { type: "audio/pcm", rate: RATE_HZ };
    const turns = choices.get("turns");
    const turn_detection = turns === "hold" ? null : { type: "semantic_vad" };
    const transcription = { model: "huiyin", language: choices.get("speech") || null };
    const audio = { input: { format, turn_detection, transcription }, output: { format } };
    if (choices.get("voice")) audio.output.voice = choices.get("voice");
    const huiyin = { enabled: true, barge_in: turns === "hold" ? "key" : turns };
    const persona = this.#persona();
    if (persona) huiyin.persona = persona;
    if (choices.get("speech")) huiyin.language = choices.get("speech");
    return { type: "realtime", audio, huiyin };
  }

  /** The chosen one, unless the server no longer has it. It is named always: it brings its voice back with it. */
  #persona() {
    const { personas = [], default_persona = "" } = this.setup();
    const chosen = choices.get("persona");
    return personas.some(({ name }) => name === chosen) ? chosen : default_persona;
  }

  #muteAsNeeded() {
    this.audio.mute(this.muted || (choices.get("turns") === "hold" && !this.held));
  }

  #listen() {
    this.audio = new Audio();
    this.audio.addEventListener("packet", ({ detail }) => this.#packet(detail));
    this.audio.addEventListener("playback", ({ detail }) => this.#played(detail));
    this.audio.addEventListener("state", () => this.#show());
    this.audio.addEventListener("silent", () => this.#show("mic.silent"));
    this.audio.addEventListener("lost", async () => {
      choices.set("input", "");
      await this.useMicrophone();
      if (!this.problem) this.#show("mic.lost");
    });
    this.audio.addEventListener("devices", ({ detail }) => {
      this.#tell("devices", detail);
      if (this.problem === "mic.missing" && detail.inputs.length) this.useMicrophone(); // plugged in meanwhile
    });
    this.client.addEventListener("status", ({ detail }) => this.#status(detail));
    this.client.addEventListener("server", ({ detail }) => this.#server(detail));
    this.conversation.addEventListener("state", () => this.#show());
    let saving = 0;
    this.conversation.addEventListener("change", () => {
      clearTimeout(saving);
      saving = setTimeout(() => this.#save(), SAVE_AFTER_MS);
    });
    addEventListener("online", () => this.client.hurry());
    addEventListener("pagehide", () => this.#save());
    document.addEventListener("visibilitychange", () => this.#visible());
  }

  // A browser may write what a tab remembers to its disk.
  #save() {
    if (!this.setup().private) saveTalk(this.conversation.toJSON());
  }

  /** Back in front: phones release the wake lock and suspend sound meanwhile. */
  async #visible() {
    if (document.hidden || !this.running) return;
    this.audio.resume();
    this.client.hurry();
    this.#wakeLock = await navigator.wakeLock?.request("screen").catch(() => null);
  }

  #packet(packet) {
    if (!this.running) return;
    this.client.sendSound(packet.samples);
    this.recording.add(packet);
    if (this.conversation.state === "user") this.#lastSpeechDbfs = Math.max(this.#lastSpeechDbfs, packet.level);
    this.#tell("level", { user: packet.level, assistant: packet.playedDbfs });
  }

  #server(event) {
    if (event.type === "response.output_audio.delta") this.audio.play(event.response_id, decodeBase64(event.delta));
    else if (event.type === "huiyin.output.paused") this.audio.stop("paused");
    else if (event.type === "huiyin.output.resumed") this.audio.resumeAt(event.response_id, event.audio_ms);
    else if (event.type === "huiyin.output.ended") this.audio.endOf(event.response_id);
    else if (event.type === "response.done" && event.response.status !== "completed") this.audio.stop("cleared");
    else if (event.type === "input_audio_buffer.speech_stopped") this.#judgeLevel();
    this.conversation.receive(event);
  }

  #judgeLevel() {
    const quiet = this.#lastSpeechDbfs > SILENT_DBFS && this.#lastSpeechDbfs < QUIET_DBFS;
    this.#lastSpeechDbfs = SILENT_DBFS;
    if (quiet) this.#show("hint.quiet");
  }

  #played(event) {
    this.stats = { bufferMs: event.bufferMs, underruns: event.underruns, outMs: Math.round(this.audio.outputLatencyMs) };
    // A reply of a session that is gone may still fade out: the next session does not know it
    if (PLAYBACK_REPORT.has(event.type) && this.conversation.responses.has(event.id)) {
      this.client.send("huiyin.playback", { response_id: event.id, audio_ms: event.ms });
    }
    this.conversation.played(event);
  }

  async #status({ status, in_ms }) {
    if (status === "ready") {
      this.lost = null;
      this.conversation.state = "listening";
      this.#tell("ready", {});
    } else if (status === "lost") {
      this.audio.stop("cleared");
      this.conversation.broke();
      this.lost = { in_ms };
      this.#show();
      const reason = await this.#reason();
      if (this.lost && reason) this.#show(reason);
      return;
    } else if (status === "connecting" && this.lost) this.lost = { in_ms: 0 };
    this.#show();
  }

  /** Why there is no session: a key is missing, or the server's own words; "" when the network is gone. */
  async #reason() {
    try {
      await getJson("/api/setup");
      return "";
    } catch (error) {
      return error.status === 401 ? "page.key" : "";
    }
  }

  get state() {
    if (this.#opening) return "opening";
    if (!this.running) return "idle";
    if (this.lost) return "lost";
    if (!this.client.ready) return "opening";
    const state = this.conversation.state;
    if (state === "listening" && this.muted) return "muted";
    if (state === "listening" && choices.get("turns") === "hold" && !this.held) return "hold";
    return state;
  }

  /** Tells the page the state; `warning`: the key of a sentence that is shown until the state changes. */
  #show(warning = "") {
    this.#tell("state", { state: this.state, warning });
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
