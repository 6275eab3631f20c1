// The image that the lab works on, and what the service makes of it at preview size and in full.

import { ask, askJson } from "./ask.js";
import { unzipped } from "./unzip.js";

export const PREVIEW_SIDE = 1280;
/** Operations whose results may have alpha where the image has none. */
const CLEAR = new Set(["opacity", "round_corners", "pad"]);
const HEAD_BYTES = 256 * 1024;
/** What browsers show; other formats are converted for the view. */
const SHOWN = new Set(["jpeg", "png", "webp", "gif", "avif"]);

/** @typedef {{images: {blob: Blob, name: string}[], bytes: number, milliseconds: number, stages: Record<string, number>, steps: {op: string, milliseconds: number}[], width: number, height: number}} Result */

export class Source {
  /**
   * @param {{id?: string, file?: File, name: string, format: string, width: number, height: number, channels: number}} facts
   */
  constructor(facts) {
    this.id = facts.id;
    this.file = facts.file;
    this.name = facts.name;
    this.format = facts.format;
    this.width = facts.width;
    this.height = facts.height;
    this.channels = facts.channels;
    this.scale = Math.min(1, PREVIEW_SIDE / Math.max(facts.width, facts.height));
    /** @type {Blob | undefined} */
    this.reduced = undefined;
  }

  /**
   * An image of the library.
   * @param {string} id
   */
  static async stored(id) {
    const image = await askJson(`/v1/images/${encodeURIComponent(id)}`);
    return new Source({ ...image, name: image.path });
  }

  /**
   * A file that was dropped: it is not stored anywhere.
   * @param {File} file
   */
  static async dropped(file) {
    const facts = await askJson("/v1/inspect", { method: "POST", body: file, headers: raw(file) });
    return new Source({ ...facts, id: undefined, file, name: file.name });
  }

  /** Load the copy that previews are made of. */
  async load() {
    const clear = this.channels === 4;
    const smaller = this.scale < 1 ? [`thumbnail=${PREVIEW_SIDE}`] : [];
    const options = clear ? { format: "png", compression: 1 } : { format: "jpeg", quality: 95 };
    const answer = await this.request(smaller, options);
    this.reduced = await answer.blob();
  }

  /**
   * The result on the reduced copy.
   * @param {any[]} operations
   * @param {Map<string, any>} catalogue
   * @returns {Promise<Result>}
   */
  async preview(operations, catalogue) {
    const exact = shrinksAtOnce(operations[0], this);
    const clear = this.channels === 4 || operations.some((one) => CLEAR.has(one.op));
    const options = clear ? { format: "png", compression: 1 } : { format: "jpeg", quality: 85 };
    if (exact) return this.result(operations, options);
    const scaled = operations.map((one) => scaledBy(one, this.scale, catalogue.get(one.op)));
    const started = performance.now();
    const address = `/v1/process?${query(scaled, options)}`;
    const answer = await ask(address, { method: "POST", body: this.reduced, headers: { "Content-Type": "application/octet-stream" } });
    return resultOf(answer, started);
  }

  /**
   * The result in full.
   * @param {any[]} operations
   * @param {Record<string, any>} options  of encoding
   * @param {AbortSignal} [signal]
   * @returns {Promise<Result>}
   */
  async result(operations, options, signal) {
    const started = performance.now();
    return resultOf(await this.request(operations, options, signal), started, this);
  }

  /**
   * @param {any[]} operations
   * @param {Record<string, any>} options
   * @param {AbortSignal} [signal]
   */
  request(operations, options, signal) {
    const asked = query(operations, options);
    if (this.file) {
      return ask(`/v1/process?${asked}`, { method: "POST", body: this.file, signal, headers: raw(this.file) });
    }
    return ask(`/v1/images/${encodeURIComponent(this.id ?? "")}/content?${asked}`, { signal });
  }

  /**
   * What the service would do, in full.
   * @param {any[]} operations
   * @param {Record<string, any>} encode
   * @param {AbortSignal} signal
   */
  async plan(operations, encode, signal) {
    const asked = new URLSearchParams({ pipeline: JSON.stringify({ operations, encode }) });
    if (this.id) asked.set("image", this.id);
    const body = this.file?.slice(0, HEAD_BYTES);
    return askJson(`/lab/plan?${asked}`, { method: "POST", body, signal, headers: { "Content-Type": "application/octet-stream" } });
  }

  /** The format of results of which the view asks for none of its own. */
  get viewed() {
    return SHOWN.has(this.format) ? {} : { format: "png", compression: 1 };
  }
}

/** @param {File} file */
function raw(file) {
  return { "Content-Type": file.type.startsWith("image/") ? file.type : "application/octet-stream" };
}

/**
 * Options as a query; operations may be text.
 * @param {any[]} operations
 * @param {Record<string, any>} options
 */
export function query(operations, options) {
  const asked = new URLSearchParams();
  for (const one of operations) asked.append("operations", typeof one === "string" ? one : textOf(one));
  for (const [name, value] of Object.entries(options)) asked.set(name, String(value));
  return asked.toString();
}

/** @param {any} operation */
export function textOf({ op, ...values }) {
  return Object.keys(values).length ? `${op}=${JSON.stringify(values)}` : op;
}

/**
 * Whether the first step makes it small anyway: then the result itself is as quick as a preview.
 * @param {any} first
 * @param {Source} source
 */
function shrinksAtOnce(first, source) {
  if (!first || (first.op !== "resize" && first.op !== "thumbnail")) return source.scale === 1;
  const side = Math.max(source.width, source.height) * (first.factor ?? 1);
  return Math.max(first.width ?? 0, first.height ?? 0, first.factor ? side : 0) <= PREVIEW_SIDE;
}

/**
 * An operation for a smaller copy: what is in pixels becomes smaller with it.
 * @param {any} operation
 * @param {number} scale
 * @param {any} described  the catalogue's entry
 */
export function scaledBy(operation, scale, described) {
  const scaled = { ...operation };
  for (const [name, schema] of Object.entries(described?.parameters.properties ?? {})) {
    if (schema.unit !== "px") continue;
    const value = name in operation ? operation[name] : schema.default;
    if (value !== null && value !== undefined) scaled[name] = shrunk(value, scale, schema);
  }
  if (operation.op === "affine") {
    scaled.matrix = operation.matrix?.map((/** @type {number[]} */ [a, b, shift]) => [a, b, shift * scale]);
  }
  if (operation.op === "perspective" && operation.unit !== "fraction") {
    scaled.points = operation.points?.map((/** @type {number[]} */ point) => point.map((one) => one * scale));
  }
  return scaled;
}

/**
 * @param {any} value  a number, a nested list of them, or text such as "50%", which stays
 * @param {number} scale
 * @param {any} schema
 * @returns {any}
 */
function shrunk(value, scale, schema) {
  if (Array.isArray(value)) return value.map((one, at) => shrunk(one, scale, schema.items ?? schema.prefixItems?.[at] ?? schema));
  if (typeof value !== "number") return value;
  const bounds = (schema.anyOf ?? [schema]).find((/** @type {any} */ one) => one.type !== "null") ?? schema;
  const least = value === 0 ? 0 : bounds.minimum ?? 0;
  const next = Math.max(least, value * scale);
  return bounds.type === "integer" ? Math.round(next) : next;
}

/**
 * @param {Response} answer
 * @param {number} started
 * @param {{width: number, height: number}} [unchanged]  its size when the answer tells none: a file as it is
 * @returns {Promise<Result>}
 */
async function resultOf(answer, started, unchanged = { width: 0, height: 0 }) {
  const blob = await answer.blob();
  const milliseconds = performance.now() - started;
  const timing = (answer.headers.get("Server-Timing") ?? "").split(", ").filter(Boolean)
    .map((part) => /^([\w-]+)(?:;desc="(\w+)")?;dur=([\d.]+)$/.exec(part)).filter((part) => part !== null);
  const stages = Object.fromEntries(timing.map(([, name, , taken]) => [name, Number(taken)]));
  const steps = timing.flatMap(([, , op, taken]) => op ? [{ op, milliseconds: Number(taken) }] : []);
  const several = blob.type === "application/zip";
  const images = several ? await unzipped(blob) : [{ blob, name: "result" }];
  const width = Number(answer.headers.get("Darkroom-Width")) || unchanged.width;
  const height = Number(answer.headers.get("Darkroom-Height")) || unchanged.height;
  return { images, bytes: blob.size, milliseconds, stages, steps, width, height };
}
