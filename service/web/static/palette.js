// <operation-palette>: the catalogue by family, with a search.

import { el, fill, find } from "./dom.js";

/** @typedef {{name: string, family: string, summary: string, aliases: string[], example: string, example_parameters: Record<string, any>, parameters: any}} Operation */

class OperationPalette extends HTMLElement {
  /**
   * @param {Operation[]} operations
   * @param {(operation: Operation) => void} add
   */
  show(operations, add) {
    this.operations = operations;
    this.add = add;
    this.search = find("input", this);
    this.search.addEventListener("input", () => this.list());
    this.search.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      const first = /** @type {HTMLElement | null} */ (this.querySelector(".families button"));
      if (event.key === "Enter") first?.click();
      if (event.key === "ArrowDown") first?.focus();
    });
    this.list();
  }

  list() {
    const wanted = this.search.value.trim().toLowerCase();
    const found = (this.operations ?? []).filter((one) => score(one, wanted) > 0);
    found.sort((one, other) => score(other, wanted) - score(one, wanted));
    const families = grouped(found);
    const groups = [...families].map(([family, members]) => this.group(family, members));
    fill(find(".families", this), ...(groups.length ? groups : [el("p", { class: "hint" }, "No operation has this name.")]));
  }

  /**
   * @param {string} family
   * @param {Operation[]} members
   */
  group(family, members) {
    const buttons = members.map((one) =>
      el("li", {}, el("button", { class: "quiet", title: one.summary, onclick: () => this.add?.(one) },
        one.name.replaceAll("_", " "))));
    return el("section", {}, el("h3", {}, family.replaceAll("_", " ")), el("ul", {}, ...buttons));
  }
}

/**
 * How well an operation fits: the name before the family, the family before the sentence.
 * @param {Operation} operation
 * @param {string} wanted
 */
function score(operation, wanted) {
  if (!wanted) return 1;
  const text = wanted.replaceAll(" ", "_");
  if (operation.name.startsWith(text)) return 5;
  if (operation.name.includes(text)) return 4;
  if (operation.aliases.some((alias) => alias.toLowerCase().includes(text))) return 3;
  if (operation.family.includes(text)) return 2;
  return operation.summary.toLowerCase().includes(wanted) ? 1 : 0;
}

/** @param {Operation[]} operations */
function grouped(operations) {
  const families = new Map();
  for (const one of operations) families.set(one.family, [...(families.get(one.family) || []), one]);
  return families;
}

/**
 * What a new step starts with: its example, or most of the picture for a crop.
 * @param {Operation} operation
 * @param {{width: number, height: number} | null} source
 */
export function startOf(operation, source) {
  if (operation.name !== "crop" || !source) return { ...operation.example_parameters };
  return { x: 0, y: 0, width: Math.round(source.width * 0.75), height: Math.round(source.height * 0.75) };
}

customElements.define("operation-palette", OperationPalette);
