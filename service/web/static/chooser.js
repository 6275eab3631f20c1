// The dialog that offers the images of the library.

import { askJson, problemBox } from "./ask.js";
import { el, fill } from "./dom.js";
import { closing, open } from "./exports.js";

const OFFERED = 48;

/**
 * @param {HTMLDialogElement} dialog
 * @param {(id: string) => void} chosen
 */
export function chooseImage(dialog, chosen) {
  const search = el("input", { type: "search", placeholder: "part of the path", autofocus: true });
  const list = el("ul", { class: "gallery small chooser", "aria-label": "Images of the library" });
  const choose = (/** @type {string} */ id) => {
    dialog.close();
    chosen(id);
  };
  const load = async () => {
    const asked = new URLSearchParams({ limit: String(OFFERED), ...(search.value && { name: search.value }) });
    try {
      const { images, total } = await askJson(`/v1/images?${asked}`);
      fill(list, ...images.map((/** @type {any} */ image) => offered(image, choose)));
      if (!total) fill(list, el("li", {}, "The library has no such image. Close this, and drop a file on the page."));
    } catch (error) {
      fill(list, el("li", {}, problemBox(error)));
    }
  };
  let pause = 0;
  search.addEventListener("input", () => {
    clearTimeout(pause);
    pause = setTimeout(load, 150);
  });
  open(dialog, "Choose an image", el("label", { class: "field" }, "Name", search), list, closing(dialog));
  load();
}

/**
 * @param {any} image
 * @param {(id: string) => void} choose
 */
function offered(image, choose) {
  const address = `/v1/images/${image.id}/content?operations=thumbnail%3D480x240&format=webp&quality=72`;
  return el("li", {}, el("button", { class: "offer", onclick: () => choose(image.id), title: image.path },
    el("img", { src: address, alt: image.path, loading: "lazy", width: image.width, height: image.height })));
}
