// <camera-settings>: sliders for what the camera, or else the service, does to each picture.

import { askJson, problemBox, sending } from "./ask.js";
import { fill, find } from "./dom.js";

const SETTLED_MS = 120;
/** @type {Record<string, string>} */
const BY = { device: "by the camera", software: "in software" };

/** @typedef {{name: string, value: number | null, minimum: number, maximum: number, default: number | null, unit: string, by: string | null}} Setting */

class CameraSettings extends HTMLElement {
  /** What was changed and is not sent yet. @type {Record<string, number | null>} */
  waiting = {};
  sending = false;
  settling = 0;

  connectedCallback() {
    this.form = find("form", this);
    find("[data-plain]", this).hidden = true;
    for (const row of this.rows()) this.connect(row);
    this.form.addEventListener("submit", (/** @type {SubmitEvent} */ event) => {
      event.preventDefault();
      const button = /** @type {HTMLButtonElement | null} */ (event.submitter);
      if (button?.name === "reset") this.reset(button.value);
    });
  }

  /** @returns {HTMLElement[]} */
  rows() {
    return [...this.querySelectorAll(".setting")].map((row) => /** @type {HTMLElement} */ (row));
  }

  /** @param {HTMLElement} row */
  connect(row) {
    const [slider, number] = inputs(row);
    slider.hidden = false;
    slider.value = number.value;
    slider.addEventListener("input", () => {
      number.value = slider.value;
      this.change(row, Number(slider.value));
    });
    number.addEventListener("input", () => {
      if (number.value === "" || !number.checkValidity()) return;
      slider.value = number.value;
      this.change(row, Number(number.value));
    });
    // What is no value of the range says so at once, in the browser's words.
    number.addEventListener("change", () => number.reportValidity());
  }

  /**
   * @param {HTMLElement} row
   * @param {number} value
   */
  change(row, value) {
    this.waiting[row.dataset.name ?? ""] = value;
    this.mark(row, value);
    this.later();
  }

  /** @param {string} name  of one, or `all` */
  reset(name) {
    for (const row of this.rows()) {
      const one = row.dataset.name ?? "";
      if (name === "all" || name === one) this.waiting[one] = null;
    }
    this.send();
  }

  later() {
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.send(), SETTLED_MS);
  }

  /** One request at a time: what changes meanwhile goes into the next. */
  async send() {
    if (this.sending || !Object.keys(this.waiting).length) return;
    const values = this.waiting;
    this.waiting = {};
    this.sending = true;
    try {
      const state = await askJson("/v1/camera/settings", sending("PATCH", values));
      fill(find(".trouble", this));
      this.sending = false;
      this.show(state.settings);
    } catch (error) {
      fill(find(".trouble", this), problemBox(error));
    }
    this.sending = false;
    if (Object.keys(this.waiting).length) this.later();
  }

  /** @param {Setting[]} settings  as they are */
  show(settings) {
    if (this.sending) return;
    const found = new Map(settings.map((one) => [one.name, one]));
    for (const row of this.rows()) {
      const setting = found.get(row.dataset.name ?? "");
      if (setting && !(setting.name in this.waiting)) this.update(row, setting);
    }
  }

  /**
   * @param {HTMLElement} row
   * @param {Setting} setting
   */
  update(row, setting) {
    const [slider, number] = inputs(row);
    find(".by", row).textContent = BY[setting.by ?? ""] ?? "";
    if (setting.default !== null) row.dataset.default = String(setting.default);
    if (setting.value === null) return;
    const shown = String(setting.value);
    // Who types is not interrupted.
    if (document.activeElement !== number && number.value !== shown) number.value = shown;
    if (Number(slider.value) !== setting.value) slider.value = shown;
    this.mark(row, setting.value);
  }

  /**
   * @param {HTMLElement} row
   * @param {number} value
   */
  mark(row, value) {
    row.classList.toggle("changed", row.dataset.default !== undefined && Number(row.dataset.default) !== value);
  }
}

/**
 * @param {HTMLElement} row
 * @returns {HTMLInputElement[]}  the slider and the number
 */
function inputs(row) {
  return [find("input[type=range]", row), find("input[type=number]", row)];
}

customElements.define("camera-settings", CameraSettings);
