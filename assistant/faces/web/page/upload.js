// A recording to the recogniser. XMLHttpRequest, since fetch tells nothing of an upload's progress; the browser reads
// the file from disk as it sends it.

import { noAnswer, refusal } from "./dom.js";
import { words } from "./errors.js";
import { language } from "./i18n.js";

const PEAKS = 1_200;
const EVENT = /^data: (.*)$/m;

/** Server-sent events in a text that grows. Pure. */
export class EventReader {
  #at = 0;

  /** The events that are whole in `text` and were not returned before. */
  read(text) {
    const events = [];
    for (let end; (end = text.indexOf("\n\n", this.#at)) >= 0; this.#at = end + 2) {
      const found = EVENT.exec(text.slice(this.#at, end));
      if (found) events.push(JSON.parse(found[1]));
    }
    return events;
  }
}

/** Fields of the form for the options {language, hotwords, itn}. */
export function fieldsOf({ language, hotwords, itn }) {
  const fields = { itn: String(itn) };
  if (language) fields.language = language;
  if (hotwords) fields.hotwords = hotwords;
  return fields;
}

/** The job that transcribes it. `sent(share)` of the upload. Raises Error as `getJson` does, AbortError. */
export function sendToJobs(file, options, sent, signal) {
  return post("/jobs", file, { ...fieldsOf(options), words: "true" }, (request, resolve, reject) => {
    request.upload.onprogress = ({ loaded, total }) => sent(loaded / total);
    request.onload = () => (request.status === 202 ? resolve(JSON.parse(request.responseText)) : reject(refusal(request.status, request.responseText)));
  }, signal);
}

/** The result, of which nothing is kept. `on`: {sent(share), segments(list, share)}. Raises what `sendToJobs` raises. */
export function transcribe(file, options, on, signal) {
  const fields = { ...fieldsOf(options), stream: "true", subtitles: "srt", peaks: String(PEAKS) };
  return post("/asr", file, fields, (request, resolve, reject) => {
    const reader = new EventReader();
    const take = () => {
      if (request.status !== 200) return;
      for (const event of reader.read(request.responseText)) {
        if (event.type === "segments") on.segments(event.segments, event.total_s ? event.position_s / event.total_s : null);
        else if (event.type === "done") resolve(event.result);
        else if (event.error) reject(new Error(words(event.error)));
      }
    };
    request.upload.onprogress = ({ loaded, total }) => on.sent(loaded / total);
    request.onprogress = take;
    request.onload = () => {
      take();
      reject(request.status === 200 ? noAnswer() : refusal(request.status, request.responseText)); // without effect where "done" came
    };
  }, signal);
}

/** The report on one page, made by the server (which has the transcript in its cache). */
export function report(file, options, signal) {
  return post("/asr", file, { ...fieldsOf(options), format: "html", title: file.name }, (request, resolve, reject) => {
    request.onload = () => (request.status === 200 ? resolve(request.responseText) : reject(refusal(request.status, request.responseText)));
  }, signal);
}

function post(address, file, fields, listen, signal) {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    form.append("file", file, file.name);
    const request = new XMLHttpRequest();
    request.open("POST", address);
    request.setRequestHeader("Accept-Language", language());
    listen(request, resolve, reject);
    request.onerror = () => reject(noAnswer());
    request.onabort = () => reject(new DOMException("", "AbortError"));
    signal?.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}
