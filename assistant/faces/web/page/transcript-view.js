// One transcript: the waveform with emotions and sounds below it, and the text; a click in either plays from there.

import { moodMark, tagMarks } from "./captions.js";
import { clock, h, svg } from "./dom.js";
import { percent, t } from "./i18n.js";

const HEIGHT = 64;
const LANE = 14;
const GAP = 6;
const MOST_LANES = 4; // kinds of sounds; more are seldom

export class TranscriptView {
  #active = null; // index of the segment that sounds
  #word = null;

  /** `result` of POST /asr; `source`: a File or Blob to play, or its address, null without sound. */
  constructor(result, source) {
    this.result = result;
    this.url = source instanceof Blob ? URL.createObjectURL(source) : null;
    this.audio = source ? h("audio", { controls: true, preload: "metadata", src: this.url ?? source }) : null;
    this.audio?.addEventListener("timeupdate", () => this.#follow());
    this.audio?.addEventListener("error", () => this.audio.replaceWith(h("p", { class: "hint" }, t("transcript.unplayable"))));
    this.list = h("ol", { class: "segments" }, result.segments.map((segment, i) => this.#item(segment, i)));
    this.list.addEventListener("click", (event) => this.#clicked(event));
    this.plot = this.#plot();
    const { language, confidence, emotion, warnings = [] } = result;
    const facts = [
      language && t(`language.${language}`),
      result.duration_s !== undefined && clock(result.duration_s),
      result.segments.length ? t("transcript.confidence", { share: percent(confidence) }) : null,
      result.rtf ? t("transcript.speed", { x: Math.round(1 / result.rtf) }) : null,
      result.model,
    ].filter(Boolean);
    this.element = h(
      "div", { class: "transcript" },
      h("p", { class: "facts" }, facts.join(" · "), moodMark(emotion)),
      warnings.map((warning) => h("p", { class: "warning" }, warning)),
      this.plot, this.audio,
      result.segments.length ? this.list : h("p", { class: "empty" }, t("transcript.empty")),
    );
  }

  close() {
    this.audio?.pause();
    this.audio?.removeAttribute("src");
    this.audio?.load(); // its connection ends
    if (this.url) URL.revokeObjectURL(this.url);
  }

  #item(segment, i) {
    return h(
      "li", { "data-index": i },
      h("button", { class: "time", "aria-label": t("transcript.play", { at: clock(segment.start_s) }) }, clock(segment.start_s)),
      h("p", { class: "text", lang: segment.language, dir: "auto" }, segment.text),
      tagMarks(segment),
    );
  }

  #plot() {
    const { segments, waveform, duration_s: length } = this.result;
    const labels = [...new Set(segments.flatMap(({ events }) => events.map(({ label }) => label)))].slice(0, MOST_LANES);
    const moods = segments.some(({ emotion }) => emotion);
    const lanes = (moods ? 1 : 0) + labels.length;
    const height = HEIGHT + lanes * (LANE + GAP);
    const width = 1000;
    const x = (seconds) => (width * seconds) / (length || 1);
    const lane = (row) => HEIGHT + GAP + row * (LANE + GAP);
    const rect = (span, row, kind, words, opacity) =>
      svg("rect", { class: kind, x: x(span.start_s), y: lane(row), width: Math.max(2, x(span.end_s - span.start_s) - 1), height: LANE, rx: 3, opacity }, svg("title", {}, words));
    this.wave = svg("path", { class: "wave", d: outline(waveform, width, HEIGHT) });
    this.playedWave = svg("path", { class: "wave played", d: this.wave.getAttribute("d") });
    this.playhead = svg("line", { class: "playhead", y1: 0, y2: height, x1: -5, x2: -5 });
    const drawing = svg(
      "svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" },
      this.wave, this.playedWave,
      moods ? segments.filter(({ emotion }) => emotion).map((s) => rect(s, 0, s.emotion.label, `${clock(s.start_s)} ${t(`emotion.${s.emotion.label}`)} ${percent(s.emotion.confidence)}`, 0.35 + 0.65 * s.emotion.confidence)) : null,
      labels.flatMap((label, i) => segments.flatMap(({ events }) => events.filter((event) => event.label === label))
        .map((event) => rect(event, i + (moods ? 1 : 0), "sound", `${clock(event.start_s)} ${t(`event.${label}`)} ${percent(event.confidence)}`, 0.75))),
      this.playhead,
    );
    drawing.style.height = `${height}px`;
    drawing.addEventListener("click", (event) => {
      const box = drawing.getBoundingClientRect();
      this.play((length * (event.clientX - box.left)) / box.width);
    });
    const names = [moods ? t("transcript.emotion") : null, ...labels.map((label) => t(`event.${label}`))].filter(Boolean);
    const used = [...new Set(segments.map(({ emotion }) => emotion?.label).filter(Boolean))];
    return h(
      "div", { class: "plot" },
      h("div", { class: "plot-names", "aria-hidden": "true" }, h("span", { class: "wave-name" }), names.map((name) => h("span", {}, name))),
      drawing,
      h("p", { class: "legend" }, used.map((label) => h("span", { class: `mark ${label}` }, h("i"), t(`emotion.${label}`)))),
    );
  }

  play(seconds) {
    if (!this.audio?.isConnected) return this.#show(seconds);
    this.audio.currentTime = seconds;
    this.audio.play().catch(() => {});
    this.#show(seconds);
  }

  #clicked(event) {
    const item = event.target.closest("li");
    if (!item || !getSelection().isCollapsed) return; // text is being selected
    const segment = this.result.segments[item.dataset.index];
    const offset = event.target.closest(".text") ? offsetAt(item.querySelector(".text"), event) : null;
    const word = offset === null ? null : wordAt(segment, offset);
    this.play(word ? word.start_s : segment.start_s);
  }

  #follow() {
    this.#show(this.audio.currentTime, !this.audio.paused);
  }

  #show(seconds, scroll = false) {
    const share = seconds / (this.result.duration_s || 1);
    this.playhead.setAttribute("x1", 1000 * share);
    this.playhead.setAttribute("x2", 1000 * share);
    this.playedWave.style.clipPath = `inset(0 ${100 * (1 - share)}% 0 0)`;
    const index = this.result.segments.findLastIndex((segment) => segment.start_s <= seconds + 0.01);
    if (index !== this.#active) this.#activate(index, scroll);
    const segment = this.result.segments[index];
    const current = segment?.words?.findLastIndex((word) => word.start_s <= seconds + 0.01) ?? -1;
    if (current === this.#word) return;
    this.#word = current;
    const spans = this.list.children[index]?.querySelectorAll(".word") ?? [];
    spans.forEach((span, i) => span.classList.toggle("on", i === current));
  }

  /** Only the segment that sounds has its words as elements: two hours of them would be too many. */
  #activate(index, scroll) {
    const before = this.list.children[this.#active];
    if (before) {
      before.classList.remove("on");
      before.querySelector(".text").textContent = this.result.segments[this.#active].text;
    }
    this.#active = index;
    this.#word = null;
    const item = this.list.children[index];
    if (!item) return;
    const segment = this.result.segments[index];
    item.classList.add("on");
    const ranges = wordRanges(segment);
    if (ranges.length) {
      let at = 0;
      const parts = ranges.flatMap(([start, end]) => {
        const gap = segment.text.slice(at, start);
        at = end;
        return [gap, h("span", { class: "word" }, segment.text.slice(start, end))];
      });
      item.querySelector(".text").replaceChildren(...parts, segment.text.slice(at));
    }
    if (scroll) item.scrollIntoView({ block: "nearest", behavior: "smooth" });
  }
}

/** Where each word of a segment lies in its text: [start, end] each; [] where they do not match. Pure. */
export function wordRanges({ text, words = [] }) {
  let at = 0;
  const ranges = [];
  for (const { text: word } of words) {
    const start = text.indexOf(word.trim(), at);
    if (start < 0) return [];
    at = start + word.trim().length;
    ranges.push([start, at]);
  }
  return ranges;
}

/** The word at a place in the segment's text; null without times. Pure. */
export function wordAt(segment, offset) {
  const index = wordRanges(segment).findLastIndex(([start]) => start <= offset);
  return index < 0 ? null : segment.words[index];
}

/** Characters of `element` before the point of a click. */
function offsetAt(element, { clientX, clientY }) {
  const caret = document.caretPositionFromPoint?.(clientX, clientY);
  const range = caret ? null : document.caretRangeFromPoint?.(clientX, clientY);
  const [node, offset] = caret ? [caret.offsetNode, caret.offset] : range ? [range.startContainer, range.startOffset] : [];
  if (!node || !element.contains(node)) return null;
  const before = document.createRange();
  before.setStart(element, 0);
  before.setEnd(node, offset);
  return before.toString().length;
}

/** The waveform as one path of mirrored bars. Pure. */
export function outline(waveform, width, height) {
  const peaks = waveform?.peaks ?? [];
  const middle = height / 2;
  return peaks.map((peak, i) => {
    const x = ((i + 0.5) * width) / peaks.length;
    const half = Math.max(0.5, Math.min(1, peak) * (middle - 2));
    return `M${x.toFixed(1)} ${(middle - half).toFixed(1)}V${(middle + half).toFixed(1)}`;
  }).join("");
}
