// The page's frame: tabs, language, theme, and what the server says about itself at the start.

import { byId, getJson, icon } from "./dom.js";
import { language, t, translate } from "./i18n.js";
import { choices } from "./state.js";
import { talkTab } from "./talk-view.js";

const TABS = ["talk", "transcribe", "live", "system"];
const ROOMS = { transcribe: "./transcribe.js", live: "./live.js", system: "./system.js" }; // loaded when first shown
const SETUP_AGAIN_MS = 2_000;
const SERVICES = ["asr", "llm", "tts"];

const rooms = new Map(); // tab -> {shown(), hidden?(), refresh()}
let setup = {};
let tab = "";

const systemDark = matchMedia("(prefers-color-scheme: dark)");

function applyTheme() {
  const dark = choices.get("theme") ? choices.get("theme") === "dark" : systemDark.matches;
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  for (const room of rooms.values()) room.refresh();
}

function applyLanguage() {
  document.documentElement.lang = language() === "zh" ? "zh-CN" : "en";
  translate();
  byId("switch-language").textContent = t("language.switch");
  byId("switch-language").lang = language() === "zh" ? "en" : "zh";
  for (const room of rooms.values()) room.refresh();
  showServices();
  nameTab();
}

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

/** What the page needs to know; asked again until the server answers and its services are ready. */
async function learn() {
  let again = false;
  try {
    setup = await getJson("/api/setup");
    again = SERVICES.some((name) => ["loading", "down"].includes(setup.services?.[name]));
    showServices();
  } catch (error) {
    again = true;
    banner(t(error.status === 401 ? "page.key" : "page.down"));
  }
  for (const room of rooms.values()) room.refresh();
  if (again) setTimeout(learn, SETUP_AGAIN_MS);
}

function showServices() {
  if (!setup.services) return;
  const wrong = SERVICES.filter((name) => setup.services[name] && setup.services[name] !== "ready");
  banner(wrong.map((name) => t("page.service", { service: t(`service.${name}`), status: t(`status.${setup.services[name]}`) })).join(" "));
}

function banner(text) {
  byId("banner").hidden = !text;
  byId("banner").replaceChildren(icon("warn"), text);
}

for (const element of document.querySelectorAll("[data-icon]")) element.prepend(icon(element.dataset.icon));
rooms.set("talk", talkTab(() => setup));
byId("switch-language").addEventListener("click", () => choices.set("language", language() === "zh" ? "en" : "zh"));
byId("switch-theme").addEventListener("click", () => {
  choices.set("theme", document.documentElement.dataset.theme === "dark" ? "light" : "dark");
});
choices.addEventListener("language", applyLanguage);
choices.addEventListener("theme", applyTheme);
systemDark.addEventListener("change", applyTheme);
applyTheme();
applyLanguage();
bindTabs();
show(location.hash.slice(1));
performance.mark("usable");
learn();
