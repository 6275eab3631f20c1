// The pipeline of the lab: its steps, what was done to them, and how the address holds them.

/**
 * @typedef {Object} Step
 * @property {number} id  of this step for as long as the page is open
 * @property {string} op
 * @property {Record<string, any>} values  parameters that are not left at their defaults
 * @property {boolean} off
 */

const MOST_UNDONE = 200;
let lastId = 0;

export class Pipeline extends EventTarget {
  constructor() {
    super();
    /** @type {Step[]} */
    this.steps = [];
    /** @type {Record<string, any>} */
    this.encode = {};
    /** @type {string[]} */
    this.past = [];
    /** @type {string[]} */
    this.future = [];
    this.merging = "";
  }

  /** The steps that are on, as a batch has them. */
  get operations() {
    return this.steps.filter((step) => !step.off).map((step) => ({ op: step.op, ...step.values }));
  }

  /**
   * @param {string} op
   * @param {Record<string, any>} values
   * @returns {Step}
   */
  add(op, values) {
    const step = { id: (lastId += 1), op, values, off: false };
    this.change(() => this.steps.push(step));
    return step;
  }

  /** @param {Step} step */
  remove(step) {
    this.change(() => this.steps.splice(this.steps.indexOf(step), 1));
  }

  /**
   * @param {Step} step
   * @param {number} at  where it is to be
   */
  move(step, at) {
    const from = this.steps.indexOf(step);
    const to = Math.max(0, Math.min(this.steps.length - 1, at));
    if (from === to) return;
    this.change(() => {
      this.steps.splice(from, 1);
      this.steps.splice(to, 0, step);
    });
  }

  /** @param {Step} step */
  toggle(step) {
    this.change(() => (step.off = !step.off));
  }

  /**
   * Change parameters; a slider that is drawn is one thing to undo.
   * @param {Step} step
   * @param {Record<string, any>} values  undefined leaves a parameter at its default
   */
  set(step, values) {
    const key = `${step.id} ${Object.keys(values)}`;
    this.change(() => {
      for (const [name, value] of Object.entries(values)) {
        if (value === undefined) delete step.values[name];
        else step.values[name] = value;
      }
    }, key);
  }

  /** @param {Record<string, any>} options */
  write(options) {
    this.change(() => (this.encode = options), "encode");
  }

  undo() {
    this.travel(this.past, this.future);
  }

  redo() {
    this.travel(this.future, this.past);
  }

  /** What the address holds; `read` takes it. */
  text() {
    const steps = this.steps.map(({ op, values, off }) => ({ op, ...values, ...(off && { off }) }));
    return JSON.stringify(Object.keys(this.encode).length ? { steps, encode: this.encode } : { steps });
  }

  /** @param {string} text */
  read(text) {
    const { steps, encode } = JSON.parse(text);
    if (!Array.isArray(steps)) throw new TypeError("no steps");
    this.steps = steps.map(({ op, off, ...values }) => ({ id: (lastId += 1), op: String(op), values, off: Boolean(off) }));
    this.encode = encode && typeof encode === "object" ? encode : {};
    this.merging = "";
  }

  /**
   * @param {() => void} action
   * @param {string} [merge]  changes one after the other with the same text are one to undo
   */
  change(action, merge = "") {
    if (!merge || merge !== this.merging) {
      this.past.push(this.text());
      this.past.splice(0, this.past.length - MOST_UNDONE);
    }
    this.future.length = 0;
    this.merging = merge;
    action();
    this.dispatchEvent(new CustomEvent("change", { detail: { whole: !merge } }));
  }

  /**
   * @param {string[]} from
   * @param {string[]} to
   */
  travel(from, to) {
    const text = from.pop();
    if (text === undefined) return;
    to.push(this.text());
    this.read(text);
    this.dispatchEvent(new CustomEvent("change", { detail: { whole: true } }));
  }
}
