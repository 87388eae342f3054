// What was said, by whom and when, made from the server's events and from what was played. No DOM.
//
// An entry: {role, id, at, ...}; `at`, `startS`, `endS` are seconds on the page's clock.
//   user       text, partial, typed, emotion {label, confidence, scores}, events [{label, confidence}], language
//   assistant  text, words [{start, end, end_ms}], heardMs, heard (null until it is settled), interrupted, latency
//              {parts_ms, total_ms}, waitMs (end of the user's speech to the first sound, measured here), pauses [[s, s]]
//   notice     text: the server's words; stage: what failed (asr, llm, tts), code: of an error; see errors.js

const KEPT = 200; // entries; older ones are forgotten

export class Conversation extends EventTarget {
  /** `now()`: seconds; `audioS(ms)`: the moment on that clock of a position in the sound that was sent. */
  constructor({ now, audioS = () => now() }) {
    super();
    Object.assign(this, { now, audioS, entries: [], moments: [], state: "idle" });
    this.responses = new Map(); // response id -> entry of its spoken item
    this.latencies = new Map(); // response id -> latency that came before its entry
  }

  /** Takes back the entries of `toJSON`, as they ended. */
  restore(entries) {
    this.entries = entries.filter(({ text }) => text).map((entry) => {
      const cut = entry.role === "assistant" && !entry.over; // by the page's end
      const endS = entry.endS ?? entry.startS + (entry.heardMs ?? 0) / 1000;
      return { ...entry, endS, partial: false, over: true, ...(cut ? { heard: spoken(entry), interrupted: true } : { heard: entry.heard ?? null }) };
    });
    this.#changed(null);
  }

  toJSON() {
    return this.entries.slice(-KEPT);
  }

  clear() {
    this.entries = [];
    this.moments = [];
    this.responses.clear();
    this.#changed(null);
  }

  /** Items that tell a new session what was said so far. */
  items() {
    return this.entries.flatMap((entry) => {
      const text = entry.role === "assistant" ? spoken(entry) : entry.text;
      if (!text.trim() || entry.partial || entry.role === "notice") return [];
      const type = entry.role === "assistant" ? "output_text" : "input_text";
      return [{ id: entry.id, type: "message", role: entry.role, content: [{ type, text }] }];
    });
  }

  notice(text, about = {}) {
    if (this.entries.at(-1)?.text === text) return; // it is there already: a server that refuses is asked again
    this.#changed(this.#add({ role: "notice", id: `notice-${this.entries.length}`, text, ...about }));
  }

  /** The session is gone: what was under way has ended. */
  broke() {
    for (const entry of this.entries) {
      if (entry.over || entry.role === "notice") continue;
      if (entry.role === "assistant") this.#settle(entry, spoken(entry), true);
      entry.partial = false;
      entry.over = true;
      entry.endS ??= this.now();
      this.#changed(entry);
    }
    this.responses.clear();
    this.#drop((entry) => entry.role === "user" && !entry.text);
  }

  /** An event of the server. */
  receive(event) {
    this.#HANDLERS[event.type]?.(event);
  }

  /** How the playback goes: {type, id: response, ms, why, lateMs}, see audio.js. */
  played({ type, id, ms, why, lateMs = 0 }) {
    const entry = this.responses.get(id);
    if (!entry) return;
    if (type === "started") this.#sounds(entry, this.now() + lateMs / 1000);
    if (type === "stopped" && why === "paused") entry.pauses.push([this.now(), null]);
    if (type === "stopped" || type === "ended") entry.endS = this.now();
    entry.heardMs = ms;
    this.#changed(entry);
  }

  #HANDLERS = {
    "huiyin.state": ({ state }) => {
      this.state = state;
      this.dispatchEvent(new Event("state"));
    },
    "input_audio_buffer.speech_started": ({ item_id, audio_start_ms }) => {
      this.#user(item_id).startS = this.audioS(audio_start_ms);
    },
    "input_audio_buffer.speech_stopped": ({ item_id, audio_end_ms }) => {
      const entry = this.#user(item_id);
      entry.endS = this.audioS(audio_end_ms);
      this.#changed(entry);
    },
    "input_audio_buffer.committed": ({ item_id }) => { this.#user(item_id).endS ??= this.now(); },
    "huiyin.input.partial": ({ item_id, text }) => {
      const entry = this.#user(item_id);
      if (entry.over) return;
      Object.assign(entry, { text, partial: true });
      this.#changed(entry);
    },
    "conversation.item.input_audio_transcription.completed": ({ item_id, transcript }) => {
      const entry = this.#user(item_id);
      Object.assign(entry, { text: transcript.trim(), partial: false, over: true });
      if (entry.text) this.#changed(entry);
      else this.#drop((other) => other === entry);
    },
    "conversation.item.input_audio_transcription.failed": ({ item_id }) => {
      const entry = this.#user(item_id);
      Object.assign(entry, { partial: false, over: true, failed: true });
      this.#changed(entry);
    },
    "huiyin.input.tags": ({ item_id, language, emotion, events }) => {
      const entry = this.#find(item_id);
      if (!entry) return;
      Object.assign(entry, { language, emotion, events });
      this.#changed(entry);
    },
    "conversation.item.added": ({ item }) => {
      const text = (item.content ?? []).map((part) => part.text ?? "").join("");
      if (item.role !== "user" || !text || this.#find(item.id)) return; // known: the page sent it itself
      const now = this.now();
      const entry = Object.assign(this.#user(item.id), { text, typed: true, partial: false, over: true, startS: now, endS: now });
      this.#changed(entry);
    },
    "response.output_item.added": ({ response_id, item }) => {
      if (item.type !== "message") return;
      const entry = this.#add({
        role: "assistant", id: item.id, response: response_id, text: "", words: [], heardMs: 0, heard: null, pauses: [],
      });
      this.responses.set(response_id, entry);
      entry.latency = this.latencies.get(response_id);
      this.#changed(entry);
    },
    "response.output_audio_transcript.delta": (event) => this.#written(event),
    "response.output_text.delta": (event) => this.#written(event),
    "response.output_text.done": ({ item_id, text }) => {
      const entry = this.#find(item_id);
      if (entry) this.#settle(Object.assign(entry, { text }), text, false);
    },
    "huiyin.output.words": ({ item_id, words }) => {
      const entry = this.#find(item_id);
      if (!entry) return;
      const starts = new Set(words.map((word) => word.start));
      entry.words = [...entry.words.filter((word) => !starts.has(word.start)), ...words].sort((a, b) => a.start - b.start);
      this.#changed(entry);
    },
    "huiyin.output.resumed": ({ response_id }) => {
      const entry = this.responses.get(response_id);
      if (!entry) return;
      entry.endS = undefined;
      const last = entry.pauses.at(-1);
      if (last) last[1] ??= this.now();
      this.#moment("reply resumes");
    },
    "huiyin.output.heard": ({ item_id, transcript, interrupted }) => {
      const entry = this.#find(item_id);
      if (!entry) return;
      this.#settle(entry, transcript, interrupted);
      if (interrupted) this.#moment("reply stops");
    },
    "huiyin.latency": ({ response_id, parts_ms, total_ms }) => {
      const latency = { parts_ms, total_ms };
      this.latencies.set(response_id, latency);
      const entry = this.responses.get(response_id);
      if (entry) this.#changed(Object.assign(entry, { latency }));
    },
    "huiyin.notice": ({ text, stage }) => this.notice(text, { stage }),
    error: ({ error: { code, message } }) => { if (code !== "response_cancel_not_active") this.notice(message, { code }); },
  };

  #written({ item_id, delta }) {
    const entry = this.#find(item_id);
    if (!entry || entry.heard !== null) return;
    entry.text += delta;
    this.#changed(entry);
  }

  /** The first sound of a reply: how long did the user wait for it? */
  #sounds(entry, startS) {
    if (entry.startS !== undefined) return;
    entry.startS = startS;
    const turn = this.entries.slice(0, this.entries.indexOf(entry)).reverse().find(({ role }) => role === "user");
    if (turn?.endS !== undefined && !turn.answered) {
      turn.answered = true;
      entry.waitMs = Math.max(0, Math.round(1000 * (entry.startS - turn.endS)));
    }
  }

  #settle(entry, heard, interrupted) {
    Object.assign(entry, { heard, interrupted, over: true });
    entry.endS ??= this.now();
    this.#changed(entry);
  }

  #find(id) {
    return this.entries.findLast((entry) => entry.id === id);
  }

  #user(id) {
    return this.#find(id) ?? this.#add({ role: "user", id, text: "", partial: true, startS: this.now(), emotion: null, events: [] });
  }

  #add(entry) {
    entry.at = this.now();
    this.entries.push(entry);
    if (this.entries.length > KEPT) this.entries.shift();
    return entry;
  }

  #drop(unwanted) {
    this.entries = this.entries.filter((entry) => !unwanted(entry));
    this.#changed(null);
  }

  #moment(name) {
    this.moments.push({ name, at: this.now() });
    if (this.moments.length > 20 * KEPT) this.moments.shift();
  }

  #changed(entry) {
    const event = new Event("change");
    event.entry = entry;
    this.dispatchEvent(event);
  }
}

/** Where in its text the voice is: {said, now}: characters before the word that sounds, and after it. */
export function reached({ text, words, heardMs, heard }) {
  if (heard !== null && heard !== undefined) {
    const end = text.startsWith(heard) ? heard.length : lengthOfStart(text, heard);
    return { said: end, now: end };
  }
  let said = 0;
  let before = 0;
  for (const word of words) {
    if (heardMs >= word.end_ms) said = word.end;
    else if (heardMs > before) return { said, now: word.end };
    else break;
    before = word.end_ms;
  }
  return { said, now: said };
}

/** The part of an assistant's entry that was heard. */
export function spoken(entry) {
  return entry.heard ?? entry.text.slice(0, reached(entry).now);
}

/** Characters of `text` that hold as many letters as `start` has: spaces may differ. */
function lengthOfStart(text, start) {
  let letters = start.replace(/\s/g, "").length;
  let at = 0;
  while (at < text.length && letters > 0) if (/\S/.test(text[at++])) letters -= 1;
  return at;
}
