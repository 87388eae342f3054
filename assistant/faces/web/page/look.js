// Theme and language of a page, as chosen or as the browser has them, and the two buttons that change them.

import { language, t, translate } from "./i18n.js";
import { choices } from "./state.js";

const systemDark = matchMedia("(prefers-color-scheme: dark)");
const button = (name) => document.getElementById(`switch-${name}`);

function applyTheme() {
  const dark = choices.get("theme") ? choices.get("theme") === "dark" : systemDark.matches;
  document.documentElement.dataset.theme = dark ? "dark" : "light";
}

function applyLanguage() {
  document.documentElement.lang = language() === "zh" ? "zh-CN" : "en";
  translate();
  button("language").textContent = t("language.switch");
  button("language").lang = language() === "zh" ? "en" : "zh";
}

/** Applies both, now and at each change; `changed()` is called after a change, and once at the start. */
export function bindLook(changed = () => {}) {
  const apply = (one) => () => { one(); changed(); };
  choices.addEventListener("theme", apply(applyTheme));
  choices.addEventListener("language", apply(applyLanguage));
  systemDark.addEventListener("change", apply(applyTheme));
  button("language").addEventListener("click", () => choices.set("language", language() === "zh" ? "en" : "zh"));
  button("theme").addEventListener("click", () => {
    choices.set("theme", document.documentElement.dataset.theme === "dark" ? "light" : "dark");
  });
  applyTheme();
  applyLanguage();
  changed();
}
