// The page of one job.

import { find } from "./dom.js";
import { doneOf, follow, isEnded, refresh } from "./job_live.js";
import "./job_progress.js";
import "./throughput_chart.js";

const PAUSE = 3000;
const SHEET = 48;
const progress = find("job-progress");
const chart = find("throughput-chart");
let refreshed = performance.now();
let failed = 0;

/** @param {import("./job_live.js").Job} job */
async function show(job) {
  const moved = progress.dataset.state !== job.state;
  progress.show(job);
  chart.add(doneOf(job), isEnded(job));
  const count = find("[data-count]");
  count.textContent = /** @type {any} */ (job.counts)[count.dataset.count].toLocaleString("en");
  if (!moved && performance.now() - refreshed < PAUSE) return;
  refreshed = performance.now();
  await refresh(["facts", ...outcome(job), ...(moved ? ["head"] : []), ...(isEnded(job) ? end() : [])]).catch(() => {});
  if (isEnded(job)) find("#spoken").textContent = `The job is ${find("#head .state").textContent}: ${doneOf(job)} of ${job.counts.total} images are done.`;
}

/**
 * Failures and results, unless nothing of what is shown of them has changed.
 * @param {import("./job_live.js").Job} job
 */
function outcome(job) {
  const full = document.querySelectorAll(".sheet li").length >= SHEET;
  const same = full && failed === job.counts.failed && !isEnded(job);
  failed = job.counts.failed;
  return same ? [] : ["outcome"];
}

/** What else the end changes; a curve that was drawn stays. */
const end = () => (chart.querySelector("svg") ? ["bar"] : ["bar", "throughput"]);

if (progress.isOpen) follow(progress.job, progress.dataset.seq, show);
