// A talk as a text, and as a scenario for `huiyin simulate`: what was said and when, and what happened. No DOM.

import { spoken } from "./conversation.js";
import { clock } from "./dom.js";

const NEAR_S = 0.3; // a reply that stopped this soon after the user began did so for the user
const SLACK_MS = 150;
const LEAST_LATENCY_MS = 1;
const SAMPLE = 6; // characters: where exactly a voice stops differs by a word or two

/** Lines "0:12 You: …"; what was not heard in brackets. */
export function transcript(entries, t) {
  const first = entries[0]?.at ?? 0;
  const lines = entries.filter(({ role, text }) => role !== "notice" && text).map((entry) => {
    const name = entry.role === "user" ? t("talk.you") : t("timeline.assistant");
    const heard = entry.role === "assistant" ? spoken(entry) : entry.text;
    const rest = entry.text.slice(heard.length).trim();
    const mood = entry.emotion && entry.emotion.label !== "neutral" ? ` (${t(`emotion.${entry.emotion.label}`)})` : "";
    const unheard = rest && entry.interrupted ? ` [${t("talk.unheard", { text: rest })}]` : "";
    return `${clock((entry.startS ?? entry.at) - first)}  ${name}${mood}: ${heard}${unheard}`;
  });
  return `${lines.join("\n")}\n`;
}

/** The talk as a scenario: its turns at their times, and as expectations what happened. */
export function scenario({ entries, moments }, { name, turns }, t) {
  const said = entries.filter(({ role }) => role !== "notice");
  const lines = [
    ...t("save.head").split("\n").map((line) => `# ${line}`),
    `about: ${JSON.stringify(t("save.about", { name }))}`,
  ];
  const settings = { hold: "turns.talk_key: true", key: "turns.barge_in: key", off: "turns.barge_in: \"off\"" }[turns];
  if (settings) lines.push(`settings: {${settings}}`);
  const services = servicesOf(said);
  if (services) lines.push(services);
  lines.push("turns:");
  const users = said.filter((entry) => entry.role === "user" && entry.text && entry.startS !== undefined);
  users.forEach((entry, i) => lines.push(...turnLines(entry, users[i - 1], users[i + 1], said, moments)));
  if (!users.length) lines.push("  []");
  lines.push(...history(users, said), "huiyin: scenario", "");
  return lines.join("\n");
}

/** The typical time of each service, from the latencies that were measured. */
function servicesOf(entries) {
  const median = (name) => {
    const times = entries.map(({ latency }) => latency?.parts_ms?.[name]).filter((ms) => ms > 0).sort((a, b) => a - b);
    return times.length ? Math.max(LEAST_LATENCY_MS, Math.round(times[times.length >> 1])) : null;
  };
  const parts = [["asr", "takes_ms"], ["llm", "first_token_ms"], ["tts", "first_audio_ms"]]
    .map(([name, key]) => [name, key, median(name)])
    .filter(([, , ms]) => ms !== null)
    .map(([service, key, ms]) => `${service}: {${key}: ${ms}}`);
  return parts.length ? `services: {${parts.join(", ")}}` : "";
}

function turnLines(entry, before, after, said, moments) {
  const answer = answerTo(entry, said);
  const lines = [`  - ${entry.typed ? "types" : "user"}: ${JSON.stringify(entry.text)}`];
  const when = before && whenLine(entry, before, said);
  if (when) lines.push(`    after: ${when}`);
  if (!entry.typed && entry.endS > entry.startS) lines.push(`    lasts_ms: ${Math.round(1000 * (entry.endS - entry.startS))}`);
  if (entry.emotion?.label && entry.emotion.source !== "words") lines.push(`    emotion: {${entry.emotion.label}: ${entry.emotion.confidence.toFixed(2)}}`);
  if (entry.events?.length) lines.push(`    events: [${entry.events.map(({ label }) => label).join(", ")}]`);
  if (answer?.text) lines.push(`    reply: ${JSON.stringify(answer.text.trim())}`);
  const expected = expectations(entry, answer, before, after, moments);
  if (expected.length) lines.push("    expect:", ...expected.map((line) => `      - ${line}`));
  return lines;
}

/** The moment that a turn followed: the start of the reply that it cut into, else the end of that reply. */
function whenLine(entry, before, said) {
  const reply = said.slice(said.indexOf(before), said.indexOf(entry)).find((other) => other.role === "assistant" && other.startS !== undefined);
  if (!reply) return `user ends + ${delay(entry.startS - before.endS)}`;
  const during = reply.interrupted || entry.startS < (reply.endS ?? Infinity);
  return during ? `reply starts + ${delay(entry.startS - reply.startS)}` : `reply ends + ${delay(entry.startS - reply.endS)}`;
}

const delay = (seconds) => `${Math.max(0, Math.round(1000 * seconds))} ms`;

function expectations(entry, answer, before, after, moments) {
  const lines = [];
  const between = (name) => moments.some((moment) => moment.name === name && moment.at >= entry.startS - NEAR_S && moment.at < (after?.startS ?? Infinity));
  if (between("reply stops") && before && entry.startS < (moments.find(({ name, at }) => name === "reply stops" && at >= entry.startS)?.at ?? -1)) {
    lines.push("event: reply stops");
  }
  if (between("reply resumes")) lines.push("event: reply resumes");
  if (!answer?.startS) lines.push("absent: reply starts");
  else if (answer.waitMs) lines.push(`{event: reply starts, within_ms: ${answer.waitMs + SLACK_MS}}`);
  return lines;
}

/** What the history must be: how each reply begins, and how the part ends that was not heard. */
function history(users, said) {
  const turns = users.map((entry) => [entry, answerTo(entry, said)]);
  if (!turns.length || turns.some(([, answer]) => !answer || answer.heard === null || !spoken(answer))) return [];
  return ["expect:", "  - history:", ...turns.map(([{ text }, answer]) => {
    const heard = spoken(answer);
    const rest = answer.interrupted ? answer.text.slice(heard.length).trim() : "";
    const end = rest ? `, without: ${JSON.stringify(rest.slice(-SAMPLE))}` : "";
    const assistant = `{begins: ${JSON.stringify(heard.slice(0, SAMPLE).trim())}${end}}`;
    return `      - {user: ${JSON.stringify(text)}, assistant: ${assistant}, interrupted: ${Boolean(answer.interrupted)}}`;
  })];
}

/** The reply to a turn; null where the next turn came first. */
function answerTo(entry, said) {
  const next = said.slice(said.indexOf(entry) + 1).find(({ role }) => role === "assistant" || role === "user");
  return next?.role === "assistant" ? next : null;
}
