// The conversation as bubbles. What the voice has reached is dark, what it has not is light, what was never heard is
// struck through. The log itself is no live region (it changes with every word): whole sentences are announced beside it.

import { h } from "./dom.js";
import { noticeWords } from "./errors.js";
import { percent, t } from "./i18n.js";
import { reached } from "./conversation.js";

const NEAR_END_PX = 120; // scrolled no further up than this: new words scroll into view
const UNSURE = 0.5; // an emotion less probable than this is not shown
const QUIET_MOODS = new Set(["neutral", "unknown"]);
const IDEAS = ["talk.idea.1", "talk.idea.2", "talk.idea.3"];
const PARTS = ["hear", "asr", "llm", "tts", "hold"];

export class Captions {
  #shown = new Map(); // entry -> element
  #announced = new WeakSet();

  constructor(log, announcer, conversation) {
    Object.assign(this, { log, announcer, conversation });
    conversation.addEventListener("change", ({ entry }) => (entry && this.#shown.has(entry) ? this.#update(entry) : this.render()));
    this.render();
  }

  /** All of it anew: also when the page's language changes. */
  render() {
    const follow = this.#nearEnd();
    const entries = this.conversation.entries;
    this.#shown = new Map(entries.map((entry) => [entry, this.#turn(entry)]));
    if (entries.length) this.log.replaceChildren(...this.#shown.values());
    else this.log.replaceChildren(this.#empty());
    if (follow) this.#toEnd();
  }

  /** Nothing said yet: what the user might say. */
  #empty() {
    const ideas = IDEAS.map((key) => h("button", { class: "pill", onclick: () => this.onIdea?.(t(key)) }, t(key)));
    return h("div", { class: "empty" }, t("talk.empty"), h("div", { class: "ideas" }, ideas));
  }

  #update(entry) {
    const follow = this.#nearEnd();
    const element = this.#turn(entry);
    element.style.animation = "none";
    this.#shown.get(entry).replaceWith(element);
    this.#shown.set(entry, element);
    if (follow) this.#toEnd();
    this.#announce(entry);
  }

  #nearEnd() {
    return this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < NEAR_END_PX;
  }

  #toEnd() {
    this.log.scrollTop = this.log.scrollHeight;
  }

  #announce(entry) {
    const isFinal = entry.role === "user" ? entry.over : entry.role === "assistant" && entry.heard !== null;
    if (!isFinal || this.#announced.has(entry)) return;
    this.#announced.add(entry);
    const name = entry.role === "user" ? t("talk.you") : t("timeline.assistant");
    this.announcer.textContent = `${name}: ${entry.heard ?? entry.text}`;
  }

  #turn(entry) {
    if (entry.role === "notice") return h("p", { class: "notice", title: entry.text }, noticeWords(entry));
    const parts = entry.role === "user" ? userParts(entry) : assistantParts(entry);
    return h("div", { class: `turn ${entry.role}${entry.partial ? " partial" : ""}`, "data-id": entry.id }, parts);
  }
}

function userParts(entry) {
  const text = entry.text || (entry.failed ? t("talk.failed") : "");
  return [h("div", { class: "bubble" }, text || waiting()), tagMarks(entry)];
}

function assistantParts(entry) {
  const { text, heard, interrupted } = entry;
  const { said, now } = entry.words.length || heard !== null ? reached(entry) : { said: 0, now: 0 };
  const rest = text.slice(now);
  const settled = heard !== null;
  const bubble = h(
    "div",
    { class: "bubble" },
    text ? null : waiting(),
    h("span", { class: "said" }, text.slice(0, said)),
    h("span", { class: "now" }, text.slice(said, now)),
    !rest ? null : settled && interrupted ? h("s", { title: t("talk.unheard", { text: rest.trim() }) }, rest) : h("span", { class: settled ? "said" : "ahead" }, rest),
  );
  return [bubble, marksOf(latencyMark(entry), interrupted ? h("span", {}, t("talk.interrupted")) : null)];
}

function waiting() {
  return h("span", { class: "waiting", role: "img", "aria-label": t("state.thinking") }, h("i"), h("i"), h("i"));
}

/** A coloured dot and a word; the probabilities on hover. null where there is nothing to say. */
export function moodMark(emotion) {
  if (!emotion || QUIET_MOODS.has(emotion.label) || emotion.confidence < UNSURE) return null;
  const scores = Object.entries(emotion.scores ?? { [emotion.label]: emotion.confidence }).sort(([, a], [, b]) => b - a);
  const title = scores.slice(0, 4).map(([label, share]) => `${t(`emotion.${label}`)} ${percent(share)}`).join(" · ");
  const by = emotion.source === "words" ? `${t("emotion.by.words")}: ` : "";
  return h("span", { class: `mark ${emotion.label}`, title: by + title }, h("i"), t(`emotion.${emotion.label}`));
}

/** The marks of a turn or a segment: its mood and its events; null without any. */
export function tagMarks({ emotion, events }) {
  return marksOf(moodMark(emotion), ...(events ?? []).map(eventMark));
}

function marksOf(...marks) {
  return marks.some(Boolean) ? h("span", { class: "marks" }, marks) : null;
}

function eventMark({ label, confidence }) {
  const title = confidence === undefined ? null : percent(confidence);
  return h("span", { class: "mark sound", title }, `[${t(`event.${label}`)}]`);
}

/** A bar of the parts of the wait; a tap writes them out, since phones have no hover. */
function latencyMark(entry) {
  const { latency, waitMs } = entry;
  const total = waitMs ?? latency?.total_ms;
  if (total === undefined || total === null) return null;
  const parts = PARTS.map((name) => [name, latency?.parts_ms?.[name] ?? 0]).filter(([, ms]) => ms > 0);
  const words = parts.map(([name, ms]) => `${t(`latency.${name}`)} ${Math.round(ms)}`).join(" · ");
  const bar = parts.map(([name, ms]) => {
    const part = h("span", { class: `part-${name}` });
    part.style.flex = `${ms} 0 0`;
    return part;
  });
  const details = h("span", { class: "parts", hidden: !entry.open }, words);
  const button = h(
    "button",
    {
      class: "latency", title: `${t("latency.title")}: ${words}`, "aria-expanded": String(Boolean(entry.open)),
      onclick: () => {
        entry.open = !entry.open;
        details.hidden = !entry.open;
        button.setAttribute("aria-expanded", entry.open);
      },
    },
    bar.length ? h("span", { class: "latency-bar", role: "img", "aria-label": t("latency.title") }, bar) : null,
    `${Math.round(total)} ms`,
  );
  return [button, bar.length ? details : null];
}
