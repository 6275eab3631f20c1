// Requests to the service, and its problems as errors (RFC 9457).

import { el } from "./dom.js";

export class Problem extends Error {
  /** @param {{title?: string, detail?: string, status?: number, errors?: {pointer: string, detail: string}[]}} body */
  constructor(body) {
    super(body.detail || body.title || "the request failed");
    this.title = body.title || "Problem";
    this.status = body.status || 0;
    this.errors = body.errors || [];
  }
}

/**
 * The answer; raises a Problem for one that is none, and the AbortError of `options.signal`.
 * @param {string} url
 * @param {RequestInit} [options]
 */
export async function ask(url, options = {}) {
  let answer;
  try {
    answer = await fetch(url, options);
  } catch (error) {
    if (/** @type {any} */ (error).name === "AbortError") throw error;
    throw new Problem({ title: "No answer", detail: "the service cannot be reached" });
  }
  if (!answer.ok) throw await problemOf(answer);
  return answer;
}

/**
 * @param {string} url
 * @param {RequestInit} [options]
 */
export async function askJson(url, options) {
  return (await ask(url, options)).json();
}

/**
 * @param {string} method
 * @param {unknown} body
 * @returns {RequestInit}
 */
export function sending(method, body) {
  return { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
}

/** @param {Response} answer */
async function problemOf(answer) {
  try {
    return new Problem(await answer.json());
  } catch {
    return new Problem({ title: answer.statusText, detail: `status ${answer.status}` });
  }
}

/**
 * A problem in its own words, to be put where it happened.
 * @param {any} error
 */
export function problemBox(error) {
  return el("div", { class: "problem", role: "alert" },
    el("p", {}, el("strong", {}, error.title || "Error"), ` ${error.message}`));
}
