// The System tab: what runs here, how fast it answers, and what `huiyin doctor` says.

import { getJson, h, svg } from "./dom.js";
import { language, t } from "./i18n.js";

const AGAIN_MS = 5_000;
const SERVICES = ["asr", "llm", "tts"];
const MAIN = ["engine", "device", "threads", "languages", "running", "waiting", "queue", "streams", "load_s", "rss_mb"];
const NOT_SHOWN = new Set(["service", "state", "versions", "cpus", "python", "platform", "error", "model", "engines"]);
const PARTS = ["hear", "asr", "llm", "tts", "hold", "total"];

export function open(root) {
  let facts = null;
  let checks = null;
  let checkedIn = ""; // the language of `checks`, or of those that are on their way
  let problem = "";
  let timer = 0;
  const box = h("div", { class: "system" });
  root.append(h("h1", { class: "hidden", "data-t": "tab.system" }), box);

  async function learn() {
    try {
      facts = await getJson("/api/system");
      problem = "";
    } catch (error) {
      problem = error.message;
    }
    draw();
    if (!root.hidden) timer = setTimeout(learn, AGAIN_MS);
  }

  async function examine() {
    const asked = (checkedIn = language());
    const found = await getJson(`/api/doctor?language=${asked}`).catch(() => null);
    if (asked !== checkedIn) return;
    checks = found;
    draw();
  }

  function draw() {
    if (document.activeElement?.closest("summary")) return; // a section that is being opened would lose the focus
    const focused = document.activeElement?.id;
    const cards = facts ? [...SERVICES.map((name) => serviceCard(name, facts.services?.[name])), latencyCard(facts.latency), machineCard(facts), doctorCard(checks, examine)] : [];
    box.replaceChildren(problem ? h("p", { class: "warning", role: "status" }, problem) : "", ...cards);
    if (focused) document.getElementById(focused)?.focus();
  }

  return {
    refresh() {
      if (checkedIn && checkedIn !== language()) {
        checks = null;
        checkedIn = "";
        if (!root.hidden) examine();
      }
      draw();
    },
    shown() {
      learn();
      if (!checks) examine();
    },
    hidden: () => clearTimeout(timer),
  };
}

function card(title, ...content) {
  return h("section", { class: "card" }, h("div", { class: "card-head" }, h("h2", {}, title[0]), ...title.slice(1)), content);
}

function rows(pairs) {
  return h("dl", { class: "facts-list" }, pairs.filter(([, value]) => value !== null && value !== undefined && value !== "").map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

function serviceCard(name, facts = {}) {
  const state = facts.state ?? (facts.error ? "failed" : "down");
  const title = facts.model ?? facts.engines?.join(", ") ?? facts.engine ?? "–";
  const rest = Object.entries(facts).filter(([key]) => !MAIN.includes(key) && !NOT_SHOWN.has(key));
  const pair = ([key, value]) => [t(`fact.${key}`), words(value)];
  return card(
    [t(`service.${name}`), h("span", { class: `badge ${state}` }, t(`status.${state}`))],
    h("p", { class: "big" }, title),
    facts.error ? h("p", { class: "warning" }, typeof facts.error === "string" ? facts.error : facts.error.message) : null,
    rows(MAIN.map((key) => pair([key, key === "rss_mb" ? memoryMb(facts) : facts[key]]))),
    rest.length || facts.versions ? more(name, rows([...rest.map(pair), ...Object.entries(facts.versions ?? {})])) : null,
  );
}

/** Of all its processes: embedded language models have one each. */
function memoryMb({ rss_mb, upstreams = [], turn_model = {} }) {
  return rss_mb && Math.round([...upstreams, turn_model].reduce((sum, model) => sum + (model.rss_mb ?? 0), rss_mb));
}

const opened = new Set(); // the cards are made anew every few seconds

function more(name, list) {
  const details = h("details", { open: opened.has(name) }, h("summary", {}, t("system.more")), list);
  details.addEventListener("toggle", () => (details.open ? opened.add(name) : opened.delete(name)));
  return details;
}

/** Any fact as people read it. */
function words(value) {
  if (Array.isArray(value)) return value.map(words).join(", ");
  if (value && typeof value === "object") {
    return Object.entries(value).filter(([, part]) => part !== null && part !== "").map(([key, part]) => `${t(`fact.${key}`)} ${words(part)}`).join(", ");
  }
  if (typeof value === "boolean") return t(value ? "fact.yes" : "fact.no");
  return typeof value === "number" && !Number.isInteger(value) ? String(Math.round(value * 100) / 100) : String(value ?? "");
}

function machineCard({ machine = {}, web = {} }) {
  const gpus = (machine.gpu ?? []).map(({ name, memory_gb }) => [name, memory_gb ? `${memory_gb} GB` : ""].filter(Boolean).join(", "));
  const sessions = web.sessions ?? {};
  return card(
    [t("system.machine")],
    rows([
      [t("system.cpus"), machine.cpus],
      [t("system.memory"), machine.memory_gb && `${machine.memory_gb} GB`],
      [t("system.gpu"), gpus.join("; ") || t("system.no_gpu")],
      [t("system.sessions"), sessions.open === undefined ? null : t("system.sessions_of", sessions)],
      ["Python", web.python],
      ...Object.entries(web.versions ?? {}),
    ]),
  );
}

function latencyCard({ histogram = [], parts = {} } = {}) {
  const table = Object.keys(parts).length ? h(
    "table", { class: "latencies" },
    h("thead", {}, h("tr", {}, h("th", {}, h("span", { class: "hidden" }, t("system.part"))), h("th", { scope: "col" }, t("system.p50")), h("th", { scope: "col" }, t("system.p95")))),
    h("tbody", {}, PARTS.filter((name) => parts[name]).map((name) => h("tr", {}, h("th", { scope: "row" }, h("i", { class: `swatch part-${name}` }), t(`latency.${name}`)), h("td", {}, `${Math.round(parts[name].p50)} ms`), h("td", {}, `${Math.round(parts[name].p95)} ms`)))),
  ) : null;
  if (!histogram.length) return card([t("system.latency")], h("p", { class: "hint" }, t("system.no_latency")), table);
  return card([t("system.latency")], h("p", { class: "hint" }, t("latency.title")), bars(histogram), table);
}

function bars(histogram) {
  const [width, height, foot] = [360, 110, 16];
  const most = Math.max(...histogram.map(([, count]) => count));
  const step = width / histogram.length;
  const total = histogram.reduce((sum, [, count]) => sum + count, 0);
  return svg(
    "svg", { class: "histogram", viewBox: `0 0 ${width} ${height + foot}`, role: "img", "aria-label": t("system.histogram", { count: total }) },
    histogram.map(([ms, count], i) => {
      const tall = (count / most) * (height - 6);
      const isLast = i === histogram.length - 1; // it has all that took longer, too
      const length = isLast ? `> ${histogram[i - 1][0]}` : `≤ ${ms}`;
      return [
        svg("rect", { x: i * step + 2, y: height - tall, width: step - 4, height: tall, rx: 3 }, svg("title", {}, `${length} ms: ${count}`)),
        svg("text", { x: (i + 0.5) * step, y: height + foot - 3, "text-anchor": "middle" }, isLast ? length : ms),
      ];
    }),
  );
}

function doctorCard(checks, examine) {
  const button = h("button", { class: "quiet", id: "examine", onclick: examine }, t("system.examine"));
  if (!checks) return card([t("system.doctor"), button], h("p", { class: "hint" }, t("system.examining")));
  return card([t("system.doctor"), button], h(
    "ul", { class: "checks" },
    checks.map(({ status, text, hint }) => h("li", {}, h("span", { class: `badge ${status}` }, t(`check.${status}`)), h("span", {}, text, hint ? h("small", {}, hint) : null))),
  ));
}
