// <throughput-chart>: images a second over time, as a curve and as a table.

import { el, fill } from "./dom.js";

const FIRST_BIN = 0.5;
const MOST_BINS = 120;
const ROWS = 12;
const [ENOUGH, LEAST_POINTS] = [4, 6];
const [WIDTH, HEIGHT] = [600, 160];
const SVG = "http://www.w3.org/2000/svg";

class ThroughputChart extends HTMLElement {
  start = performance.now();
  counted = Number(this.dataset.done);
  bin = FIRST_BIN;
  seconds = 0;
  /** @type {number[]} images done in each bin */
  bins = [];

  /**
   * @param {number} done  images so far
   * @param {boolean} last
   */
  add(done, last) {
    this.seconds = (performance.now() - this.start) / 1000;
    while (this.seconds / this.bin >= MOST_BINS) this.halve();
    const at = Math.floor(this.seconds / this.bin);
    while (this.bins.length <= at) this.bins.push(0);
    this.bins[at] += Math.max(0, done - this.counted);
    this.counted = done;
    if (this.rates(last).length > 1) this.draw(last);
  }

  /** Two bins become one, so that hours fit in. */
  halve() {
    this.bins = this.bins.flatMap((count, at) => (at % 2 ? [] : [count + (this.bins[at + 1] ?? 0)]));
    this.bin *= 2;
  }

  /**
   * Images a second in each bin; the one that is not over yet counts at the end alone.
   * @param {boolean} last
   */
  rates(last) {
    const whole = this.bins.slice(0, -1).map((count) => count / this.bin);
    const rest = this.seconds - whole.length * this.bin;
    return last && rest > this.bin / 4 ? [...whole, this.bins[this.bins.length - 1] / rest] : whole;
  }

  /** @param {boolean} last */
  draw(last) {
    const all = this.rates(last);
    const mean = average(all);
    // Enough images in each part of the curve, so that it does not jump from nothing to one.
    const together = Math.min(Math.ceil(ENOUGH / (mean * this.bin || 1)), Math.floor(all.length / LEAST_POINTS)) || 1;
    const rates = joined(all, together);
    const most = Math.max(...rates, 0.1);
    const folded = this.querySelector("details")?.open ?? false;
    const words = `Images a second over ${Math.round(all.length * this.bin * 10) / 10} s: ${mean.toFixed(1)} on average, ${most.toFixed(1)} at most.`;
    fill(this, curve(rates, most, words), el("p", { class: "hint" }, words),
      el("details", { open: folded }, el("summary", {}, "As a table"), table(all, this.bin)));
  }
}

const average = (/** @type {number[]} */ rates) => rates.reduce((sum, rate) => sum + rate, 0) / rates.length;

/**
 * The mean of each `count` neighbours.
 * @param {number[]} rates
 * @param {number} count
 */
function joined(rates, count) {
  const parts = [];
  for (let at = 0; at < rates.length; at += count) parts.push(average(rates.slice(at, at + count)));
  return parts;
}

/**
 * @param {number[]} rates
 * @param {number} bin  seconds of each
 */
function table(rates, bin) {
  const step = Math.ceil(rates.length / ROWS);
  const rows = joined(rates, step).map((rate, at) =>
    el("tr", {}, el("th", { scope: "row" }, `${(at * step * bin).toFixed(1)} s`), el("td", {}, rate.toFixed(1))));
  return el("table", {}, el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "From"), el("th", { scope: "col" }, "Images a second"))), el("tbody", {}, ...rows));
}

/**
 * @param {number[]} rates
 * @param {number} most
 * @param {string} words
 */
function curve(rates, most, words) {
  const svg = document.createElementNS(SVG, "svg");
  const attributes = { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": words, class: "throughput" };
  for (const [name, value] of Object.entries(attributes)) svg.setAttribute(name, value);
  const points = rates.map((rate, at) =>
    `${((at / (rates.length - 1)) * WIDTH).toFixed(1)} ${(HEIGHT - 4 - (rate / most) * (HEIGHT - 16)).toFixed(1)}`);
  svg.append(path("area", `M0 ${HEIGHT}L${points.join("L")}L${WIDTH} ${HEIGHT}Z`), path("line", `M${points.join("L")}`));
  return svg;
}

/**
 * @param {string} name
 * @param {string} drawn
 */
function path(name, drawn) {
  const element = document.createElementNS(SVG, "path");
  element.setAttribute("class", name);
  element.setAttribute("d", drawn);
  return element;
}

customElements.define("throughput-chart", ThroughputChart);
