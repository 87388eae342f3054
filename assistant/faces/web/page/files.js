// The files of the Transcribe tab. Two at a time are sent to /jobs; from then on the recogniser has them, and whatever
// happens to the page, the network or the services, each is found again by its id. A failed one does not stop the
// others. Where nothing may be kept (`huiyin web --private`), they are sent to /asr instead. No DOM.

import { compress, compressedBytes, compressible } from "./compress.js";
import { words } from "./errors.js";
import { t } from "./i18n.js";
import { deleteJob, forget, isPassing, jobReport, jobResult, jobText, listJobs, remember, remembered, retryJob, soundOf } from "./jobs.js";
import { report, sendToJobs, transcribe } from "./upload.js";

const AT_ONCE = 2;
const MEGA = 2 ** 20;
const ASK_MS = 1_000;
const ASK_HIDDEN_MS = 10_000; // nobody looks
const AGAIN_MS = [2_000, 4_000, 8_000, 16_000, 30_000]; // after an upload that broke off
const BEING_SENT = new Set(["compressing", "sending", "recognising-here"]);
const UNSENT = new Set(["waiting", "to-compress", "lost", ...BEING_SENT]);
const AT_WORK = new Set(["asking", "queued", "recognising", "stopping"]);
const STATES = { waiting: "queued", suspended: "queued", running: "recognising", stopping: "stopping", done: "done", failed: "failed" }; // by those of a job

let added = 0; // rows so far: a key is not used again

/** Events: "row" (detail: the row) and "rows", when they have changed. */
export class Files extends EventTarget {
  rows = []; // see #row
  reading = null; // the row whose text is seen as it grows
  #kept = {}; // the result of the row that was read last: those of hours take megabytes
  #timer = 0;
  #acts = 0; // what was asked before one of them is old

  /** `setup()`: that of the page; `options()`: those of the next file. */
  constructor(setup, options) {
    super();
    Object.assign(this, { setup, options });
    this.rows = remembered().map((id) => this.#row({ id, state: "asking" }));
    globalThis.addEventListener?.("online", () => this.#online());
    globalThis.document?.addEventListener("visibilitychange", () => { if (!document.hidden) this.#online(); });
    this.#ask();
  }

  /** Whether a file would be lost with the page: it is here alone. */
  get unsent() {
    return this.rows.some(({ state }) => UNSENT.has(state));
  }

  async add(files) {
    for (const file of files) {
      const row = this.#row({ file, name: file.name, state: "waiting", options: this.options() });
      this.rows.push(row);
      const most = (this.setup().limits?.max_upload_mb ?? Infinity) * MEGA;
      if (file.size > most) {
        row.state = "too-large";
        row.format = await compressible(file).catch(() => null);
        if (row.format && compressedBytes(row.format) > most) row.format = null;
      }
      this.#changed();
    }
    this.#next();
  }

  /** Sends a file that is too large in another form. */
  compress(row) {
    this.#set(row, "to-compress");
    this.#next();
  }

  /** What has failed once more: at the recogniser where it has the recording, else by sending it. */
  async retry(row) {
    if (row.id && row.state === "failed") {
      this.#acts++;
      this.#set(row, "queued");
      try {
        this.#take(row, await retryJob(row.id));
        this.#acts++;
        return this.#ask();
      } catch (error) {
        if (error.status !== 404) return this.#set(row, "failed", 0, error.message);
        if (!row.file) return this.#set(row, "gone");
      }
    }
    if (row.id) forget(row.id);
    row.id = "";
    this.#set(row, "waiting");
    this.#next();
  }

  /** Stops it, deletes what is kept of it, and forgets it. */
  async remove(row) {
    const { state } = row;
    row.abort.abort();
    if (row.id && state !== "gone") {
      this.#set(row, "stopping");
      try {
        await deleteJob(row.id);
      } catch (error) {
        this.#set(row, state, row.share, t("file.not_removed", { why: error.message }));
        return this.#ask();
      }
    }
    this.#drop(row);
  }

  /** The whole transcript of a row that is done. Raises Error with the server's words. */
  async result(row) {
    if (row.result) return row.result;
    if (this.#kept.row === row) return this.#kept.result;
    const result = await this.#or404(row, jobResult(row.id, !row.waveform));
    row.waveform ??= result.waveform;
    this.#kept = { row, result: { ...result, waveform: row.waveform } };
    return this.#kept.result;
  }

  /** The report on one page, made by the server. */
  report(row) {
    return row.id ? this.#or404(row, jobReport(row.id)) : report(row.sent, row.options);
  }

  /** What plays its sound: the file, or an address; null where there is none. */
  sound(row) {
    return row.file ?? (row.id ? soundOf(row.id) : null);
  }

  /** Ask for the text of `row` as it grows; null: of none. */
  read(row) {
    this.reading = row;
    if (row?.state === "recognising") this.#ask();
  }

  #row(facts) {
    return {
      key: `file-${added++}`,
      id: "", // of its job
      file: null, // null after the page was loaded again: the recogniser has it
      name: "",
      state: "waiting", // see STATES, UNSENT; done, failed, gone, too-large
      share: null, // of the work in hand
      length_s: null,
      summary: null, // of a transcript that is done
      waveform: null,
      text: "", // so far, of the one that is read
      reason: "",
      result: null, // only where no job has it
      tries: 0,
      abort: new AbortController(),
      ...facts,
    };
  }

  #next() {
    while (this.rows.filter(({ state }) => BEING_SENT.has(state)).length < AT_ONCE) {
      const row = this.rows.find(({ state }) => state === "waiting" || state === "to-compress");
      if (!row) return;
      this.#send(row);
    }
  }

  async #send(row) {
    const { signal } = row.abort;
    try {
      if (row.state === "to-compress") {
        this.#set(row, "compressing", 0);
        row.sent = await compress(row.file, row.format, (share) => this.#set(row, "compressing", share), signal);
      }
      row.sent ??= row.file;
      this.#set(row, "sending", 0);
      if (this.setup().private || !(await this.#toJobs(row))) await this.#here(row);
    } catch (error) {
      if (error.name === "AbortError") return;
      if (isPassing(error)) this.#later(row);
      else this.#set(row, "failed", 0, error.message);
    } finally {
      this.#next();
    }
  }

  /** False where no job may be kept. */
  async #toJobs(row) {
    try {
      const job = await sendToJobs(row.sent, row.options, (share) => this.#set(row, "sending", share), row.abort.signal);
      const twin = this.rows.find((other) => other !== row && other.id === job.id); // the same recording once more
      if (twin) {
        twin.file = row.file;
        this.#drop(row);
      }
      remember(job.id);
      this.#take(Object.assign(twin ?? row, { id: job.id, tries: 0 }), job);
      this.#ask();
    } catch (error) {
      if (error.code !== "job_not_kept") throw error;
      return false;
    }
    return true;
  }

  async #here(row) {
    row.result = await transcribe(row.sent, row.options, {
      sent: (share) => this.#set(row, share < 1 ? "sending" : "recognising-here", share < 1 ? share : null),
      segments: (_, share) => this.#set(row, "recognising-here", share),
    }, row.abort.signal);
    row.summary = row.result;
    this.#set(row, "done", 1);
  }

  /** The connection broke: the file is sent again when it is back. */
  #later(row) {
    this.#set(row, "lost");
    const wait = AGAIN_MS[Math.min(row.tries++, AGAIN_MS.length - 1)];
    setTimeout(() => this.#sendAgain(row), wait);
  }

  #sendAgain(row) {
    if (row.state !== "lost") return;
    this.#set(row, "waiting");
    this.#next();
  }

  #online() {
    for (const row of this.rows) this.#sendAgain(row);
    this.#ask();
  }

  /** Asks how far the recogniser is, again and again while it has something to do. */
  async #ask() {
    clearTimeout(this.#timer);
    if (!this.rows.some(({ state }) => AT_WORK.has(state))) return;
    this.#timer = setTimeout(() => this.#ask(), globalThis.document?.hidden ? ASK_HIDDEN_MS : ASK_MS);
    const asked = this.rows.filter(({ id, state }) => id && AT_WORK.has(state));
    const acts = this.#acts;
    try {
      const jobs = await listJobs();
      if (acts !== this.#acts) return;
      for (const row of asked) if (AT_WORK.has(row.state)) this.#take(row, jobs.get(row.id));
      const { reading } = this;
      if (reading?.state !== "recognising" || reading.position_s === reading.read_s) return;
      reading.read_s = reading.position_s;
      const text = await jobText(reading.id);
      if (reading.state === "recognising") this.#set(reading, "recognising", reading.share, "", { text });
    } catch {
      // the page's banner says that the server is silent; the recogniser goes on
    }
  }

  /** What the recogniser says of a row's job; undefined: it has none. */
  #take(row, job) {
    if (!job && row.state !== "asking" && !remembered().includes(row.id)) return this.#drop(row); // in another tab
    if (!job) return this.#set(row, "gone");
    if (!row.file) row.name = job.title;
    const { progress, position_s, duration_s: length_s, summary, error } = job;
    this.#set(row, STATES[job.status], progress, words(error), { position_s, length_s, summary });
  }

  async #or404(row, asking) {
    try {
      return await asking;
    } catch (error) {
      if (error.status === 404) this.#set(row, "gone");
      throw error;
    }
  }

  #drop(row) {
    if (row.id && !this.rows.some((other) => other !== row && other.id === row.id)) forget(row.id);
    this.rows = this.rows.filter((other) => other !== row);
    if (this.#kept.row === row) this.#kept = {};
    this.#changed();
    this.#next();
  }

  #set(row, state, share = null, reason = "", more = {}) {
    Object.assign(row, { state, share, reason }, more);
    this.dispatchEvent(new CustomEvent("row", { detail: row }));
  }

  #changed() {
    this.dispatchEvent(new Event("rows"));
  }
}
