// A job as it goes on: its events, and parts of a page made anew by the server.

import { ask } from "./ask.js";

/** @typedef {{id: string, state: string, counts: {total: number, succeeded: number, failed: number, skipped: number}, rate: number | null, remaining_seconds: number | null}} Job */

/** @param {Job} job */
export const isEnded = (job) => ["completed", "cancelled", "failed"].includes(job.state);

/** @param {Job} job */
export const doneOf = ({ counts }) => counts.succeeded + counts.failed + counts.skipped;

/**
 * Listen to what happens behind result number `after`, until the job ends.
 * @param {string} id
 * @param {string} after
 * @param {(job: Job) => void} news  gets the job at each progress, and at the end
 */
export function follow(id, after, news) {
  const events = new EventSource(`/v1/jobs/${id}/events?after=${after}`);
  const read = (/** @type {MessageEvent} */ event) => news(JSON.parse(event.data));
  events.addEventListener("progress", read);
  events.addEventListener("end", (event) => {
    events.close();
    read(event);
  });
  addEventListener("pagehide", () => events.close());
}

// A page that the browser kept shows what was, and hears of nothing any more.
addEventListener("pageshow", (event) => event.persisted && location.reload());

/**
 * Put what the server shows now in the place of those parts of the page; the focus stays where it is.
 * @param {string[]} ids
 */
export async function refresh(ids) {
  const text = await (await ask(location.href, { headers: { Accept: "text/html" } })).text();
  const page = new DOMParser().parseFromString(text, "text/html");
  for (const id of ids) {
    const [old, fresh] = [document.getElementById(id), page.getElementById(id)];
    if (!old || !fresh) continue;
    const held = old.contains(document.activeElement) ? place(document.activeElement) : "";
    old.replaceWith(document.adoptNode(fresh));
    if (held) /** @type {HTMLElement | null} */ (document.querySelector(held))?.focus();
  }
}

/**
 * A selector for an element that will be made anew.
 * @param {Element | null} element
 */
function place(element) {
  for (const name of ["id", "href", "aria-label"]) {
    const value = element?.getAttribute(name);
    if (value) return `[${name}="${CSS.escape(value)}"]`;
  }
  return "";
}
