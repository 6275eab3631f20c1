// <operation-form>: fields for the parameters of an operation, made from its JSON Schema.

import { el } from "./dom.js";

const STEPS_OF_SLIDER = 200;
const SOFT = 6;


/**
 * @typedef {Object} Parameter  what the schema says of one, simplified
 * @property {string} name
 * @property {string} kind  number, choice, switch, color, text, json
 * @property {any} initial  the default, or null
 * @property {any} schema
 * @property {boolean} required
 */

class OperationForm extends HTMLElement {
  /**
   * @param {{name: string, example: string, parameters: any}} operation  of the catalogue
   * @param {Record<string, any>} values
   * @param {number} side  the longer side of the image, for sliders of lengths
   * @param {(values: Record<string, any>) => void} changed
   */
  show(operation, values, side, changed) {
    this.changed = changed;
    this.side = side;
    const names = parametersOf(operation.parameters);
    this.replaceChildren(...names.map((parameter) => this.field(parameter, values[parameter.name])));
    if (!names.length) this.append(el("p", { class: "hint" }, "It has no parameters."));
  }

  /**
   * @param {Parameter} parameter
   * @param {any} value
   */
  field(parameter, value) {
    const shown = value === undefined ? parameter.initial : value;
    const report = (/** @type {any} */ next) => this.changed?.({ [parameter.name]: next });
    const controls = CONTROLS[parameter.kind](parameter, shown, report, this.side ?? 0);
    const id = `hint-${parameter.name}-${Math.random().toString(36).slice(2, 8)}`;
    for (const control of controls) {
      control.setAttribute("aria-describedby", id);
      control.setAttribute("aria-label", `${parameter.name} ${control.type === "range" ? "slider" : "picker"}`);
    }
    const main = controls[controls.length - 1];
    main.removeAttribute("aria-label");
    main.id = `${id}-field`;
    const unit = parameter.schema.unit && el("span", { class: "unit" }, parameter.schema.unit);
    const name = el("span", { class: "parameter" }, parameter.name.replaceAll("_", " "), " ", unit);
    const label = el("label", { htmlFor: main.id }, name);
    const field = el("div", { class: `field kind-${parameter.kind}` }, label, el("span", { class: "controls" }, ...controls));
    return el("div", { class: "parameter-row" }, field, el("p", { class: "hint", id }, parameter.schema.description || ""));
  }
}

/**
 * @param {any} schema  of an operation
 * @returns {Parameter[]}
 */
export function parametersOf(schema) {
  return Object.entries(schema.properties)
    .filter(([name]) => name !== "op")
    .map(([name, property]) => ({
      name,
      kind: kindOf(property),
      initial: property.default ?? null,
      schema: { ...flat(property), unit: property.unit, description: property.description, default: property.default },
      required: (schema.required || []).includes(name),
    }));
}

/** @param {any} property */
function flat(property) {
  const branches = (property.anyOf || [property]).filter((/** @type {any} */ one) => one.type !== "null");
  return branches.length === 1 ? branches[0] : { ...branches[0], loose: branches };
}

/** @param {any} property */
function kindOf(property) {
  const schema = flat(property);
  if (schema.loose) return "text";
  if (schema.enum) return "choice";
  if (schema.type === "boolean") return "switch";
  if (schema.format === "color") return "color";
  if (schema.type === "number" || schema.type === "integer") return "number";
  return schema.type === "array" ? "json" : "text";
}

/** @type {Record<string, (parameter: Parameter, value: any, report: (value: any) => void, side: number) => any[]>} */
const CONTROLS = {
  number({ schema, initial }, value, report, side) {
    const [low, high] = slide(schema, value ?? initial, side);
    const whole = schema.type === "integer";
    const step = whole ? 1 : niceStep((high - low) / STEPS_OF_SLIDER);
    const limits = { min: schema.minimum ?? schema.exclusiveMinimum ?? "", max: schema.maximum ?? schema.exclusiveMaximum ?? "" };
    const number = el("input", { type: "number", ...limits, step: whole ? 1 : "any", placeholder: "none", inputMode: "decimal" });
    number.value = value ?? "";
    const slider = el("input", { type: "range", min: low, max: high, step });
    slider.value = value ?? low;
    slider.addEventListener("input", () => report(Number((number.value = slider.value))));
    number.addEventListener("input", () => {
      if (number.value === "") report(undefined);
      else if (number.validity.valid) report(Number((slider.value = number.value)));
    });
    return [slider, number];
  },
  choice({ schema, required }, value, report) {
    const select = el("select", {}, ...schema.enum.map((/** @type {string} */ one) => el("option", { value: one }, one)));
    select.value = value ?? schema.enum[0];
    if (required && value === null) queueMicrotask(() => report(select.value));
    select.addEventListener("change", () => report(select.value));
    return [select];
  },
  switch(_, value, report) {
    const box = el("input", { type: "checkbox", checked: Boolean(value) });
    box.addEventListener("change", () => report(box.checked));
    return [box];
  },
  color(_, value, report) {
    const text = el("input", { type: "text", placeholder: "none", maxLength: 60, spellcheck: false });
    text.value = value ?? "";
    const picker = el("input", { type: "color", value: hex(value) });
    picker.addEventListener("input", () => report((text.value = picker.value)));
    text.addEventListener("change", () => {
      picker.value = hex(text.value);
      report(text.value.trim() || undefined);
    });
    return [picker, text];
  },
  text({ schema }, value, report) {
    const input = el("input", { type: "text", maxLength: schema.maxLength ?? 4096, placeholder: "none", spellcheck: false });
    input.value = value ?? "";
    input.addEventListener("input", () => report(input.value === "" ? undefined : plain(input.value, schema)));
    return [input];
  },
  json(_, value, report) {
    const input = el("textarea", { rows: 3, spellcheck: false, class: "code" });
    input.value = value === null ? "" : JSON.stringify(value);
    input.addEventListener("change", () => {
      try {
        report(input.value.trim() ? JSON.parse(input.value) : undefined);
        input.removeAttribute("aria-invalid");
      } catch {
        input.setAttribute("aria-invalid", "true");
      }
    });
    return [input];
  },
};

/**
 * A number where the text is one and may be one.
 * @param {string} text
 * @param {any} schema
 */
function plain(text, schema) {
  const numeric = (schema.loose || []).some((/** @type {any} */ one) => one.type === "integer" || one.type === "number");
  return numeric && text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
}

/**
 * The ends of a slider: those of the range, or of the part of a wide range that is of use.
 * @param {any} schema
 * @param {number | null} guess
 * @param {number} side
 */
function slide(schema, guess, side) {
  const least = schema.minimum ?? schema.exclusiveMinimum ?? 0;
  const most = schema.maximum ?? schema.exclusiveMaximum ?? Infinity;
  if (schema.unit === "°") return [Math.max(least, least < 0 ? -180 : least), Math.min(most, 180)];
  const usual = Math.abs(typeof schema.default === "number" ? schema.default : guess ?? 0);
  const soft = usual ? SOFT * usual : side || 100;
  const high = most > soft * 1.5 ? Math.max(soft, guess ?? 0) : most;
  const rounded = schema.type === "integer" ? Math.round(high) : high;
  return [Math.max(least, -high), rounded];
}

/** @param {number} step */
function niceStep(step) {
  return 10 ** Math.floor(Math.log10(step || 0.01));
}

/** @param {string | null} color */
function hex(color) {
  const text = String(color ?? "").toLowerCase();
  if (/^#[0-9a-f]{6}/.test(text)) return text.slice(0, 7);
  if (/^#[0-9a-f]{3}/.test(text)) return `#${[...text.slice(1, 4)].map((digit) => digit + digit).join("")}`;
  const canvas = document.createElement("canvas").getContext("2d");
  if (!canvas || !text) return "#000000";
  canvas.fillStyle = text; // the browser knows the names
  return String(canvas.fillStyle).slice(0, 7);
}

customElements.define("operation-form", OperationForm);
