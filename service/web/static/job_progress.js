// <job-progress>: the bar and the numbers of a job.

import { find } from "./dom.js";
import { doneOf, isEnded } from "./job_live.js";

const counted = (/** @type {number} */ count) => count.toLocaleString("en");

export class JobProgress extends HTMLElement {
  get job() {
    return this.dataset.job ?? "";
  }

  get isOpen() {
    return ["queued", "running"].includes(this.dataset.state ?? "");
  }

  /** @param {import("./job_live.js").Job} job */
  show(job) {
    this.dataset.state = job.state;
    const { total, failed, skipped } = job.counts;
    const bar = find("progress", this);
    [bar.max, bar.value] = [total || 1, doneOf(job)];
    find("svg", this).setAttribute("viewBox", `0 0 ${total || 1} 1`);
    const share = find("rect", this);
    share.setAttribute("x", String(doneOf(job) - failed));
    share.setAttribute("width", String(failed));
    const known = total || isEnded(job);
    this.write("done", known ? `${counted(doneOf(job))} of ${counted(total)}` : "looking for the images");
    this.write("failed", failed ? `${counted(failed)} failed` : "");
    this.write("skipped", skipped ? `${counted(skipped)} skipped` : "");
    this.write("rate", job.rate === null ? "" : `${job.rate.toFixed(1)} images/s`);
    this.write("left", job.remaining_seconds === null ? "" : `${readableSeconds(job.remaining_seconds)} left`);
  }

  /**
   * @param {string} field
   * @param {string} text
   */
  write(field, text) {
    const place = find(`[data-field=${field}]`, this);
    place.hidden = !text;
    place.textContent = text;
  }
}

/**
 * As people say it: 0.4 s, 12 s, 3 min 20 s, 2 h 5 min.
 * @param {number} seconds
 */
export function readableSeconds(seconds) {
  if (seconds < 10) return `${Number(seconds.toPrecision(2))} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  return minutes < 60 ? `${minutes} min ${whole % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

customElements.define("job-progress", JobProgress);
