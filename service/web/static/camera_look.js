// How the picture is wanted: an effect, and the size and rate of the stream.

import { ask, problemBox } from "./ask.js";
import { fill, find } from "./dom.js";

const SETTLED_MS = 400;
const UNAVAILABLE = 503;

export class LookForm {
  /** @param {(query: string, effect: string) => void} applied  with the stream's, and pictures' */
  constructor(applied) {
    this.applied = applied;
    this.form = find("#look");
    this.trouble = find("#look-trouble");
    this.operations = find("textarea", this.form);
    this.recipe = find("select", this.form);
    this.checking = new AbortController();
    this.settling = 0;
    this.form.addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      this.apply();
    });
    this.form.addEventListener("click", (/** @type {Event} */ event) => this.clicked(event));
    this.recipe.addEventListener("change", () => this.choose("", this.recipe.value));
    this.operations.addEventListener("input", () => (this.recipe.value = ""));
    this.operations.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.apply();
    });
    for (const field of this.form.querySelectorAll("input[type=number]")) {
      field.addEventListener("input", () => {
        clearTimeout(this.settling);
        this.settling = setTimeout(() => this.form.reportValidity() && this.apply(), SETTLED_MS);
      });
    }
  }

  get lines() {
    return this.operations.value.split("\n").map((/** @type {string} */ line) => line.trim()).filter(Boolean);
  }

  /** What pictures are taken with. */
  get effect() {
    const asked = new URLSearchParams();
    for (const line of this.lines) asked.append("operations", line);
    if (this.recipe.value) asked.set("recipe", this.recipe.value);
    return asked.toString();
  }

  /** @param {string[]} names  of the fields besides */
  query(...names) {
    const asked = new URLSearchParams(this.effect);
    for (const name of names) {
      const { value } = find(`[name=${name}]`, this.form);
      if (value) asked.set(name, value);
    }
    return asked.toString();
  }

  /** @param {Event} event */
  clicked(event) {
    const link = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("a"));
    if (!link || /** @type {MouseEvent} */ (event).ctrlKey || /** @type {MouseEvent} */ (event).metaKey) return;
    event.preventDefault();
    this.choose(link.dataset.operation ?? "", "");
  }

  /**
   * @param {string} operations
   * @param {string} recipe
   */
  choose(operations, recipe) {
    this.operations.value = operations;
    this.recipe.value = recipe;
    this.apply();
  }

  /** Try it on one picture: the live one stays as it is when it is refused. */
  async apply() {
    this.checking.abort();
    this.checking = new AbortController();
    const { signal } = this.checking;
    const query = this.query("quality", "fps", "width");
    try {
      const answer = await ask(`/v1/camera/frame?${this.query("quality", "width")}`, { signal });
      await answer.blob();
      fill(this.trouble);
    } catch (error) {
      if (signal.aborted) return;
      fill(this.trouble, told(error));
      const refused = /** @type {any} */ (error).status !== UNAVAILABLE;
      this.operations.setAttribute("aria-invalid", String(refused));
      if (refused) return;
    }
    this.operations.removeAttribute("aria-invalid");
    this.reflect();
    this.applied(query, this.effect);
  }

  reflect() {
    for (const link of this.form.querySelectorAll("[data-operation]")) {
      if (link.dataset.operation === this.operations.value.trim()) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    find("[data-clear]", this.form).hidden = !this.effect;
  }
}

/**
 * A problem in its own words, with the lines that are at fault.
 * @param {any} error
 */
function told(error) {
  const lines = [];
  for (const { pointer, detail } of error.errors ?? []) {
    const line = /^\/operations\/(\d+)/.exec(pointer);
    if (line) lines.push(`Line ${Number(line[1]) + 1}: ${detail}`);
  }
  return problemBox(lines.length ? { title: error.title, message: lines.join("; ") } : error);
}
