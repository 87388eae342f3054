// The page's frame: tabs, and what the server says about itself at the start.

import { byId, getJson, icon } from "./dom.js";
import { t, translate } from "./i18n.js";
import { bindLook } from "./look.js";
import { talkTab } from "./talk-view.js";

const TABS = ["talk", "transcribe", "live", "system"];
const ROOMS = { transcribe: "./transcribe.js", live: "./live.js", system: "./system.js" }; // loaded when first shown
const SETUP_AGAIN_MS = 4_000;
const SETUP_SOON_MS = 1_000; // while something is missing
const GOOD_NEWS_MS = 6_000;
const SERVICES = ["asr", "llm", "tts"];

const rooms = new Map(); // tab -> {shown(), hidden?(), refresh()}
let setup = {};
let known = ""; // the part of it that the rooms show, as text
let problem = ""; // why there is no answer: the key of a sentence
let goodUntil = 0;
let timer = 0;
let tab = "";

function nameTab() {
  if (tab) document.title = `${t(`tab.${tab}`)} · Huiyin 回音`;
}

async function show(name) {
  const chosen = TABS.includes(name) ? name : TABS[0];
  if (chosen === tab) return;
  rooms.get(tab)?.hidden?.();
  tab = chosen;
  for (const other of TABS) {
    const selected = other === tab;
    byId(`tab-${other}`).setAttribute("aria-selected", selected);
    byId(`tab-${other}`).tabIndex = selected ? 0 : -1;
    byId(other).hidden = !selected;
  }
  nameTab();
  if (!rooms.has(tab)) {
    const room = await import(ROOMS[chosen]);
    if (!rooms.has(chosen)) rooms.set(chosen, room.open(byId(chosen), () => setup));
    translate(byId(chosen));
  }
  if (tab === chosen) rooms.get(chosen).shown?.();
}

function bindTabs() {
  for (const name of TABS) {
    const button = byId(`tab-${name}`);
    button.addEventListener("click", () => { location.hash = name; });
    button.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = TABS[(TABS.indexOf(name) + step + TABS.length) % TABS.length];
      location.hash = next;
      byId(`tab-${next}`).focus();
    });
  }
  addEventListener("hashchange", () => show(location.hash.slice(1)));
}

/** What the page needs to know, asked again and again: a service may stop while the page is open. */
async function learn() {
  try {
    const [before, wasSilent] = [setup.services, Boolean(problem)];
    setup = await getJson("/api/setup");
    problem = "";
    showServices(before, wasSilent);
    const { services, ...rest } = setup;
    if (JSON.stringify(rest) !== known) for (const room of rooms.values()) room.refresh();
    known = JSON.stringify(rest);
  } catch (error) {
    problem = error.status === 401 ? "page.key" : "page.silent";
    showServices();
  }
  const well = !problem && SERVICES.every((name) => setup.services[name] === "ready");
  clearTimeout(timer);
  timer = setTimeout(() => { if (!document.hidden) learn(); }, well ? SETUP_AGAIN_MS : SETUP_SOON_MS);
}

/** What is missing, in words; for a moment, what is back. */
function showServices(before = {}, wasSilent = false) {
  if (problem) return banner(t(problem));
  if (!setup.services) return;
  const say = (key, name) => t(`page.${key}`, { service: t(`service.${name}`), name });
  const wrong = SERVICES.filter((name) => setup.services[name] !== "ready");
  const back = SERVICES.filter((name) => before[name] && before[name] !== "ready" && !wrong.includes(name));
  const good = [wasSilent && t("page.answers"), ...back.map((name) => say("ready", name))].filter(Boolean);
  const bad = wrong.map((name) => say(setup.services[name], name));
  if (good.length || bad.length || Date.now() > goodUntil) banner([...bad, ...good].join(" "), !bad.length);
  goodUntil = good.length ? Date.now() + GOOD_NEWS_MS : goodUntil;
}

function banner(text, isGood = false) {
  if (byId("banner").textContent === text) return; // it would be read out again
  byId("banner").hidden = !text;
  byId("banner").classList.toggle("good", isGood);
  byId("banner").replaceChildren(icon(isGood ? "ok" : "warn"), text);
}

for (const element of document.querySelectorAll("[data-icon]")) element.prepend(icon(element.dataset.icon));
rooms.set("talk", talkTab(() => setup));
document.addEventListener("visibilitychange", () => { if (!document.hidden) learn(); });
bindLook(() => {
  for (const room of rooms.values()) room.refresh();
  showServices();
  nameTab();
});
bindTabs();
show(location.hash.slice(1));
performance.mark("usable");
learn();
