// Transcripts, zip, Ogg and WAV files, and the words of the page, without a browser.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import test from "node:test";
import { fileURLToPath } from "node:url";

import { monoOf, wavFormat } from "../../../assistant/faces/web/page/compress.js";
import { FORMATS, webVtt } from "../../../assistant/faces/web/page/formats.js";
import { WORDS } from "../../../assistant/faces/web/page/i18n.js";
import { OggOpus } from "../../../assistant/faces/web/page/ogg.js";
import { wavParts } from "../../../assistant/faces/web/page/pcm.js";
import { outline, wordAt, wordRanges } from "../../../assistant/faces/web/page/transcript-view.js";
import { EventReader } from "../../../assistant/faces/web/page/upload.js";
import { crc32, zipParts } from "../../../assistant/faces/web/page/zip.js";

const PAGE = fileURLToPath(new URL("../../../assistant/faces/web/page/", import.meta.url));
const sources = [...readdirSync(PAGE), "../login.html"]
  .filter((name) => /\.(js|html)$/.test(name)).map((name) => readFileSync(PAGE + name, "utf8"));

test("every word has two languages, with the same facts in both, and speaks to one person", () => {
  for (const [key, [english, chinese]] of Object.entries(WORDS)) {
    assert.ok(english && chinese, key);
    const facts = (text) => [...text.matchAll(/\{\w+\}/g)].map(([fact]) => fact).sort();
    assert.deepEqual(facts(english), facts(chinese), key);
    assert.ok(!chinese.includes("您"), key);
  }
});

test("every word that the page names is there", () => {
  const named = sources.flatMap((text) => [
    ...[...text.matchAll(/\bt\("([\w.-]+)"/g)], ...[...text.matchAll(/data-t(?:-label|-placeholder)?"?[=:]\s*"([\w.-]+)"/g)],
  ].map(([, key]) => key));
  assert.ok(named.length > 60);
  assert.deepEqual(named.filter((key) => !WORDS[key]), []);
});

test("no word is there in vain", () => {
  const families = ["emotion.", "event.", "language.", "fact.", "status.", "service.", "check.", "latency.", "state.", "turns.", "file.", "mic.", "gender.", "page.", "notice."];
  const text = sources.filter((source) => !source.includes("export const WORDS")).join("\n");
  const unused = Object.keys(WORDS).filter((key) => !families.some((family) => key.startsWith(family)) && !text.includes(`"${key}"`));
  assert.deepEqual(unused, []);
});

test("the page asks at once for all modules that it needs at its start", () => {
  const needed = new Set();
  const add = (name) => {
    if (needed.has(name)) return;
    needed.add(name);
    for (const [, other] of readFileSync(PAGE + name, "utf8").matchAll(/^import .* from "\.\/([\w.-]+)";/gm)) add(other);
  };
  add("main.js");
  needed.delete("main.js");
  const asked = [...readFileSync(`${PAGE}index.html`, "utf8").matchAll(/modulepreload" href="\/page\/([\w.-]+)"/g)].map(([, name]) => name);
  assert.deepEqual(asked, [...needed].sort());
});

const SEGMENT = {
  start_s: 0.4, end_s: 2, text: "=今天, 好", language: "zh", confidence: 0.9, events: [{ label: "laughter" }],
  emotion: { label: "happy", confidence: 0.8, scores: { happy: 0.8, sad: 0.2 } },
  words: [{ text: "今", start_s: 0.5 }, { text: "天,", start_s: 0.8 }, { text: "好", start_s: 1.5 }],
};

test("a table for spreadsheets: no formula runs, commas stay in their cell", () => {
  const [head, row] = FORMATS.csv.make({ segments: [SEGMENT] }).slice(1).split("\n");
  assert.equal(head, "start_s,end_s,text,language,confidence,emotion,emotion_confidence,emotion_happy,emotion_sad,events");
  assert.equal(row, "0.400,2.000,\"'=今天, 好\",zh,0.900,happy,0.800,0.800,0.200,laughter");
});

test("WebVTT has its own form of times, and no tags but its own", () => {
  assert.equal(webVtt("1\n00:00:01,000 --> 00:00:02,500\na < b, 1,000\n"), "WEBVTT\n\n1\n00:00:01.000 --> 00:00:02.500\na &lt; b, 1,000\n");
});

test("a click finds the word under it", () => {
  assert.deepEqual(wordRanges(SEGMENT), [[1, 2], [2, 4], [5, 6]]);
  assert.equal(wordAt(SEGMENT, 3).start_s, 0.8);
  assert.equal(wordAt({ text: "x", words: [] }, 0), null);
  assert.deepEqual(wordRanges({ text: "abc", words: [{ text: "z" }] }), []);
});

test("the waveform stays within its height", () => {
  assert.equal(outline({ peaks: [0, 2] }, 10, 20), "M2.5 9.5V10.5M7.5 2.0V18.0");
});

test("server-sent events are read as they come", () => {
  const reader = new EventReader();
  assert.deepEqual(reader.read('data: {"type": "a"}\n\ndata: {"ty'), [{ type: "a" }]);
  assert.deepEqual(reader.read('data: {"type": "a"}\n\ndata: {"type": "b"}\n\n'), [{ type: "b" }]);
});

test("a zip file's names are its own, and its sums are right", async () => {
  assert.equal(crc32(new TextEncoder().encode("123456789")), 0xcbf43926);
  const parts = zipParts([{ name: "会议.txt", text: "甲" }, { name: "会议.txt", text: "乙" }]);
  const text = await new Blob(parts).text();
  assert.ok(text.includes("会议.txt") && text.includes("会议 (2).txt"));
});

test("Opus packets become pages of a second each", async () => {
  const ogg = new OggOpus(24_000);
  for (let i = 0; i < 120; i++) ogg.add(new Uint8Array(300).fill(i), 20_000);
  const bytes = new Uint8Array(await new Blob(ogg.parts()).arrayBuffer());
  const pages = [];
  for (let at = 0; at < bytes.length; ) {
    assert.equal(String.fromCharCode(...bytes.subarray(at, at + 4)), "OggS");
    const count = bytes[at + 26];
    const size = bytes.subarray(at + 27, at + 27 + count).reduce((sum, value) => sum + value, 0);
    pages.push([bytes[at + 5], Number(new DataView(bytes.buffer).getBigUint64(at + 6, true))]);
    at += 27 + count + size;
  }
  assert.deepEqual(pages, [[2, 0], [0, 0], [0, 48_000], [0, 96_000], [4, 115_200]]);
});

test("WAV files of any kind are understood, others are not", async () => {
  const bytes = await new Blob(wavParts([[Int16Array.of(1, 2, 3)], [Int16Array.of(3, 4, 5)]])).arrayBuffer();
  const format = wavFormat(new DataView(bytes), bytes.byteLength);
  assert.deepEqual([format.rate, format.channels, format.bits, format.start, format.bytes], [24_000, 2, 16, 44, 12]);
  assert.deepEqual([...monoOf(bytes.slice(44), format)].map((x) => x * 32_768), [2, 3, 4]);
  assert.equal(wavFormat(new DataView(new ArrayBuffer(64)), 64), null);
  const wide = Uint8Array.of(0, 0, 0x40, 0, 0, 0xc0).buffer;
  assert.deepEqual([...monoOf(wide, { channels: 1, bits: 24, float: false })], [0.5, -0.5]);
});
