// What the lab says of a result, and of what the service would do.

import { el, readableBytes } from "./dom.js";

const STAGES = ["decode", "operations", "encode"];

/**
 * @param {import("./source.js").Result} result
 * @param {string} what
 */
export function readings(result, what) {
  const stages = STAGES.filter((name) => name in result.stages).map((name) => `${name} ${result.stages[name].toFixed(1)}`);
  const steps = result.steps.map((step) => `${step.op.replaceAll("_", " ")} ${step.milliseconds.toFixed(1)}`);
  const size = result.images.length > 1 ? `${result.images.length} images` : `${result.width} × ${result.height} px`;
  return [
    el("span", {}, el("strong", {}, what), ` ${size}, ${readableBytes(result.bytes)}`),
    el("span", {}, `${result.milliseconds.toFixed(0)} ms`),
    stages.length ? el("span", { class: "unit" }, `${stages.join(" · ")} ms`) : null,
    steps.length ? el("span", { class: "unit" }, `each: ${steps.join(" · ")} ms`) : null,
  ];
}

/** @param {any} plan  the answer of /lab/plan */
export function planned(plan) {
  const line = (/** @type {string} */ step, /** @type {string} */ sizes) =>
    el("li", {}, el("code", {}, step), " ", el("span", { class: "unit" }, sizes));
  const steps = plan.steps.map((/** @type {any} */ one) => line(one.step, `${one.exact ? "" : "≤ "}${shortened(one.sizes)}`));
  return [
    el("ol", { class: "planned" }, line(plan.decode, shortened([plan.decoded])), ...steps, line(`write ${plan.format}`, shortened(plan.sizes))),
    plan.rewrites.length ? el("p", { class: "hint" }, `Rewritten by: ${plan.rewrites.join(", ")}`) : null,
    el("p", { class: "hint" }, `Pixels held at once: about ${readableBytes(plan.peak_bytes)}`),
  ];
}

/** @param {number[][]} sizes */
function shortened(sizes) {
  const shown = sizes.slice(0, 4).map((size) => size.join("×")).join(", ");
  return sizes.length > 4 ? `${shown} and ${sizes.length - 4} more` : shown;
}
