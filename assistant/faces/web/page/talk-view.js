// The Talk tab's elements: button, words of the state, options, keys, captions, timeline, saving.

import { Captions } from "./captions.js";
import { byId, download, fillSelect, icon, stamp } from "./dom.js";
import { language, t } from "./i18n.js";
import { listDevices } from "./microphone.js";
import { Orb } from "./orb.js";
import { scenario, transcript } from "./save.js";
import { choices } from "./state.js";
import { now, Talk } from "./talk.js";
import { drawTimeline, medianWait } from "./timeline.js";

const TIMELINE_MS = 250;
const TURNS = ["voice", "key", "off", "hold"];
const BUSY = new Set(["speaking", "thinking", "paused"]);
const HINTS = { idle: "hint.idle", listening: "hint.listening", hold: "hint.hold" };

export function talkTab(setup) {
  const talk = new Talk(setup);
  const orb = new Orb(byId("orb"), byId("orb-canvas"));
  const captions = new Captions(byId("captions"), byId("announcer"), talk.conversation);
  captions.onIdea = (text) => talk.type(text);
  let shown = { state: "idle", warning: "" };

  function show() {
    const { state } = shown;
    const warning = shown.warning || (talk.running && state !== "lost" ? talk.problem : "");
    orb.state = state;
    byId("state").textContent = t(`state.${state}`);
    const hint = byId("hint");
    hint.textContent = warning ? t(warning) : hintOf(state, talk);
    hint.classList.toggle("warn", Boolean(warning));
    const holding = talk.running && choices.get("turns") === "hold";
    const action = !talk.running ? "talk.start" : holding ? "state.hold" : "talk.end";
    byId("orb-label").textContent = t(action);
    byId("orb-button").querySelector(".icon").replaceWith(icon(talk.running && !holding ? "stop" : "talk"));
    byId("mute").disabled = byId("end").disabled = !talk.running;
    byId("hush").disabled = !BUSY.has(state);
    byId("mute").setAttribute("aria-pressed", talk.muted);
    byId("mute").lastChild.data = t(talk.muted ? "talk.unmute" : "talk.mute");
  }

  function drawLine() {
    const wait = medianWait(talk.conversation.entries) ?? "–";
    const { bufferMs, underruns, outMs } = talk.stats;
    byId("figures").textContent = bufferMs ? t("timeline.figures", { wait, out: outMs, buffer: bufferMs, gaps: underruns }) : "";
    drawTimeline(byId("timeline"), talk.conversation.entries, now());
  }

  talk.addEventListener("state", ({ detail }) => {
    const same = detail.state === shown.state && !detail.warning;
    shown = { state: detail.state, warning: same ? shown.warning : detail.warning };
    show();
  });
  talk.addEventListener("level", ({ detail }) => orb.push(detail.user, detail.assistant));
  talk.addEventListener("devices", ({ detail }) => fillDevices(detail));
  setInterval(() => { if (talk.running && !document.hidden) drawLine(); }, TIMELINE_MS);
  new ResizeObserver(drawLine).observe(byId("timeline"));

  bindButtons(talk);
  bindKeys(talk);
  bindSaving(talk);
  bindOptions(talk, setup);
  listDevices().then(fillDevices);

  return {
    /** The page's words or colours changed. */
    refresh() {
      captions.render();
      fillOptions(setup());
      listDevices().then(fillDevices);
      show();
      orb.redraw();
      drawLine();
    },
  };
}

function hintOf(state, talk) {
  if (talk.running && talk.audio.state !== "running") return t("hint.resume");
  if (state === "lost") return talk.lost?.in_ms ? t("hint.lost", { s: Math.ceil(talk.lost.in_ms / 1000) }) : t("hint.reconnecting");
  if (state === "listening" && choices.get("turns") === "key") return t("hint.key");
  return HINTS[state] ? t(HINTS[state]) : "";
}

function bindButtons(talk) {
  const button = byId("orb-button");
  const holding = () => talk.running && choices.get("turns") === "hold";
  button.addEventListener("click", () => {
    if (!talk.running) talk.start();
    else if (talk.audio.state !== "running") talk.audio.resume(); // a phone call, a lock screen: sound wants a gesture
    else if (!holding()) talk.stop();
  });
  button.addEventListener("pointerdown", (event) => {
    if (!holding()) return;
    button.setPointerCapture(event.pointerId);
    talk.hold(true);
  });
  for (const type of ["pointerup", "pointercancel"]) button.addEventListener(type, () => talk.hold(false));
  button.addEventListener("contextmenu", (event) => event.preventDefault()); // a long press on a phone
  byId("mute").addEventListener("click", () => talk.mute(!talk.muted));
  byId("hush").addEventListener("click", () => talk.hush());
  byId("end").addEventListener("click", () => talk.stop());
  byId("new-talk").addEventListener("click", () => talk.renew());
  byId("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    const text = byId("typed").value.trim();
    byId("typed").value = "";
    if (text) talk.type(text);
  });
}

function bindKeys(talk) {
  const here = (event) => !byId("talk").hidden && !event.target.closest("input, select, [role=menu]");
  addEventListener("keydown", (event) => {
    if (byId("talk").hidden || event.isComposing) return;
    if (event.key === "Escape" && talk.running) talk.hush();
    if (event.code !== "Space" || !here(event) || choices.get("turns") !== "hold" || !talk.running) return;
    event.preventDefault();
    if (!event.repeat) talk.hold(true);
  });
  addEventListener("keyup", (event) => {
    if (event.code === "Space" && talk.held) {
      event.preventDefault();
      talk.hold(false);
    }
  });
  addEventListener("blur", () => talk.hold(false));
}

function bindSaving(talk) {
  const menu = byId("save-menu");
  const button = byId("save");
  const open = (yes) => {
    menu.hidden = !yes;
    button.setAttribute("aria-expanded", yes);
    if (yes) menu.querySelector("button").focus();
  };
  button.addEventListener("click", () => open(menu.hidden));
  menu.addEventListener("keydown", (event) => {
    const items = [...menu.querySelectorAll("button")];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) items[(items.indexOf(document.activeElement) + step + items.length) % items.length].focus();
    if (event.key === "Escape") {
      event.stopPropagation();
      open(false);
      button.focus();
    }
  });
  addEventListener("pointerdown", (event) => { if (!event.target.closest(".menu")) open(false); });
  menu.addEventListener("click", (event) => {
    const what = event.target.closest("[data-save]")?.dataset.save;
    if (!what) return;
    open(false);
    button.focus();
    const name = `huiyin ${stamp()}`;
    const { conversation, recording } = talk;
    const nothing = what === "sound" ? recording.empty : !conversation.entries.length;
    if (nothing) conversation.notice(t("save.nothing"));
    else if (what === "text") download(`${name}.txt`, transcript(conversation.entries, t), "text/plain");
    else if (what === "sound") download(`${name}.wav`, recording.wav(), "audio/wav");
    else download(`${name}.yaml`, scenario(conversation, { name, turns: choices.get("turns") }, t), "application/yaml");
  });
}

function bindOptions(talk, setup) {
  fillOptions(setup());
  for (const name of ["persona", "voice", "speech", "turns", "input", "output"]) {
    byId(name).addEventListener("change", ({ target }) => choices.set(name, target.value));
  }
  for (const name of ["persona", "voice", "speech", "turns"]) choices.addEventListener(name, () => talk.configure(name));
  choices.addEventListener("input", () => { if (talk.running) talk.useMicrophone(); });
  choices.addEventListener("output", () => {
    byId("output-hint").hidden = !choices.get("output");
    if (talk.running) talk.useLoudspeaker().catch(() => choices.set("output", ""));
  });
  byId("output-field").hidden = !talk.audio.picksLoudspeaker;
  byId("open-options").addEventListener("click", ({ currentTarget }) => {
    currentTarget.setAttribute("aria-expanded", byId("options").classList.toggle("open"));
  });
  byId("options").addEventListener("submit", (event) => event.preventDefault());
}

function fillOptions({ personas = [], voices = [], default_persona = "" }) {
  fillSelect("persona", personas.map(({ name, title }) => [name, title || name]), choices.get("persona") || default_persona);
  const voiceNames = voices.map(({ name, language, gender, engine }) => [name, [name, language && regional(language), gender && t(`gender.${gender}`), engine === "edge" && t("option.voice.online")].filter(Boolean).join(" · ")]);
  fillSelect("voice", [["", t("option.voice.own")], ...voiceNames], choices.get("voice"));
  fillSelect("speech", [["", t("option.speech.any")], ["zh", t("language.zh")], ["en", t("language.en")]], choices.get("speech"));
  fillSelect("turns", TURNS.map((name) => [name, t(`turns.${name}`)]), choices.get("turns"));
}

/** "British English" for en-GB, in the page's language. */
function regional(code) {
  return new Intl.DisplayNames([language()], { type: "language" }).of(code);
}

function fillDevices({ inputs, outputs }) {
  const named = (devices) => devices.filter(({ label, id }) => label && id !== "default").map(({ id, label }) => [id, label]);
  fillSelect("input", [["", t("option.device.default")], ...named(inputs)], choices.get("input"));
  fillSelect("output", [["", t("option.device.default")], ...named(outputs)], choices.get("output"));
}
