// The Live tab: dictation from the microphone over WS /v1/stream (docs/live.md). What two decodings agree on is dark,
// what may still change is light.

import { Audio } from "./audio.js";
import { tagMarks } from "./captions.js";
import { byId, clock, download, fillSelect, h, icon, stamp } from "./dom.js";
import { words } from "./errors.js";
import { language, languageOptions, t } from "./i18n.js";
import { NoMicrophone } from "./microphone.js";
import { loudness } from "./orb.js";
import { RATE_HZ } from "./pcm.js";
import { socketUrl } from "./realtime.js";
import { choices } from "./state.js";

export function open(root, setup) {
  const audio = new Audio();
  let socket = null;
  let running = false;
  let waiting = []; // sound before the socket is open
  let segments = [];
  let partial = null;
  let note = "";

  root.append(
    h("h1", { class: "hidden", "data-t": "tab.live" }),
    h("div", { class: "card dictation" },
      h("div", { class: "card-head" },
        h("button", { class: "pill primary", id: "dictate", onclick: () => (running ? finish() : begin()) }, icon("talk"), " "),
        h("span", { class: "meter", "aria-hidden": "true" }, h("i", { id: "live-level" })),
        h("label", { class: "inline" }, h("span", { class: "hidden", "data-t": "asr.language" }), h("select", { id: "live-language" })),
        h("label", { class: "inline grow" }, h("span", { class: "hidden", "data-t": "asr.hotwords" }), h("input", { id: "live-hotwords", "data-t-placeholder": "asr.hotwords" })),
        h("button", { class: "quiet", onclick: copy }, icon("copy"), h("span", { "data-t": "live.copy" })),
        h("button", { class: "quiet", onclick: save }, icon("save"), h("span", { "data-t": "talk.save" })),
        h("button", { class: "quiet", onclick: clear }, icon("close"), h("span", { "data-t": "live.clear" }))),
      h("p", { class: "hint warn", id: "live-note", role: "status" }),
      h("div", { class: "dictated", id: "dictated", tabindex: 0, role: "log", "aria-live": "off", "data-t-label": "tab.live" }),
      h("p", { class: "hidden", id: "live-announcer", "aria-live": "polite" })),
  );

  audio.addEventListener("packet", ({ detail }) => {
    byId("live-level").style.transform = `scaleX(${loudness(detail.level)})`;
    if (socket?.readyState === WebSocket.OPEN) socket.send(detail.samples);
    else if (running) waiting.push(detail.samples);
  });
  audio.addEventListener("silent", () => { note = t("mic.silent"); draw(); });

  async function begin() {
    running = true;
    note = "";
    waiting = [];
    audio.unlock();
    draw();
    try {
      await audio.start();
      await audio.useMicrophone(choices.get("input"));
    } catch (error) {
      note = t(error instanceof NoMicrophone ? `mic.${error.code}` : "audio.unsupported");
      return stop();
    }
    const query = new URLSearchParams({ rate: RATE_HZ, lang: language() });
    if (byId("live-language").value) query.set("language", byId("live-language").value);
    if (byId("live-hotwords").value.trim()) query.set("hotwords", byId("live-hotwords").value.trim());
    const later = segments.at(-1)?.end_s ?? 0; // times go on where the last dictation ended
    const own = new WebSocket(socketUrl(location, `/v1/stream?${query}`));
    socket = own;
    own.onopen = () => {
      for (const samples of waiting) own.send(samples);
      waiting = [];
    };
    own.onmessage = ({ data }) => received(JSON.parse(data), later);
    own.onclose = ({ code }) => {
      if (own !== socket) return;
      if (code !== 1000 && !note) note = t("live.lost");
      stop();
    };
  }

  function received(event, later) {
    if (event.type === "partial") partial = event;
    else if (event.type === "final") {
      partial = null;
      const { segment } = event;
      segments.push({ ...segment, start_s: segment.start_s + later, end_s: segment.end_s + later });
      byId("live-announcer").textContent = segment.text;
    } else if (event.type === "error") note = words(event.error ?? event);
    draw();
  }

  /** No more sound; the last words still come. */
  function finish() {
    if (socket?.readyState === WebSocket.OPEN) socket.send('{"type": "end"}');
    else stop();
    audio.close();
  }

  async function stop() {
    running = false;
    partial = null;
    const own = socket;
    socket = null;
    own?.close();
    draw();
    await audio.close();
  }

  function draw() {
    byId("dictate").lastChild.data = t(running ? "live.stop" : "live.start");
    byId("dictate").classList.toggle("recording", running);
    byId("live-note").textContent = note;
    byId("live-note").classList.toggle("warn", note !== t("live.copied"));
    if (!running) byId("live-level").style.transform = "scaleX(0)";
    const lines = segments.map((segment) =>
      h("p", { lang: segment.language }, h("span", { class: "time" }, clock(segment.start_s)), h("span", {}, segment.text, tagMarks(segment))));
    if (partial?.text) {
      const { text, stable } = partial;
      lines.push(h("p", { class: "partial" }, h("span", { class: "time" }, "…"), h("span", {}, stable, h("span", { class: "ahead" }, text.slice(stable.length)))));
    }
    if (!lines.length) lines.push(h("p", { class: "empty" }, t(running ? "live.speak" : "live.empty")));
    const box = byId("dictated");
    box.replaceChildren(...lines);
    box.scrollTop = box.scrollHeight;
  }

  const text = () => segments.map((segment) => segment.text).join("\n");
  function copy() {
    navigator.clipboard?.writeText(text()).then(() => { note = t("live.copied"); draw(); }, () => {});
  }
  function save() {
    if (segments.length) download(`huiyin ${stamp()}.txt`, `${text()}\n`, "text/plain");
  }
  function clear() {
    segments = [];
    note = "";
    draw();
  }

  const refresh = () => {
    fillSelect("live-language", languageOptions(setup().languages), byId("live-language").value);
    draw();
  };
  refresh();
  return { refresh, hidden: () => running && finish() }; // the microphone is off where the user cannot see it
}
