// The status as it changes: asked for every two seconds while somebody looks.

import { askJson, problemBox } from "./ask.js";
import { el, fill, find, readableBytes } from "./dom.js";
import { draw, MOST } from "./sparkline.js";

const SECONDS = 2;
/** @type {Record<string, [string, string]>} */
const STATES = { ready: ["●", "ready"], idle: ["○", "waits"], off: ["□", "off"], trouble: ["▲", "trouble"] };

/** @type {Record<string, (value: any) => string>} */
const WRITTEN = {
  bytes: readableBytes,
  count: (value) => value === null ? "–" : value.toLocaleString("en"),
  duration: readableDuration,
  yes: (value) => value ? "yes" : "no",
};

/** @type {Record<string, number[]>} */
const curves = { images: [], workers: [], memory: [], requests: [] };
/** @type {any} */
let before = null;
let asking = false;

async function look() {
  if (asking) return;
  if (document.hidden) {
    before = null; // what happened meanwhile is no rate of now
    return;
  }
  asking = true;
  try {
    const now = await askJson("/v1/status", { cache: "no-store" });
    fill(find("#trouble"));
    show(now);
    before = now;
  } catch (error) {
    fill(find("#trouble"), problemBox(error));
    before = null;
  } finally {
    asking = false;
  }
}

/** @param {any} now */
function show(now) {
  for (const place of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-path]"))) {
    const value = (place.dataset.path || "").split(".").reduce((found, key) => found[key], now);
    say(place, WRITTEN[place.dataset.as || "count"](value));
  }
  const time = find("#asked time");
  time.dateTime = now.time;
  say(time, `${now.time.slice(11, 19)} UTC`);
  for (const part of document.querySelectorAll(".part")) showPart(/** @type {HTMLElement} */ (part), now);
  find("#admitted").value = now.memory.large_image_bytes;
  fill(find("#jobs"), ...now.jobs.running.map(jobRow));
  fill(find("#processes"), ...now.memory.processes.map(processRow));
  measure(now);
}

/** @param {HTMLElement} part @param {any} now */
function showPart(part, now) {
  const { state, detail } = now[part.dataset.part || ""];
  const [sign, word] = STATES[state];
  part.dataset.state = state;
  say(find(".sign", part), sign);
  say(find(".word", part), word);
  say(find(".detail", part), detail);
}

/** @param {any} now */
function measure(now) {
  const { engine, memory, counters } = now;
  const seconds = before ? (Date.parse(now.time) - Date.parse(before.time)) / 1000 : 0;
  const rate = (/** @type {string} */ name, own = 0) =>
    seconds > 0 ? Math.max(0, counters[name] - before.counters[name] - own) / seconds : null;
  point("images", rate("images"), "a second", `${WRITTEN.count(counters.images)} since the service started, ${WRITTEN.count(counters.failures)} failed`);
  point("workers", engine.busy, `busy of ${engine.workers}`, `${WRITTEN.count(engine.queued)} tasks wait`, engine.workers);
  point("memory", memory.total_bytes, `in ${memory.processes.length} processes`, "", 0, WRITTEN.bytes);
  point("requests", rate("requests", 1), "a second", `${WRITTEN.count(counters.requests)} since the service started`);
}

/**
 * One value more of a curve; null is none.
 * @param {string} id
 * @param {number | null} value
 * @param {string} unit
 * @param {string} note
 * @param {number} least
 * @param {(value: number) => string} written
 */
function point(id, value, unit, note, least = 0, written = rounded) {
  const place = find(`#${id}`);
  say(find("[data-note]", place), note);
  if (value === null) return;
  const values = curves[id];
  values.push(value);
  values.splice(0, values.length - MOST);
  say(find("[data-value]", place), written(value));
  say(find(".unit", place), unit);
  draw(find(".spark", place), values, least);
}

/** @param {any} job */
function jobRow(job) {
  const { total, succeeded, failed, skipped } = job.counts;
  const done = succeeded + failed + skipped;
  const rate = job.rate ? ` · ${rounded(job.rate)}/s` : "";
  return el("li", {}, el("a", { href: `/jobs/${job.id}` }, el("code", {}, job.id)),
    el("progress", { max: total || 1, value: done, "aria-label": `Job ${job.id}` }),
    el("span", { class: "unit" }, `${done} of ${total}${rate}`));
}

/** @param {any} one */
function processRow(one) {
  return el("tr", {}, el("td", {}, String(one.pid)), el("td", {}, one.role),
    el("td", { class: "number" }, readableBytes(one.memory_bytes)));
}

/** @param {Element} place @param {string} text */
function say(place, text) {
  if (place.textContent !== text) place.textContent = text;
}

/** @param {number} value */
function rounded(value) {
  return value < 10 && value % 1 ? value.toFixed(1) : Math.round(value).toLocaleString("en");
}

/** @param {number} seconds */
function readableDuration(seconds) {
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1) return `${Math.floor(seconds)} s`;
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`;
}

find("[data-plain]").hidden = true;
look();
setInterval(look, SECONDS * 1000);
document.addEventListener("visibilitychange", look);
