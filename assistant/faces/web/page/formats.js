// A transcript in the formats that people want, from the JSON of POST /asr (which brings its own SubRip). No DOM.

const BOM = "\ufeff"; // without it Excel takes UTF-8 for the local code page
const FORMULA = /^[\s\u3000]*[=+\-@＝＋－＠\t\r]/; // a cell that a spreadsheet would run

export const FORMATS = {
  txt: { type: "text/plain", make: ({ text }) => `${text}\n` },
  srt: { type: "application/x-subrip", make: ({ subtitles }) => subtitles ?? "" },
  vtt: { type: "text/vtt", make: ({ subtitles }) => webVtt(subtitles ?? "") },
  csv: { type: "text/csv", make: ({ segments }) => csv(segments) },
  json: { type: "application/json", make: (result) => JSON.stringify({ ...result, subtitles: undefined, waveform: undefined }, null, 1) },
};

/** WebVTT from SubRip: a full stop in the times, and marks that would be tags written out. */
export function webVtt(srt) {
  const lines = srt.split(/\r?\n/).map((line) => {
    if (/^\d\d:\d\d:\d\d,\d{3} --> /.test(line)) return line.replaceAll(/,(\d{3})/g, ".$1");
    return line.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  });
  return `WEBVTT\n\n${lines.join("\n")}`;
}

function csv(segments) {
  const labels = [...new Set(segments.flatMap(({ emotion }) => Object.keys(emotion?.scores ?? {})))];
  const head = ["start_s", "end_s", "text", "language", "confidence", "emotion", "emotion_confidence", ...labels.map((label) => `emotion_${label}`), "events"];
  const rows = segments.map(({ start_s, end_s, text, language, confidence, emotion, events }) => [
    number(start_s), number(end_s), text, language, number(confidence), emotion?.label ?? "", number(emotion?.confidence),
    ...labels.map((label) => number(emotion?.scores?.[label])), events.map(({ label }) => label).join("; "),
  ]);
  return BOM + [head, ...rows].map((row) => row.map(cell).join(",")).join("\n") + "\n";
}

const number = (value) => (value === undefined ? "" : value.toFixed(3));

function cell(value) {
  const text = FORMULA.test(value) ? `'${value}` : value;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
