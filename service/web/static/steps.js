// <step-list>: the steps of a pipeline, to be changed, moved, switched off and removed.

import { problemBox } from "./ask.js";
import { el } from "./dom.js";
import { Pipeline } from "./pipeline.js";
import "./schema_form.js";

/** @typedef {import("./pipeline.js").Step} Step */
/** @typedef {{say: (text: string) => void, pick: (step: Step) => void, pickable: (step: Step) => string, side: () => number}} Hooks */

class StepList extends HTMLElement {
  pipeline = new Pipeline();
  /** @type {Map<string, any>} */
  catalogue = new Map();
  /** @type {Hooks} */
  hooks = { say: () => {}, pick: () => {}, pickable: () => "", side: () => 0 };
  /** @type {number | null} */
  open = null;
  /** @type {Step | null} */
  dragged = null;

  /**
   * @param {import("./pipeline.js").Pipeline} pipeline
   * @param {Map<string, any>} catalogue
   * @param {Hooks} hooks
   */
  connect(pipeline, catalogue, hooks) {
    this.pipeline = pipeline;
    this.catalogue = catalogue;
    this.hooks = hooks;
    pipeline.addEventListener("change", (event) => {
      if (/** @type {CustomEvent} */ (event).detail.whole) this.draw();
    });
    this.draw();
  }

  draw() {
    const focused = /** @type {HTMLElement | null} */ (document.activeElement?.closest("[data-step]"));
    const place = focused && this.contains(focused) ? [focused.dataset.step, document.activeElement?.className] : null;
    const { steps } = this.pipeline;
    const list = el("ol", { class: "steps" }, ...steps.map((step, at) => this.item(step, at)));
    const empty = el("p", { class: "hint" }, "No steps yet. Choose an operation from the palette: it is added here, and the picture follows.");
    this.replaceChildren(steps.length ? list : empty);
    if (place) this.focusOn(`[data-step="${place[0]}"] .${String(place[1]).split(" ")[0] || "name"}`);
  }

  /**
   * @param {Step} step
   * @param {number} at
   */
  item(step, at) {
    const name = step.op.replaceAll("_", " ");
    const open = this.open === step.id;
    const head = el("div", { class: "step-head", draggable: true },
      el("span", { class: "handle", "aria-hidden": "true" }, "⠿"),
      el("button", { class: "name quiet", "aria-expanded": String(open), onclick: () => this.toggleStep(step),
        title: "Alt with up or down moves it, Delete removes it" }, `${at + 1}. ${name}`),
      el("button", { class: "up quiet", "aria-label": `Move ${name} up`, disabled: at === 0, onclick: () => this.moveStep(step, at - 1) }, "↑"),
      el("button", { class: "down quiet", "aria-label": `Move ${name} down`, disabled: at === this.pipeline.steps.length - 1, onclick: () => this.moveStep(step, at + 1) }, "↓"),
      el("button", { class: "switch quiet", "aria-pressed": String(!step.off), "aria-label": `${name} is on`, title: "Switch on or off", onclick: () => this.pipeline.toggle(step) }, step.off ? "off" : "on"),
      el("button", { class: "remove quiet", "aria-label": `Remove ${name}`, onclick: () => this.removeStep(step) }, "✕"));
    const item = el("li", { class: step.off ? "step off" : "step", data: { step: step.id } }, head);
    if (open) item.append(this.form(step));
    item.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.key(event, step));
    this.letDrag(item, head, step);
    return item;
  }

  /** @param {Step} step */
  form(step) {
    const operation = this.catalogue.get(step.op);
    const body = el("div", { class: "step-body" });
    if (!operation) {
      body.append(el("p", { class: "fault" }, `There is no operation ${step.op} here: remove the step.`));
      return body;
    }
    const form = el("operation-form");
    form.show(operation, step.values, this.hooks.side(), (/** @type {any} */ values) => this.pipeline.set(step, values));
    const pick = this.hooks.pickable(step);
    if (pick) body.append(el("button", { class: "pick", onclick: () => this.hooks.pick(step) }, pick));
    body.append(el("p", { class: "hint" }, operation.summary), form);
    return body;
  }

  /** @param {Step} step */
  toggleStep(step) {
    this.open = this.open === step.id ? null : step.id;
    this.draw();
  }

  /** @param {Step} step */
  reveal(step) {
    this.open = step.id;
    this.draw();
    this.querySelector(`[data-step="${step.id}"]`)?.scrollIntoView({ block: "nearest" });
  }

  /**
   * @param {Step} step
   * @param {number} at
   */
  moveStep(step, at) {
    this.pipeline.move(step, at);
    this.hooks.say(`${step.op} is step ${this.pipeline.steps.indexOf(step) + 1} of ${this.pipeline.steps.length}`);
  }

  /** @param {Step} step */
  removeStep(step) {
    const at = this.pipeline.steps.indexOf(step);
    this.pipeline.remove(step);
    this.hooks.say(`${step.op} was removed`);
    const next = this.pipeline.steps[Math.min(at, this.pipeline.steps.length - 1)];
    if (next) this.focusOn(`[data-step="${next.id}"] .name`);
  }

  /** @param {string} selector */
  focusOn(selector) {
    /** @type {HTMLElement | null} */ (this.querySelector(selector))?.focus();
  }

  /**
   * @param {KeyboardEvent} event
   * @param {Step} step
   */
  key(event, step) {
    const at = this.pipeline.steps.indexOf(step);
    const way = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (event.altKey && way) this.moveStep(step, at + way);
    else if (event.key === "Delete" && /** @type {HTMLElement} */ (event.target).matches(".name")) this.removeStep(step);
    else return;
    event.preventDefault();
  }

  /**
   * @param {HTMLElement} item
   * @param {HTMLElement} head
   * @param {Step} step
   */
  letDrag(item, head, step) {
    head.addEventListener("dragstart", (event) => {
      this.dragged = step;
      event.dataTransfer?.setData("text/plain", step.op);
    });
    item.addEventListener("dragover", (event) => {
      if (!this.dragged) return;
      event.preventDefault();
      item.classList.add("target");
    });
    item.addEventListener("dragleave", () => item.classList.remove("target"));
    item.addEventListener("drop", (event) => {
      item.classList.remove("target");
      if (!this.dragged) return;
      event.preventDefault();
      event.stopPropagation();
      this.moveStep(this.dragged, this.pipeline.steps.indexOf(step));
      this.dragged = null;
    });
    head.addEventListener("dragend", () => (this.dragged = null));
  }

  /**
   * What is wrong with a step, in the step; gives whether there is such a step.
   * @param {any} problem
   */
  blame(problem) {
    for (const old of this.querySelectorAll(".step .problem")) old.remove();
    const at = problem?.errors?.map((/** @type {any} */ one) => /^\/operations\/(\d+)/.exec(one.pointer)?.[1]).find(Boolean);
    const step = this.pipeline.steps.filter((one) => !one.off)[Number(at)];
    const item = at === undefined ? null : this.querySelector(`[data-step="${step?.id}"]`);
    item?.append(problemBox(problem));
    return Boolean(item);
  }
}

customElements.define("step-list", StepList);
