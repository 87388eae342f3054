// Elements in one expression, downloads, and times for people.

import { words } from "./errors.js";
import { language, t } from "./i18n.js";

export const byId = (id) => document.getElementById(id);

/** h("p", {class: "x", onclick: f}, "text", element, null): an element. */
export function h(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** The same for SVG. */
export function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

function fill(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** A use of the symbol `name` in index.html. */
export function icon(name) {
  return svg("svg", { class: "icon", "aria-hidden": "true" }, svg("use", { href: `#i-${name}` }));
}

/** `options`: [value, text]; `value` is chosen where it is one of them, else the first. */
export function fillSelect(id, options, value) {
  byId(id).replaceChildren(...options.map(([name, text]) => h("option", { value: name }, text)));
  byId(id).value = options.some(([name]) => name === value) ? value : options[0]?.[0] ?? "";
}

/** Offers `parts` as the file `name`. */
export function download(name, parts, type) {
  const url = URL.createObjectURL(new Blob([parts].flat(), { type }));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000); // the browser reads it after the click
}

/** 75.4 as "1:15", 3675 as "1:01:15". */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** A file name's time: 2026-11-28 23.26.13 */
export function stamp(date = new Date()) {
  const local = new Date(date - date.getTimezoneOffset() * 60_000).toISOString();
  return local.slice(0, 19).replace("T", " ").replaceAll(":", ".");
}

/** The JSON of an address. Raises Error with the server's reason in words, its status (0: no answer) and code. */
export async function getJson(address, options) {
  const response = await answer(address, options);
  return response.json().catch(() => { throw noAnswer(); });
}

/** The same for text. */
export async function getText(address) {
  const response = await answer(address);
  return response.text().catch(() => { throw noAnswer(); });
}

async function answer(address, options) {
  const headers = { "Accept-Language": language(), ...options?.headers }; // errors in the page's language
  const response = await fetch(address, { ...options, headers }).catch(() => { throw noAnswer(); });
  if (!response.ok) throw refusal(response.status, await response.text().catch(() => ""));
  return response;
}

/** The Error for a connection that fails. */
export const noAnswer = () => Object.assign(new Error(t("page.unreachable")), { status: 0 });

/** The Error for an answer that is none of success. */
export function refusal(status, body) {
  let error = null;
  try {
    ({ error } = JSON.parse(body));
  } catch {
    // a page of some proxy
  }
  return Object.assign(new Error(words(error) || `HTTP ${status}`), { status, code: error?.code });
}
