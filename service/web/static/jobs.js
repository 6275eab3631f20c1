// The list of jobs: the first that run are listened to, the others are asked for now and then.

import { askJson } from "./ask.js";
import { follow, isEnded, refresh } from "./job_live.js";
import "./job_progress.js";

const STREAMS = 2; // of the six connections that a browser opens to a host
const PAUSE = 3000;

/** @typedef {import("./job_progress.js").JobProgress} JobProgress */

/** @returns {JobProgress[]} */
const openOnes = () => [...document.querySelectorAll("#list job-progress")]
  .map((element) => /** @type {JobProgress} */ (element)).filter((element) => element.isOpen);

/** @type {Set<string>} */
const followed = new Set();

/** @param {import("./job_live.js").Job} job */
function show(job) {
  const row = document.getElementById(`job-${job.id}`);
  const progress = /** @type {JobProgress | null} */ (row?.querySelector("job-progress") ?? null);
  if (!progress) return;
  const changed = progress.dataset.state !== job.state;
  progress.show(job);
  if (isEnded(job)) followed.delete(job.id);
  // The state, and what can be done then, in the server's words.
  if (changed) refresh([`job-${job.id}`]).catch(() => {}).then(listen);
}

/** Listen to as many as may be. */
function listen() {
  for (const element of openOnes()) {
    if (followed.size >= STREAMS) return;
    if (element.dataset.state !== "running" || followed.has(element.job)) continue;
    followed.add(element.job);
    follow(element.job, element.dataset.seq ?? "0", show);
  }
}

async function askForOthers() {
  for (const element of openOnes()) {
    if (!followed.has(element.job)) await askJson(`/v1/jobs/${element.job}`).then(show, () => {});
  }
  setTimeout(askForOthers, PAUSE);
}

listen();
askForOthers();
document.getElementById("plan")?.focus({ preventScroll: true });
