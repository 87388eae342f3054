// The last minute, one lane a side: who spoke when, how long the answer took, where a reply was cut off.

import { svg } from "./dom.js";
import { t } from "./i18n.js";

const WINDOW_S = 60;
const HEIGHT = 74;
const LABEL_PX = 64;
const LANES = { user: 12, assistant: 42 };
const BAR = 18;
const TICK_S = 10;
const NUMBER_PX = 52; // "1234 ms"

/** Bars and waits between `fromS` and `toS`: [{kind: you|reply|cut|wait, role, startS, endS, ms?}]. Pure. */
export function spans(entries, fromS, toS) {
  const found = [];
  const add = (span) => { if (span.endS > fromS && span.startS < toS) found.push(span); };
  for (const entry of entries) {
    if (entry.startS === undefined || entry.role === "notice") continue;
    const endS = entry.endS ?? toS;
    if (entry.role === "user") {
      add({ kind: "you", role: "user", startS: entry.startS, endS: Math.max(endS, entry.startS + 0.2), text: entry.text });
      continue;
    }
    let startS = entry.startS;
    for (const [pausedS, resumedS] of entry.pauses ?? []) {
      add({ kind: "reply", role: "assistant", startS, endS: pausedS, text: entry.text });
      startS = resumedS ?? Infinity;
    }
    if (startS < endS) add({ kind: "reply", role: "assistant", startS, endS, text: entry.text });
    if (entry.interrupted) add({ kind: "cut", role: "assistant", startS: endS, endS: endS + 0.25 });
    if (entry.waitMs) add({ kind: "wait", role: "assistant", startS: entry.startS - entry.waitMs / 1000, endS: entry.startS, ms: entry.waitMs });
  }
  return found;
}

/** The median of the waits of `entries`, ms; null without any. */
export function medianWait(entries) {
  const waits = entries.map(({ waitMs }) => waitMs).filter((ms) => ms > 0).sort((a, b) => a - b);
  return waits.length ? waits[waits.length >> 1] : null;
}

export function drawTimeline(element, entries, nowS) {
  const width = element.clientWidth;
  if (!width) return;
  const fromS = nowS - WINDOW_S;
  const x = (seconds) => LABEL_PX + ((width - LABEL_PX) * (seconds - fromS)) / WINDOW_S;
  const clip = (seconds) => Math.max(LABEL_PX, Math.min(width, x(seconds)));
  const marks = Object.entries(LANES).flatMap(([role, y]) => [
    svg("text", { x: 0, y: y + 13 }, t(role === "user" ? "talk.you" : "timeline.assistant")),
    svg("line", { class: "lane", x1: LABEL_PX, x2: width, y1: y + BAR / 2, y2: y + BAR / 2 }),
  ]);
  for (let tick = Math.ceil(fromS / TICK_S) * TICK_S; tick < nowS; tick += TICK_S) {
    marks.push(svg("line", { class: "tick", x1: x(tick), x2: x(tick), y1: 4, y2: HEIGHT - 8 }));
  }
  let lastNumber = -Infinity;
  for (const { kind, role, startS, endS, text, ms } of spans(entries, fromS, nowS)) {
    const [left, right] = [clip(startS), clip(endS)];
    const y = LANES[role];
    if (kind === "wait") {
      marks.push(svg("line", { class: "wait", x1: left, x2: right, y1: y + BAR / 2, y2: y + BAR / 2 }));
      const middle = Math.min((left + right) / 2, width - NUMBER_PX / 2);
      if (x(startS) < LABEL_PX || middle - lastNumber < NUMBER_PX) continue; // no room for the number
      lastNumber = middle;
      marks.push(svg("text", { x: middle, y: y + BAR + 12, "text-anchor": "middle" }, `${ms} ms`));
    } else {
      const height = kind === "cut" ? BAR + 6 : BAR;
      const top = y - (height - BAR) / 2;
      marks.push(svg("rect", { class: kind, x: left, y: top, width: Math.max(2, right - left), height, rx: kind === "cut" ? 1 : 5 }, text ? svg("title", {}, text) : null));
    }
  }
  element.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
  const turns = entries.filter(({ role }) => role === "assistant").length;
  element.setAttribute("aria-label", t("timeline.about", { turns, wait: medianWait(entries) ?? "–" }));
  element.replaceChildren(...marks);
}
