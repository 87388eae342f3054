// The protocol client and the conversation that is made from its events, without a browser.

import assert from "node:assert/strict";
import test from "node:test";

import { Conversation, reached, spoken } from "../../../assistant/faces/web/page/conversation.js";
import { RealtimeClient } from "../../../assistant/faces/web/page/realtime.js";
import { scenario } from "../../../assistant/faces/web/page/save.js";
import { medianWait, spans } from "../../../assistant/faces/web/page/timeline.js";

class Socket {
  static all = [];

  constructor(url, protocols) {
    Object.assign(this, { url, protocols, sent: [], readyState: 0, bufferedAmount: 0 });
    Socket.all.push(this);
  }

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close() {
    this.readyState = 3;
  }

  says(event) {
    this.readyState = 1;
    this.onmessage({ data: JSON.stringify(event) });
  }

  breaks() {
    this.readyState = 3;
    this.onclose({ code: 1006, reason: "" });
  }

  get types() {
    return this.sent.map(({ type }) => type);
  }
}

function client(history = []) {
  const waits = [];
  const timer = { setTimeout: (call, ms) => waits.push({ call, ms }), clearTimeout() {} };
  const made = new RealtimeClient({ url: () => "ws://here/v1/realtime", session: () => ({ type: "realtime" }), history: () => history, Socket, timer });
  const statuses = [];
  made.addEventListener("status", ({ detail }) => statuses.push(detail.status));
  return { made, waits, statuses, socket: () => Socket.all.at(-1) };
}

test("the first message is session.update; what was spoken before the session is ready comes after it, in order", () => {
  const { made, socket, statuses } = client();
  made.connect();
  made.sendSound(Int16Array.of(1));
  socket().says({ type: "session.created" });
  made.sendSound(Int16Array.of(2));
  assert.deepEqual(socket().types, ["session.update"]);
  socket().says({ type: "session.updated" });
  made.sendSound(Int16Array.of(3));
  assert.deepEqual(socket().types, ["session.update", ...Array(3).fill("input_audio_buffer.append")]);
  assert.deepEqual(socket().sent.slice(1).map(({ audio }) => atob(audio).charCodeAt(0)), [1, 2, 3]);
  assert.deepEqual(statuses, ["connecting", "ready"]);
  assert.deepEqual(socket().protocols, ["realtime"]);
});

test("only the last ten seconds wait for a session", () => {
  const { made, socket } = client();
  made.connect();
  for (let i = 0; i < 15; i++) made.sendSound(new Int16Array(24_000).fill(i));
  socket().says({ type: "session.created" });
  socket().says({ type: "session.updated" });
  const sound = socket().sent.filter(({ type }) => type === "input_audio_buffer.append");
  assert.equal(sound.length, 10);
  assert.equal(atob(sound[0].audio).charCodeAt(0), 5);
  assert.equal(made.appendedMs, 10_000);
});

test("a lost connection is tried again, ever more slowly, and the new session is given what was said", () => {
  const history = [{ type: "message", role: "user", content: [] }];
  const { made, waits, statuses, socket } = client(history);
  made.connect();
  socket().says({ type: "session.created" });
  socket().says({ type: "session.updated" });
  for (let i = 0; i < 6; i++) {
    socket().breaks();
    waits.at(-1).call();
  }
  assert.deepEqual(waits.map(({ ms }) => ms), [500, 1_000, 2_000, 4_000, 8_000, 8_000]);
  assert.equal(made.send("huiyin.type", { text: "x" }), false);
  socket().says({ type: "session.created" });
  socket().says({ type: "session.updated" });
  assert.deepEqual(socket().types, ["session.update", "conversation.item.create"]);
  assert.equal(statuses.at(-1), "ready");
  socket().breaks();
  assert.equal(waits.at(-1).ms, 500);
});

test("after close nothing comes back, and an old socket's messages are not heard", () => {
  const { made, waits, socket } = client();
  const heard = [];
  made.addEventListener("server", ({ detail }) => heard.push(detail));
  made.connect();
  const old = socket();
  made.close();
  old.says({ type: "session.created" });
  old.breaks();
  assert.deepEqual([heard, waits], [[], []]);
});

test("a socket that takes no more is given up", () => {
  const { made, socket, statuses } = client();
  made.connect();
  socket().says({ type: "session.created" });
  socket().says({ type: "session.updated" });
  socket().bufferedAmount = 2 ** 21;
  made.sendSound(new Int16Array(480));
  assert.equal(statuses.at(-1), "lost");
});

const TEXT = "太好了，恭喜你！";
const WORDS = [{ start: 0, end: 4, end_ms: 800 }, { start: 4, end: 8, end_ms: 1_600 }];

/** A conversation in which the user has spoken and the reply has begun. */
function talk() {
  let at = 10;
  const conversation = new Conversation({ now: () => at, audioS: (ms) => ms / 1000 });
  const tell = (type, fields = {}) => conversation.receive({ type, ...fields });
  const wait = (seconds) => { at += seconds; };
  tell("input_audio_buffer.speech_started", { item_id: "u", audio_start_ms: 8_000 });
  tell("huiyin.input.partial", { item_id: "u", text: "今天终于" });
  tell("input_audio_buffer.speech_stopped", { item_id: "u", audio_end_ms: 9_500 });
  tell("conversation.item.input_audio_transcription.completed", { item_id: "u", transcript: "今天终于做完了。" });
  tell("huiyin.input.tags", { item_id: "u", language: "zh", emotion: { label: "happy", confidence: 0.8, scores: {} }, events: [] });
  tell("huiyin.latency", { response_id: "r", parts_ms: { asr: 70 }, total_ms: 480 });
  tell("response.output_item.added", { response_id: "r", item: { id: "a", type: "message" } });
  tell("response.output_audio_transcript.delta", { item_id: "a", delta: "太好了，" });
  tell("response.output_audio_transcript.delta", { item_id: "a", delta: "恭喜你！" });
  tell("huiyin.output.words", { item_id: "a", words: WORDS });
  conversation.played({ type: "started", id: "r", ms: 0 });
  return { conversation, tell, wait, play: (type, ms, why) => conversation.played({ type, id: "r", ms, why }) };
}

test("the user's words are replaced as they grow, then settled, with mood and latency", () => {
  const { conversation } = talk();
  const [user, assistant] = conversation.entries;
  assert.deepEqual([user.text, user.partial, user.startS, user.endS, user.emotion.label], ["今天终于做完了。", false, 8, 9.5, "happy"]);
  assert.deepEqual([assistant.text, assistant.latency.total_ms, assistant.waitMs], [TEXT, 480, 500]);
});

test("a talk as a scenario states the emotion that the recogniser heard, not what the words tell anyway", () => {
  const { conversation, tell } = talk();
  const saved = () => scenario({ entries: conversation.entries, moments: [] }, { name: "today", turns: "free" }, (key) => key);
  assert.match(saved(), /emotion: \{happy: 0\.80\}/);
  const emotion = { label: "happy", confidence: 0.8, scores: {}, source: "words" };
  tell("huiyin.input.tags", { item_id: "u", language: "zh", emotion, events: [] });
  assert.doesNotMatch(saved(), /emotion/);
});

test("words are marked as the voice reaches them", () => {
  const { conversation, play } = talk();
  const entry = conversation.entries[1];
  assert.deepEqual(reached(entry), { said: 0, now: 0 });
  play("progress", 300);
  assert.deepEqual(reached(entry), { said: 0, now: 4 });
  play("progress", 900);
  assert.deepEqual(reached(entry), { said: 4, now: 8 });
  assert.equal(spoken(entry), TEXT);
});

test("what was not heard is known after an interruption, also where the spaces differ", () => {
  const { conversation, tell, play } = talk();
  play("stopped", 820, "cleared");
  tell("huiyin.output.heard", { item_id: "a", transcript: "太好了，", interrupted: true });
  assert.deepEqual(reached(conversation.entries[1]), { said: 4, now: 4 });
  assert.deepEqual(reached({ text: "a  b c", heard: "a b", words: [] }), { said: 4, now: 4 });
  assert.equal(conversation.items()[1].content[0].text, "太好了，");
});

test("a turn without words leaves nothing behind", () => {
  const { conversation, tell } = talk();
  tell("input_audio_buffer.speech_started", { item_id: "cough", audio_start_ms: 12_000 });
  tell("conversation.item.input_audio_transcription.completed", { item_id: "cough", transcript: " " });
  assert.deepEqual(conversation.entries.map(({ id }) => id), ["u", "a"]);
});

test("a lost session settles what was under way, and a reload brings it back", () => {
  const { conversation, play, tell } = talk();
  play("progress", 300);
  tell("input_audio_buffer.speech_started", { item_id: "u2", audio_start_ms: 12_000 });
  conversation.broke();
  assert.deepEqual(conversation.entries.map(({ id, heard }) => [id, heard]), [["u", undefined], ["a", "太好了，"]]);
  const later = new Conversation({ now: () => 0 });
  later.restore(JSON.parse(JSON.stringify(conversation)));
  assert.deepEqual(later.items().map(({ role, content }) => [role, content[0].text]), [["user", "今天终于做完了。"], ["assistant", "太好了，"]]);
  later.receive({ type: "conversation.item.added", item: { id: "u", role: "user", content: [{ type: "input_text", text: "今天终于做完了。" }] } });
  assert.equal(later.entries.length, 2);
});

test("a reply that a reload cut short was heard no further", () => {
  const { conversation, play } = talk();
  play("progress", 300);
  const later = new Conversation({ now: () => 0 });
  later.restore(JSON.parse(JSON.stringify(conversation)));
  const { heard, interrupted } = later.entries.at(-1);
  assert.deepEqual([heard, interrupted], ["太好了，", true]);
});

test("typed words appear once", () => {
  const { conversation, tell } = talk();
  const item = { id: "t", role: "user", content: [{ type: "input_text", text: "你好" }] };
  tell("conversation.item.added", { item });
  tell("conversation.item.added", { item });
  assert.deepEqual(conversation.entries.filter(({ typed }) => typed).map(({ text, partial }) => [text, partial]), [["你好", false]]);
});

test("a new session is given what was typed in the one before", () => {
  const { conversation, tell } = talk();
  tell("conversation.item.added", { item: { id: "t", role: "user", content: [{ type: "input_text", text: "你好" }] } });
  conversation.broke();
  assert.equal(conversation.items().at(-1).content[0].text, "你好");
});

test("the same notice is not repeated", () => {
  const { conversation, tell } = talk();
  for (let i = 0; i < 3; i++) tell("error", { error: { code: "session_limit_reached", message: "all places are taken" } });
  assert.equal(conversation.entries.filter(({ role }) => role === "notice").length, 1);
});

test("the timeline shows turns, waits, pauses and where a reply was cut", () => {
  const { conversation, tell, wait, play } = talk();
  wait(1);
  play("stopped", 1_000, "paused");
  wait(0.5);
  tell("huiyin.output.resumed", { response_id: "r", item_id: "a", audio_ms: 800 });
  wait(1);
  play("stopped", 1_500, "cleared");
  tell("huiyin.output.heard", { item_id: "a", transcript: "太好了，", interrupted: true });
  const found = spans(conversation.entries, 0, 60).map(({ kind, startS, endS }) => [kind, startS, endS]);
  assert.deepEqual(found, [["you", 8, 9.5], ["reply", 10, 11], ["reply", 11.5, 12.5], ["cut", 12.5, 12.75], ["wait", 9.5, 10]]);
  assert.equal(medianWait(conversation.entries), 500);
  assert.deepEqual(spans(conversation.entries, 30, 60), []);
});
