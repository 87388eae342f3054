// The Transcribe tab: files and their options, the table of files, and the transcript of one of them.

import { byId, clock, download, fillSelect, h, icon, stamp } from "./dom.js";
import { FileTable, nameOf } from "./file-table.js";
import { Files } from "./files.js";
import { FORMATS } from "./formats.js";
import { languageOptions, t } from "./i18n.js";
import { NoMicrophone, openMicrophone } from "./microphone.js";
import { choices } from "./state.js";
import { TranscriptView } from "./transcript-view.js";
import { zipParts } from "./zip.js";

export function open(root, setup) {
  let shown = null; // the row whose transcript is seen
  let view = null; // of it, when it is done
  let recorder = null;

  const options = () => ({
    language: byId("asr-language").value,
    hotwords: byId("asr-hotwords").value.trim(),
    itn: byId("asr-itn").checked,
  });

  root.append(...layout());
  const files = new Files(setup, options);
  const table = new FileTable(byId("files"), files, () => setup().limits, {
    show,
    retry: (row) => files.retry(row),
    compress: (row) => files.compress(row),
    remove: (row) => files.remove(row),
  });
  files.addEventListener("rows", () => {
    if (shown && !files.rows.includes(shown)) show(next());
    draw();
  });
  files.addEventListener("row", ({ detail: row }) => {
    table.drawRow(row, shown);
    drawSaveAll();
    if (!shown && (row.state === "recognising" || row.state === "done")) show(row);
    else if (row === shown && (row.state === "failed" || row.state === "gone")) show(next());
    else if (row === shown && !(row.state === "done" && view)) drawResult();
  });
  addEventListener("beforeunload", (event) => { if (files.unsent || recorder) event.preventDefault(); });

  const next = () => files.rows.find(({ state }) => state === "done") ?? null;

  function draw() {
    table.draw(shown);
    byId("files-table").hidden = !files.rows.length;
    drawSaveAll();
  }

  function drawSaveAll() {
    byId("save-all").hidden = files.rows.filter(({ state }) => state === "done").length < 2;
  }

  function show(row) {
    view?.close();
    [shown, view] = [row, null];
    files.read(row);
    byId("result").replaceChildren();
    drawResult();
    draw();
  }

  /** What there is of the row that is shown: its transcript, its text so far, or nothing. */
  async function drawResult() {
    const row = shown;
    if (row?.state === "recognising" && row.id) return drawSoFar(row);
    if (row?.state !== "done") return byId("result").replaceChildren(h("p", { class: "empty" }, t("file.none")));
    byId("result").replaceChildren(resultHead(row), h("p", { class: "empty" }, t("file.fetching")));
    let body;
    try {
      const result = await files.result(row);
      if (row !== shown || view) return;
      view = new TranscriptView(result, files.sound(row));
      body = view.element;
    } catch (error) {
      body = h("p", { class: "empty" }, error.message);
    }
    if (row === shown && row.state === "done") byId("result").replaceChildren(resultHead(row), body);
  }

  function drawSoFar(row) {
    let text = byId("so-far");
    if (!text) {
      byId("result").replaceChildren(h("div", { class: "result-head" }, h("h2", { dir: "auto" }, nameOf(row))), h("p", { class: "facts" }), h("p", { id: "so-far", dir: "auto" }, ""));
      text = byId("so-far");
    }
    const length = row.length_s ? clock(row.length_s) : "–";
    text.previousElementSibling.textContent = t("file.so_far", { at: clock(row.position_s ?? 0), length });
    const before = text.textContent.length;
    if (row.text.length > before) text.append(row.text.slice(before)); // hours of text are not laid out anew each time
  }

  function resultHead(row) {
    const note = (text) => { byId("result-note").textContent = text; };
    const save = (kind) => async () => {
      try {
        if (kind === "html") note(t("file.report"));
        const name = `${stem(nameOf(row))}.${kind}`;
        if (kind === "html") download(name, await files.report(row), "text/html");
        else download(name, FORMATS[kind].make(await files.result(row)), FORMATS[kind].type);
        note("");
      } catch (error) {
        note(error.message);
      }
    };
    return h(
      "div", { class: "result-head" },
      h("h2", { dir: "auto" }, nameOf(row)),
      h("div", { class: "formats", role: "group", "aria-label": t("file.download") }, icon("save"), [...Object.keys(FORMATS), "html"].map((kind) => h("button", { class: "chip", onclick: save(kind) }, kind))),
      h("p", { id: "result-note", class: "hint", role: "status" }),
    );
  }

  async function saveAll() {
    const parts = [];
    for (const row of files.rows.filter(({ state }) => state === "done")) {
      const name = stem(nameOf(row));
      const [result, page] = [await files.result(row).catch(() => null), await files.report(row).catch(() => null)];
      if (result) for (const [kind, { make }] of Object.entries(FORMATS)) parts.push({ name: `${name}.${kind}`, text: make(result) });
      if (page) parts.push({ name: `${name}.html`, text: page });
    }
    download(`huiyin ${stamp()}.zip`, zipParts(parts), "application/zip");
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
        files.add([new File(parts, `${t("file.recording")} ${stamp().slice(11)}.${end}`, { type: recorder.mimeType })]);
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
    const add = (chosen) => files.add([...chosen]);
    const input = h("input", { type: "file", id: "choose", class: "hidden", multiple: true, accept: "audio/*,video/*", tabindex: -1, "aria-hidden": "true", onchange: ({ target }) => { add(target.files); target.value = ""; } });
    const drop = h(
      "div", { class: "drop", id: "drop" },
      icon("transcribe"), h("p", { class: "drop-title", "data-t": "file.drop" }), h("p", { class: "hint", id: "file-limit" }),
      h("div", { class: "controls" },
        h("button", { class: "pill primary", onclick: () => input.click(), "data-t": "file.choose" }),
        h("button", { class: "pill", id: "record", onclick: record }, icon("talk"), t("file.record"))),
      h("p", { class: "hint", id: "file-kept" }), h("p", { class: "hint warn", id: "drop-note", role: "status" }), input,
    );
    root.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); });
    root.addEventListener("dragleave", (event) => { if (!root.contains(event.relatedTarget)) drop.classList.remove("over"); });
    root.addEventListener("drop", (event) => { event.preventDefault(); drop.classList.remove("over"); add(event.dataTransfer.files); });
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
    const { limits, languages, private: isPrivate } = setup();
    byId("file-limit").textContent = limits ? t("file.limit", { most: limits.max_upload_mb }) : "";
    byId("file-kept").textContent = limits?.keep_days && !isPrivate ? t("file.kept", { days: limits.keep_days }) : "";
    fillSelect("asr-language", languageOptions(languages), byId("asr-language").value);
    drawRecord();
    show(shown);
  };
  refresh();
  return { refresh };
}

const stem = (name) => name.replace(/\.\w{1,5}$/, "");
