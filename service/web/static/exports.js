// The pipeline as a command, as JSON and as Python, and where it goes from the lab.

import { askJson, problemBox, sending } from "./ask.js";
import { el, fill } from "./dom.js";
import { query } from "./source.js";

/** @typedef {{source: import("./source.js").Source, operations: any[], encode: Record<string, any>, signedIn: boolean, several: boolean, library: string}} Work */

const quoted = (/** @type {string} */ text) => `'${text.replaceAll("'", "'\\''")}'`;
const KEY = ' \\\n  -H "Authorization: Bearer $DARKROOM_API_KEY"';

/** @type {Record<string, (work: Work) => string>} */
export const FORMS = {
  curl({ source, operations, encode, signedIn, several }) {
    const output = `result.${several ? "zip" : ending(source, encode)}`;
    const asked = query(operations, encode);
    const key = signedIn ? KEY : "";
    if (source.id) {
      const address = `${location.origin}/v1/images/${source.id}/content?${asked}`;
      return `curl -f ${quoted(address)}${key} \\\n  -o ${output}`;
    }
    const address = `${location.origin}/v1/process?${asked}`;
    return `curl -f ${quoted(address)}${key} \\\n  -H 'Content-Type: application/octet-stream' \\\n  --data-binary ${quoted(`@${source.name}`)} \\\n  -o ${output}`;
  },
  JSON({ source, operations, encode, library }) {
    const images = [{ input: pathOf(source, library), output: `output/result.${ending(source, encode)}` }];
    return JSON.stringify({ images, operations, ...(Object.keys(encode).length && { encode }) }, null, 2);
  },
  Python({ source, operations, encode, signedIn, several, library }) {
    const options = { operations: operations.length ? operations : undefined, ...encode };
    const fields = Object.entries(options).filter(([, value]) => value !== undefined)
      .map(([name, value]) => `    ${JSON.stringify(name)}: ${name === "operations" ? `json.dumps(${python(value)})` : python(value)},`);
    const key = signedIn ? ', headers={"Authorization": f"Bearer {os.environ[\'DARKROOM_API_KEY\']}"}' : "";
    return [
      "import json", ...(signedIn ? ["import os"] : []), "from pathlib import Path", "", "import httpx", "",
      "options = {", ...fields, "}",
      `with open(${python(pathOf(source, library))}, "rb") as image:`,
      `    answer = httpx.post("${location.origin}/v1/process", data=options, files={"file": image}, timeout=60${key})`,
      "answer.raise_for_status()", `Path("result.${several ? "zip" : ending(source, encode)}").write_bytes(answer.content)`,
    ].join("\n");
  },
};

/**
 * Where a batch reads it: those of the library are named from its folder on.
 * @param {import("./source.js").Source} source
 * @param {string} library  its folder from the working folder on, with `/` at the end
 */
const pathOf = (source, library) => (source.id ? `${library}${source.name}` : source.name);

/**
 * @param {import("./source.js").Source} source
 * @param {Record<string, any>} encode
 */
export function ending(source, encode) {
  const format = encode.format ?? source.format;
  return format === "jpeg" ? "jpg" : format;
}

/** @param {any} value */
function python(value) {
  const words = { true: "True", false: "False", null: "None" };
  return JSON.stringify(value).replaceAll(/("(?:[^"\\]|\\.)*")|\b(true|false|null)\b/g,
    (_, text, word) => text ?? words[/** @type {keyof typeof words} */ (word)]);
}

/**
 * Save the results in full, as files.
 * @param {Work} work
 */
export async function download({ source, operations, encode }) {
  const { images } = await source.result(operations, encode);
  const stem = source.name.replace(/^.*\//, "").replace(/\.[^.]*$/, "");
  for (const [at, { blob }] of images.entries()) {
    const number = images.length > 1 ? `_${at + 1}` : "";
    const url = URL.createObjectURL(blob);
    el("a", { href: url, download: `${stem}_lab${number}.${ending(source, encode)}` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  }
}

/**
 * @param {HTMLDialogElement} dialog
 * @param {Work} work
 */
export function showCode(dialog, work) {
  const code = el("textarea", { class: "code", readOnly: true, rows: 14, "aria-label": "The pipeline as text" });
  const copy = el("button", { class: "primary", onclick: async () => {
    code.select();
    await navigator.clipboard?.writeText(code.value).then(() => (copy.textContent = "Copied"), () => {});
  } }, "Copy");
  const choose = (/** @type {string} */ form) => {
    code.value = FORMS[form](work);
    copy.textContent = "Copy";
    for (const tab of tabs) tab.setAttribute("aria-pressed", String(tab.textContent === form));
  };
  const tabs = Object.keys(FORMS).map((form) => el("button", { onclick: () => choose(form) }, form));
  open(dialog, "Copy as", el("div", { class: "segments", role: "group", "aria-label": "Form" }, ...tabs), code, el("div", { class: "row" }, copy, closing(dialog)));
  choose("curl");
}

/**
 * @param {HTMLDialogElement} dialog
 * @param {Work} work
 */
export function saveRecipe(dialog, { operations, encode }) {
  const name = el("input", { required: true, maxLength: 100, autocomplete: "off", autofocus: true });
  const answer = el("div", { role: "status" });
  const save = async (/** @type {Event} */ event) => {
    event.preventDefault();
    try {
      const recipe = await askJson(`/v1/recipes/${encodeURIComponent(name.value.trim())}`, sending("PUT", { operations, encode }));
      const link = el("a", { href: `/recipes/${encodeURIComponent(recipe.name)}` }, recipe.name);
      fill(answer, el("p", {}, "Saved: ", link, ` is version ${recipe.version}. In a batch: `, el("code", {}, `"recipe": "${recipe.name}"`), "."));
      button.hidden = true;
    } catch (error) {
      fill(answer, problemBox(error));
    }
  };
  const button = el("button", { class: "primary" }, "Save");
  name.addEventListener("input", () => (button.hidden = false)); // another name is another recipe
  const form = el("form", { class: "stack", onsubmit: save },
    el("label", { class: "field" }, "Name", name), el("div", { class: "row" }, button, closing(dialog)), answer);
  open(dialog, "Save as recipe", form);
}

/**
 * @param {HTMLDialogElement} dialog
 * @param {string} title
 * @param {...Node} content
 */
export function open(dialog, title, ...content) {
  fill(dialog, el("h2", { id: "dialog-title" }, title), ...content);
  dialog.showModal();
}

/** @param {HTMLDialogElement} dialog */
export function closing(dialog) {
  return el("button", { type: "button", class: "quiet", onclick: () => dialog.close() }, "Close");
}
