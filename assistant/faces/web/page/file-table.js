// The table of files on the Transcribe tab: a row for each, with how it goes or what became of it.

import { moodMark } from "./captions.js";
import { compressedBytes } from "./compress.js";
import { byId, clock, h, icon } from "./dom.js";
import { percent, t } from "./i18n.js";

const MEGA = 2 ** 20;
const STILL = new Set(["waiting", "to-compress", "lost", "asking", "queued", "stopping"]); // nothing moves

/** What a row is called. */
export const nameOf = ({ name }) => name || t("file.earlier");

export class FileTable {
  /** `body`: the element of the rows. `on`: {show, retry, compress, remove}, called with a row of `files`. */
  constructor(body, files, limits, on) {
    Object.assign(this, { body, files, limits, on });
  }

  /** All of it anew; `shown` is the row whose transcript is seen. */
  draw(shown) {
    keepingFocus(this.body, () => this.body.replaceChildren(...this.files.rows.map((row) => this.#element(row, shown))));
  }

  /** One row anew; while it goes on as it did only its progress, so that the focus stays where it is. */
  drawRow(row, shown) {
    const element = byId(row.key);
    if (!element) return;
    const progress = element.querySelector(".progress");
    const isSame = element.dataset.state === row.state && element.className === (row === shown ? "on" : "");
    if (isSame && progress && !row.reason) progress.replaceWith(progressOf(row));
    else keepingFocus(element, () => element.replaceWith(this.#element(row, shown)));
  }

  #element(row, shown) {
    const { state, summary } = row;
    const name = nameOf(row);
    const readable = state === "done" || state === "recognising";
    const problem = this.#problem(row);
    const mood = summary && moodMark(summary.emotion);
    const away = t(state === "recognising" || state === "sending" ? "file.cancel" : "file.remove", { name });
    return h(
      "tr", { id: row.key, class: row === shown ? "on" : "", "data-state": state },
      h("th", { scope: "row", colspan: problem.length ? 4 : null },
        readable ? h("button", { class: "link", "aria-current": row === shown, onclick: () => this.on.show(row) }, name) : name,
        mood ? h("span", { class: "marks" }, mood) : null,
        problem.length ? h("p", { class: "bad" }, problem) : null),
      problem.length ? null : state === "done" ? facts(row) : h("td", { colspan: 3 }, progressOf(row)),
      h("td", { class: "act" }, h("button", { class: "quiet round", "aria-label": away, title: away, disabled: state === "stopping", onclick: () => this.on.remove(row) }, icon("close"))),
    );
  }

  /** What is wrong, and what can be done about it. */
  #problem(row) {
    const again = (words, act) => [" ", h("button", { class: "link", onclick: () => act(row) }, words)];
    if (row.state === "gone") return [t("file.gone"), ...(row.file ? again(t("file.again"), this.on.retry) : [" ", t("file.gone.send")])];
    if (row.state === "failed") return [row.reason, ...again(t("file.again"), this.on.retry)];
    if (row.state !== "too-large") return row.reason ? [row.reason] : [];
    const size = { size: megabytes(row.file.size), most: this.limits()?.max_upload_mb };
    if (!row.format) return [t("file.too_large", size)];
    return [t("file.too_large_wav", size), ...again(t("file.compress", { size: megabytes(compressedBytes(row.format)) }), this.on.compress)];
  }
}

/** Lets `replace` replace what is in `element`; what had the focus in it has it again. */
function keepingFocus(element, replace) {
  const focused = element.contains(document.activeElement) ? document.activeElement : null;
  const key = focused?.closest("tr").id;
  replace();
  if (focused) byId(key)?.querySelector(focused.closest(".act") ? ".act button" : ".link")?.focus();
}

function facts({ summary }) {
  const { duration_s, language, confidence, rtf } = summary;
  const cell = (head, text) => h("td", { "data-name": t(`file.${head}`) }, text);
  return [cell("length", clock(duration_s)), cell("confidence", language ? percent(confidence) : "–"), cell("speed", rtf ? `${Math.round(1 / rtf)} ×` : "–")];
}

function progressOf({ state, share }) {
  if (STILL.has(state)) return h("span", { class: "progress" }, t(`file.${state}`));
  const bar = h("progress", { max: 1, "aria-label": t(`file.${state}`) });
  if (share !== null) bar.value = share;
  return h("span", { class: "progress" }, bar, t(`file.${state}`), share ? ` ${percent(share)}` : "");
}

const megabytes = (bytes) => (bytes < 10 * MEGA ? (bytes / MEGA).toFixed(1) : Math.round(bytes / MEGA));
