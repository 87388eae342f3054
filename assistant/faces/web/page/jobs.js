// Recordings at the recogniser's /jobs: it goes on with them without this page, which remembers their ids, no more.

import { getJson, getText } from "./dom.js";
import { rememberedJobs, rememberJobs } from "./state.js";

const PEAKS = 1_200;
const LASTING = new Set(["model_unavailable", "other_service_key", "deadline"]);

const at = (id, rest = "") => `/jobs/${encodeURIComponent(id)}${rest}`;

/** All jobs there are, by id, without their texts. */
export async function listJobs() {
  const { data } = await getJson("/jobs");
  return new Map(data.map((job) => [job.id, job]));
}

export const jobText = async (id) => (await getJson(at(id))).text;

/** The transcript with its SubRip; with the waveform, for which the recogniser reads the recording once more. */
export const jobResult = (id, withWaveform) => getJson(at(id, `/result?subtitles=srt${withWaveform ? `&peaks=${PEAKS}` : ""}`));

export const jobReport = (id) => getText(at(id, "/result?format=html"));
export const retryJob = (id) => getJson(at(id, "/retry"), { method: "POST" });
export const soundOf = (id) => at(id, "/recording");

/** Stops it, and deletes all that is kept of it; it may be gone already. */
export async function deleteJob(id) {
  await getJson(at(id), { method: "DELETE" }).catch((error) => {
    if (error.status !== 404) throw error;
  });
}

/** Whether what failed may go well later: no connection, or a service that is restarted or busy. */
export function isPassing({ status, code }) {
  return status === 0 || ([429, 502, 503, 504].includes(status) && !LASTING.has(code));
}

// Another tab may remember others: each change is made to what is stored now.
export const remember = (id) => rememberJobs([...rememberedJobs().filter((other) => other !== id), id]);
export const forget = (id) => rememberJobs(rememberedJobs().filter((other) => other !== id));
export const remembered = rememberedJobs;
