// <image-view>: the picture, before and after, zoomed, several results as a grid, places picked.

import { el } from "./dom.js";

class ImageView extends HTMLElement {
  /** @type {Map<HTMLImageElement, string>} */
  urls = new Map();

  connectedCallback() {
    if (this.result) return;
    this.original = el("img", { class: "before", alt: "Before", draggable: false, hidden: true });
    this.result = el("img", { class: "after", alt: "The picture after the pipeline", draggable: false, hidden: true });
    this.grid = el("ul", { class: "results", "aria-label": "Results", hidden: true });
    this.slider = el("input", { type: "range", class: "divider", min: 0, max: 100, value: 50, step: 0.5, hidden: true, "aria-label": "Line between before and after, percent from the left" });
    this.box = el("div", { class: "picked", hidden: true });
    this.canvas = el("div", { class: "canvas" }, this.original, this.result, this.box);
    this.scroller = el("div", { class: "scroller", tabIndex: 0, role: "region", "aria-label": "Picture, scrolls when zoomed" }, this.canvas, this.grid);
    this.prompt = el("p", { class: "prompt", role: "status", hidden: true });
    this.append(this.scroller, this.slider, this.prompt);
    this.zoom = "fit";
    this.slider.addEventListener("input", () => this.divide());
    this.scroller.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => this.pan(event));
    this.divide();
  }

  /**
   * @param {HTMLImageElement} image
   * @param {Blob} blob
   */
  put(image, blob) {
    const url = URL.createObjectURL(blob);
    const old = this.urls.get(image);
    this.urls.set(image, url);
    image.hidden = false;
    image.src = url;
    return image.decode().catch(() => {}).then(() => old && URL.revokeObjectURL(old));
  }

  /** @param {Blob} blob */
  showBefore(blob) {
    return this.put(this.original, blob).then(() => (this.original.hidden = this.slider.hidden));
  }

  /** @param {{blob: Blob, name: string}[]} images */
  async show(images) {
    const several = images.length > 1;
    this.grid.hidden = !several;
    this.grid.style.setProperty("--columns", String(Math.ceil(Math.sqrt(images.length))));
    this.canvas.hidden = several;
    for (const old of this.grid.querySelectorAll("img")) URL.revokeObjectURL(old.src);
    this.grid.replaceChildren(...(several ? images.map(gridItem) : []));
    if (!several) await this.put(this.result, images[0].blob);
    this.layout();
  }

  /** @param {boolean} on */
  compare(on) {
    this.slider.hidden = !on;
    this.original.hidden = !on || !this.original.src;
    this.divide();
  }

  divide() {
    const at = this.slider.hidden ? 0 : Number(this.slider.value);
    this.style.setProperty("--at", `${at}%`);
  }

  /** @param {string} zoom  "fit", or pixels of the screen for one of the picture */
  setZoom(zoom) {
    this.zoom = zoom;
    this.layout();
  }

  layout() {
    const fit = this.zoom === "fit";
    this.classList.toggle("zoomed", !fit);
    this.classList.toggle("pixelated", Number(this.zoom) > 1);
    this.canvas.style.width = fit ? "" : `${this.result.naturalWidth * Number(this.zoom)}px`;
    this.canvas.style.height = fit ? "" : `${this.result.naturalHeight * Number(this.zoom)}px`;
  }

  /** @param {PointerEvent} event */
  pan(event) {
    if (this.picking || this.zoom === "fit" || event.button !== 0) return;
    const { scrollLeft, scrollTop } = this.scroller;
    const move = (/** @type {PointerEvent} */ now) => {
      this.scroller.scrollTo(scrollLeft - now.clientX + event.clientX, scrollTop - now.clientY + event.clientY);
    };
    addEventListener("pointermove", move);
    addEventListener("pointerup", () => removeEventListener("pointermove", move), { once: true });
  }

  /**
   * Let the user draw a box, or point `points` times; fractions of the picture, 0 to 1. Escape ends
   * it with null.
   * @param {"box" | "point"} kind
   * @param {number} points
   * @param {string} prompt
   * @returns {Promise<number[][] | null>}
   */
  pick(kind, points, prompt) {
    this.stopPicking?.();
    this.picking = true;
    this.classList.add("picking");
    this.prompt.textContent = prompt;
    this.prompt.hidden = false;
    return new Promise((resolve) => {
      /** @type {number[][]} */
      const found = [];
      const end = (/** @type {number[][] | null} */ result) => {
        this.picking = false;
        this.classList.remove("picking");
        this.prompt.hidden = this.box.hidden = true;
        ways.abort();
        resolve(result);
      };
      this.stopPicking = () => end(null);
      const ways = new AbortController();
      const { signal } = ways;
      this.scroller.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
        event.preventDefault();
        found.push(this.place(event));
        if (kind === "point" && found.length === points) end(found);
        else if (kind === "box") this.drawn(event, found[0]);
      }, { signal });
      addEventListener("pointerup", (event) => {
        if (kind === "box" && found.length) end([found[0], this.place(event)]);
      }, { signal });
      addEventListener("pointermove", (event) => {
        if (kind === "box" && found.length) this.drawn(event, found[0]);
      }, { signal });
      addEventListener("keydown", (event) => event.key === "Escape" && end(null), { signal });
    });
  }

  /**
   * @param {PointerEvent} event
   * @param {number[]} start
   */
  drawn(event, start) {
    const [x, y] = this.place(event);
    const area = this.picture();
    const outer = this.canvas.getBoundingClientRect();
    const place = (/** @type {number} */ share, /** @type {number} */ from, /** @type {number} */ length, /** @type {number} */ base) => `${from - base + share * length}px`;
    this.box.hidden = false;
    this.box.style.left = place(Math.min(x, start[0]), area.left, area.width, outer.left);
    this.box.style.top = place(Math.min(y, start[1]), area.top, area.height, outer.top);
    this.box.style.width = `${Math.abs(x - start[0]) * area.width}px`;
    this.box.style.height = `${Math.abs(y - start[1]) * area.height}px`;
  }

  /**
   * Where in the picture, as fractions.
   * @param {PointerEvent} event
   */
  place(event) {
    const area = this.picture();
    const within = (/** @type {number} */ share) => Math.max(0, Math.min(1, share));
    return [within((event.clientX - area.left) / area.width), within((event.clientY - area.top) / area.height)];
  }

  /** The rectangle on the screen that the picture itself takes in its element. */
  picture() {
    const area = this.result.getBoundingClientRect();
    const scale = Math.min(area.width / (this.result.naturalWidth || 1), area.height / (this.result.naturalHeight || 1));
    const [width, height] = [this.result.naturalWidth * scale, this.result.naturalHeight * scale];
    return { left: area.left + (area.width - width) / 2, top: area.top + (area.height - height) / 2, width, height };
  }
}

/** @param {{blob: Blob, name: string}} image */
function gridItem({ blob, name }) {
  return el("li", {}, el("img", { src: URL.createObjectURL(blob), alt: name }));
}

customElements.define("image-view", ImageView);
