// What was taken: kept up to date, opened large, removed.

import { ask, problemBox } from "./ask.js";
import { el, fill, find } from "./dom.js";

const LIST = "#taken";

export class Gallery {
  /**
   * @param {HTMLDialogElement} dialog
   * @param {(text: string) => void} say
   */
  constructor(dialog, say) {
    this.dialog = dialog;
    this.say = say;
    this.shown = "";
    document.addEventListener("click", (event) => this.clicked(event));
    document.addEventListener("submit", (event) => this.submitted(event));
    dialog.addEventListener("keydown", (event) => {
      if (event.key === "ArrowLeft") this.turn(-1);
      if (event.key === "ArrowRight") this.turn(1);
    });
  }

  /** @returns {HTMLElement[]}  the links of the pictures, the newest first */
  links() {
    return [...document.querySelectorAll(`${LIST} [data-picture]`)].map((one) => /** @type {HTMLElement} */ (one));
  }

  /**
   * The list as the service shows it now: there is one template for it.
   * @param {string} [address]
   */
  async refresh(address = location.href) {
    const fresh = await part(address.replace(/#.*/, ""), LIST);
    find(LIST).replaceWith(fresh);
  }

  /** @param {MouseEvent} event */
  clicked(event) {
    const link = /** @type {Element} */ (event.target).closest("[data-picture]");
    const elsewhere = event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
    if (!link || elsewhere) return;
    event.preventDefault();
    this.open(/** @type {HTMLAnchorElement} */ (link));
  }

  /** @param {HTMLAnchorElement} link */
  async open(link) {
    this.shown = link.dataset.picture ?? "";
    const bar = el("div", { class: "row" },
      el("button", { class: "quiet", title: "Left arrow", disabled: !this.beside(-1), onclick: () => this.turn(-1) }, "Newer"),
      el("button", { class: "quiet", title: "Right arrow", disabled: !this.beside(1), onclick: () => this.turn(1) }, "Older"),
      el("button", { autofocus: true, onclick: () => this.dialog.close() }, "Close"));
    const picture = await part(link.href, ".shot").catch(problemBox);
    fill(this.dialog, bar, picture);
    if (!this.dialog.open) this.dialog.showModal();
    else find("button[autofocus]", this.dialog).focus();
  }

  /** @param {number} step */
  beside(step) {
    const links = this.links();
    return links[links.findIndex((one) => one.dataset.picture === this.shown) + step];
  }

  /** @param {number} step */
  turn(step) {
    const next = this.beside(step);
    if (next) this.open(/** @type {HTMLAnchorElement} */ (next));
  }

  /** @param {SubmitEvent} event */
  async submitted(event) {
    const form = /** @type {HTMLFormElement} */ (event.target);
    const url = form.dataset.delete;
    if (!url) return;
    event.preventDefault();
    try {
      await ask(url, { method: "DELETE" });
      await this.refresh();
      this.say(`${url.replace(/.*\//, "")} was deleted`);
      this.dialog.close();
      // The browser would give the focus back to what has been removed.
      (this.links()[0] ?? find(".take button")).focus();
    } catch (error) {
      form.append(problemBox(error));
    }
  }
}

/**
 * An element of a page.
 * @param {string} address
 * @param {string} selector
 * @returns {Promise<Element>}
 */
async function part(address, selector) {
  const answer = await ask(address, { headers: { Accept: "text/html" } });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return document.adoptNode(find(selector, page));
}
