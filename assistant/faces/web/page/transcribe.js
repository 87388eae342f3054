// The Transcribe tab: files wait in a queue, are sent two at a time, and each says how it goes. A failed one does not
// stop the others.

import { compress, compressedBytes, compressible } from "./compress.js";
import { byId, clock, download, fillSelect, h, icon, stamp } from "./dom.js";
import { FORMATS } from "./formats.js";
import { languageOptions, percent, t } from "./i18n.js";
import { NoMicrophone, openMicrophone } from "./microphone.js";
import { choices } from "./state.js";
import { TranscriptView } from "./transcript-view.js";
import { moodMark } from "./captions.js";
import { report, transcribe } from "./upload.js";
import { zipParts } from "./zip.js";

const AT_ONCE = 2;
const MEGA = 2 ** 20;
const RUNNING = new Set(["compressing", "sending", "recognising"]);

export function open(root, setup) {
  const jobs = []; // {id, file, state, share, reason, result, format, abort}
  let added = 0; // files so far: an id is not used again
  let shown = null; // the job whose transcript is seen
  let view = null;
  let recorder = null;

  const options = () => ({
    language: byId("asr-language").value,
    hotwords: byId("asr-hotwords").value.trim(),
    itn: byId("asr-itn").checked,
  });

  root.append(...layout());
  const table = byId("files");

  async function add(files) {
    for (const file of files) {
      const job = { id: `file-${added++}`, file, state: "waiting", share: 0, reason: "", abort: new AbortController() };
      jobs.push(job);
      const most = (setup().limits?.max_upload_mb ?? Infinity) * MEGA;
      if (file.size > most) {
        job.state = "too-large";
        job.format = await compressible(file).catch(() => null);
        if (job.format && compressedBytes(job.format) > most) job.format = null;
      }
      draw();
    }
    next();
  }

  function next() {
    while (jobs.filter(({ state }) => RUNNING.has(state)).length < AT_ONCE) {
      const job = jobs.find(({ state }) => state === "waiting" || state === "to-compress");
      if (!job) return;
      run(job);
    }
  }

  async function run(job) {
    const set = (state, share) => { Object.assign(job, { state, share }); draw(job); };
    try {
      let file = job.file;
      if (job.state === "to-compress") {
        set("compressing", 0);
        file = await compress(file, job.format, (share) => set("compressing", share), job.abort.signal);
      }
      set("sending", 0);
      job.result = await transcribe(file, options(), {
        sent: (share) => set(share < 1 ? "sending" : "recognising", share < 1 ? share : null),
        segments: (_, share) => set("recognising", share),
      }, job.abort.signal);
      job.sent = file;
      set("done", 1);
      if (!shown) show(job);
    } catch (error) {
      if (error.name === "AbortError") return;
      job.reason = error.message || t("file.unreachable");
      set("failed", 0);
    } finally {
      next();
    }
  }

  function show(job) {
    view?.close();
    shown = job;
    view = job ? new TranscriptView(job.result, job.file) : null;
    byId("result").replaceChildren(...(job ? [resultHead(job), view.element] : [h("p", { class: "empty" }, t("file.none"))]));
    draw();
  }

  function remove(job) {
    job.abort.abort();
    jobs.splice(jobs.indexOf(job), 1);
    if (shown === job) show(jobs.find(({ state }) => state === "done") ?? null);
    draw();
    next();
  }

  /** One row anew, or all of the table. */
  function draw(job = null) {
    const row = job && byId(job.id);
    if (row) row.replaceWith(rowOf(job));
    else table.replaceChildren(...jobs.map(rowOf));
    byId("files-table").hidden = !jobs.length;
    byId("save-all").hidden = jobs.filter(({ state }) => state === "done").length < 2;
  }

  function rowOf(job) {
    const { file, state, result, share, reason } = job;
    const again = () => {
      job.state = "waiting";
      next();
      draw(job);
    };
    const open = state === "done" && h("button", { class: "link", "aria-current": job === shown, onclick: () => show(job) }, file.name);
    const status = {
      done: () => [h("td", { "data-name": t("file.length") }, clock(result.duration_s)), h("td", { "data-name": t("file.confidence") }, result.segments.length ? percent(result.confidence) : "–"),
        h("td", { "data-name": t("file.speed") }, result.rtf ? `${Math.round(1 / result.rtf)} ×` : "–")],
    }[state] ?? (() => [h("td", { colspan: 3 }, progress(state, share))]);
    const problem = { failed: () => [reason, " ", h("button", { class: "link", onclick: again }, t("file.again"))], "too-large": () => tooLarge(job) }[state];
    const mood = result && moodMark(result.emotion);
    return h(
      "tr", { id: job.id, class: job === shown ? "on" : "", "data-state": state },
      h("th", { scope: "row", colspan: problem ? 4 : null }, open || file.name, mood ? h("span", { class: "marks" }, mood) : null, problem ? h("p", { class: "bad" }, problem()) : null),
      problem ? null : status(),
      h("td", { class: "act" }, h("button", { class: "quiet round", "aria-label": t("file.remove", { name: file.name }), title: t("file.remove", { name: file.name }), onclick: () => remove(job) }, icon("close"))),
    );
  }

  function tooLarge(job) {
    const facts = { size: megabytes(job.file.size), most: setup().limits?.max_upload_mb };
    if (!job.format) return [t("file.too_large", facts)];
    const small = megabytes(compressedBytes(job.format));
    return [t("file.too_large_wav", facts), " ", h("button", { class: "link", onclick: () => { job.state = "to-compress"; draw(job); next(); } }, t("file.compress", { size: small }))];
  }

  function resultHead(job) {
    const save = (kind) => async () => {
      const name = `${stem(job.file.name)}.${kind}`;
      if (kind === "html") {
        byId("result-note").textContent = t("file.report");
        const page = await report(job.sent, options()).catch((error) => { byId("result-note").textContent = error.message; });
        if (!page) return;
        byId("result-note").textContent = "";
        download(name, page, "text/html");
      } else download(name, FORMATS[kind].make(job.result), FORMATS[kind].type);
    };
    return h(
      "div", { class: "result-head" },
      h("h2", { dir: "auto" }, job.file.name),
      h("div", { class: "formats", role: "group", "aria-label": t("file.download") }, icon("save"), [...Object.keys(FORMATS), "html"].map((kind) => h("button", { class: "chip", onclick: save(kind) }, kind))),
      h("p", { id: "result-note", class: "hint", role: "status" }),
    );
  }

  async function saveAll() {
    const done = jobs.filter(({ state }) => state === "done");
    const files = done.flatMap(({ file, result }) => Object.entries(FORMATS).map(([kind, { make }]) => ({ name: `${stem(file.name)}.${kind}`, text: make(result) })));
    for (const job of done) {
      const text = await report(job.sent, options()).catch(() => null);
      if (text) files.push({ name: `${stem(job.file.name)}.html`, text });
    }
    download(`huiyin ${stamp()}.zip`, zipParts(files), "application/zip");
  }

  async function record() {
    if (recorder) return recorder.stop();
    try {
      const stream = await openMicrophone(choices.get("input"));
      recorder = new MediaRecorder(stream);
      const parts = [];
      recorder.ondataavailable = ({ data }) => parts.push(data);
      recorder.onstop = () => {
        stream.getTracks().forEach((track) => track.stop());
        const end = recorder.mimeType.includes("mp4") ? "m4a" : "webm";
        add([new File(parts, `${t("file.recording")} ${stamp().slice(11)}.${end}`, { type: recorder.mimeType })]);
        recorder = null;
        drawRecord();
      };
      recorder.start(1_000);
      byId("drop-note").textContent = "";
    } catch (error) {
      byId("drop-note").textContent = t(`mic.${error instanceof NoMicrophone ? error.code : "unknown"}`);
    }
    drawRecord();
  }

  function drawRecord() {
    byId("record").classList.toggle("recording", Boolean(recorder));
    byId("record").lastChild.data = t(recorder ? "file.record_stop" : "file.record");
  }

  function layout() {
    const input = h("input", { type: "file", id: "choose", class: "hidden", multiple: true, accept: "audio/*,video/*", tabindex: -1, "aria-hidden": "true", onchange: ({ target }) => { add([...target.files]); target.value = ""; } });
    const drop = h(
      "div", { class: "drop", id: "drop" },
      icon("transcribe"), h("p", { class: "drop-title", "data-t": "file.drop" }), h("p", { class: "hint", id: "file-limit" }),
      h("div", { class: "controls" },
        h("button", { class: "pill primary", onclick: () => input.click(), "data-t": "file.choose" }),
        h("button", { class: "pill", id: "record", onclick: record }, icon("talk"), t("file.record"))),
      h("p", { class: "hint warn", id: "drop-note", role: "status" }), input,
    );
    root.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); });
    root.addEventListener("dragleave", (event) => { if (!root.contains(event.relatedTarget)) drop.classList.remove("over"); });
    root.addEventListener("drop", (event) => { event.preventDefault(); drop.classList.remove("over"); add([...event.dataTransfer.files]); });
    const fields = h(
      "form", { class: "options", onsubmit: (event) => event.preventDefault() },
      h("label", {}, h("span", { "data-t": "asr.language" }), h("select", { id: "asr-language" })),
      h("label", {}, h("span", { "data-t": "asr.hotwords" }), h("input", { id: "asr-hotwords", "data-t-placeholder": "asr.hotwords.example" })),
      h("label", { class: "line wide" }, h("input", { type: "checkbox", id: "asr-itn", checked: true }), h("span", { "data-t": "asr.itn" })),
    );
    const heads = ["file.name", "file.length", "file.confidence", "file.speed"].map((key) => h("th", { scope: "col", "data-t": key }));
    const list = h(
      "div", { class: "card", id: "files-table", hidden: true },
      h("div", { class: "card-head" }, h("h2", { "data-t": "file.files" }), h("button", { class: "quiet", id: "save-all", hidden: true, onclick: saveAll }, icon("save"), h("span", { "data-t": "file.save_all" }))),
      h("table", { class: "files" }, h("thead", {}, h("tr", {}, heads, h("th", {}, h("span", { class: "hidden", "data-t": "file.act" })))), h("tbody", { id: "files" })),
    );
    return [
      h("h1", { class: "hidden", "data-t": "tab.transcribe" }),
      h("div", { class: "columns" }, h("div", { class: "column" }, h("div", { class: "card" }, drop, fields), list), h("div", { class: "card result", id: "result" })),
    ];
  }

  const refresh = () => {
    const { limits, languages } = setup();
    byId("file-limit").textContent = limits ? t("file.limit", { most: limits.max_upload_mb }) : "";
    fillSelect("asr-language", languageOptions(languages), byId("asr-language").value);
    drawRecord();
    show(shown);
  };
  refresh();
  return { refresh };
}

function progress(state, share) {
  const bar = h("progress", { max: 1, "aria-label": t(`file.${state}`) });
  if (share !== null && state !== "waiting") bar.value = share;
  return h("span", { class: "progress" }, state === "waiting" ? null : bar, t(`file.${state}`), share && state !== "waiting" ? ` ${percent(share)}` : "");
}

const megabytes = (bytes) => (bytes < 10 * MEGA ? (bytes / MEGA).toFixed(1) : Math.round(bytes / MEGA));
const stem = (name) => name.replace(/\.\w{1,5}$/, "");
