// The lab: what its parts do together.

import { askJson, problemBox } from "./ask.js";
import { chooseImage } from "./chooser.js";
import { el, fill, find } from "./dom.js";
import { download, saveRecipe, showCode } from "./exports.js";
import "./image_view.js";
import { startOf } from "./palette.js";
import { pickable, pickFor } from "./picking.js";
import { Pipeline } from "./pipeline.js";
import { planned, readings } from "./readings.js";
import { Source } from "./source.js";
import "./steps.js";

const SETTLED = 700;
/** The palette lies below the picture. */
const NARROW = matchMedia("(max-width: 719px)");
/** @type {(name: string) => any} */
const byId = (name) => find(`#${name}`);

class Lab {
  /** @param {any[]} operations  the catalogue */
  constructor(operations) {
    this.catalogue = new Map(operations.map((one) => [one.name, one]));
    this.pipeline = new Pipeline();
    /** @type {Source | null} */
    this.source = null;
    this.view = find("image-view");
    this.steps = find("step-list");
    this.zoom = "fit";
    this.settling = 0;
    this.background = new AbortController();
    this.busy = false;
    this.wanted = false;
    this.restore();
    find("operation-palette").show(operations, (/** @type {any} */ one) => this.add(one));
    this.steps.connect(this.pipeline, this.catalogue, {
      say: (/** @type {string} */ text) => (byId("spoken").textContent = text),
      side: () => Math.max(this.source?.width ?? 0, this.source?.height ?? 0),
      pickable: (/** @type {any} */ step) => (this.source ? pickable(step, this.catalogue) : ""),
      pick: (/** @type {any} */ step) => this.pick(step),
    });
    this.pipeline.addEventListener("change", () => this.changed());
    this.listen();
    this.reflect();
  }

  /** The pipeline of the address: that behind `#`, else the operations of the query. */
  restore() {
    const start = byId("lab").dataset;
    this.read(() => {
      const text = location.hash.length > 1 ? decodeURIComponent(location.hash.slice(1)) : start.steps;
      if (text) this.pipeline.read(text);
    });
    const image = new URLSearchParams(location.search).get("image");
    if (image) this.use(() => Source.stored(image));
    else this.invite();
  }

  /**
   * Take what an address holds, whoever has written it.
   * @param {() => void} taking
   */
  read(taking) {
    try {
      taking();
    } catch {
      fill(byId("trouble"), problemBox({ title: "Address", message: "its pipeline cannot be read; it was left out" }));
    }
  }

  listen() {
    const dialog = byId("dialog");
    byId("choose").onclick = () => chooseImage(dialog, (id) => this.use(() => Source.stored(id)));
    byId("file").onchange = () => byId("file").files[0] && this.use(() => Source.dropped(byId("file").files[0]));
    byId("undo").onclick = () => this.pipeline.undo();
    byId("redo").onclick = () => this.pipeline.redo();
    byId("download").onclick = () => download(this.work()).catch((error) => this.complain(error));
    byId("recipe").onclick = () => saveRecipe(dialog, this.work());
    byId("code").onclick = () => this.source && showCode(dialog, this.work());
    byId("compare").onclick = () => this.compare();
    byId("format").onchange = byId("quality").onchange = () => this.pipeline.write(this.encoding());
    byId("plan").addEventListener("toggle", () => this.plan());
    for (const button of document.querySelectorAll("[data-zoom]")) {
      button.addEventListener("click", () => this.setZoom(/** @type {HTMLElement} */ (button).dataset.zoom ?? "fit"));
    }
    addEventListener("keydown", (event) => this.key(event));
    addEventListener("dragover", (event) => event.dataTransfer?.types.includes("Files") && event.preventDefault());
    addEventListener("drop", (event) => {
      const file = event.dataTransfer?.files[0];
      if (!file) return;
      event.preventDefault();
      this.use(() => Source.dropped(file));
    });
    addEventListener("hashchange", () => this.read(() => {
      const text = decodeURIComponent(location.hash.slice(1));
      if (text !== this.pipeline.text()) this.pipeline.change(() => this.pipeline.read(text));
    }));
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const typing = /** @type {HTMLElement} */ (event.target).matches?.("input[type=text], input[type=search], textarea");
    if (typing || !(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z") return;
    event.preventDefault();
    if (event.shiftKey) this.pipeline.redo();
    else this.pipeline.undo();
  }

  invite() {
    const choose = el("button", { class: "primary", onclick: () => byId("choose").click() }, "Choose an image");
    this.welcome = el("div", { class: "empty" }, el("h2", {}, "Put an image on the table"),
      el("p", {}, "Drop a file anywhere on this page: it is not stored. Or take one of the library."), choose);
    this.view.append(this.welcome);
  }

  /**
   * Work on another image.
   * @param {() => Promise<Source>} open
   */
  async use(open) {
    const readings = find(".readings");
    readings.textContent = "loading the image…";
    try {
      const source = await open();
      await source.load();
      this.source = source;
      this.welcome?.remove();
      fill(byId("trouble"));
      await this.view.showBefore(/** @type {Blob} */ (source.reduced));
      this.reflect();
      this.steps.draw();
      this.render();
    } catch (error) {
      readings.textContent = "";
      fill(byId("trouble"), problemBox(error));
    }
  }

  /** @param {any} operation  of the catalogue */
  add(operation) {
    const step = this.pipeline.add(operation.name, startOf(operation, this.source));
    this.steps.reveal(step);
    if (this.source && NARROW.matches) this.view.scrollIntoView({ block: "start" });
    byId("spoken").textContent = `${operation.name} was added as step ${this.pipeline.steps.length}`;
  }

  changed() {
    this.reflect();
    this.render();
  }

  /** The address, the buttons and the fields say what the pipeline is. */
  reflect() {
    const { pipeline } = this;
    const query = this.source?.id ? `?image=${encodeURIComponent(this.source.id)}` : this.source ? "" : location.search;
    history.replaceState(null, "", `/lab${query}#${encodeURIComponent(pipeline.text())}`);
    byId("undo").disabled = !pipeline.past.length;
    byId("redo").disabled = !pipeline.future.length;
    byId("format").value = pipeline.encode.format ?? "";
    byId("quality").value = pipeline.encode.quality ?? "";
    for (const name of ["download", "code"]) byId(name).disabled = !this.source;
    const handed = new URLSearchParams({ operations: JSON.stringify(pipeline.operations) });
    if (Object.keys(pipeline.encode).length) handed.set("encode", JSON.stringify(pipeline.encode));
    byId("batch").href = `/jobs?${handed}`;
  }

  encoding() {
    const [format, quality] = [byId("format").value, Number(byId("quality").value)];
    return { ...(format && { format }), ...(quality && { quality }) };
  }

  work() {
    const source = /** @type {Source} */ (this.source);
    const { signedIn, library = "" } = byId("lab").dataset;
    return { library, source, operations: this.pipeline.operations, encode: this.pipeline.encode, signedIn: Boolean(signedIn), several: !this.view.grid.hidden };
  }

  /**
   * One preview at a time, then the newest: what changed meanwhile waits, and the rest is left out.
   * To give a request up would not help: a worker goes on with what it has begun.
   */
  async render() {
    clearTimeout(this.settling);
    this.background.abort(); // the result in full, and the plan, of what was before
    this.wanted = true;
    if (this.busy || !this.source) return;
    this.busy = true;
    this.view.classList.add("waiting");
    while (this.wanted) {
      await new Promise((resolve) => requestAnimationFrame(resolve)); // several changes in a frame are one
      this.wanted = false;
      await this.renderOnce();
    }
    this.view.classList.remove("waiting");
    this.busy = false;
  }

  async renderOnce() {
    const { source } = this;
    const text = this.pipeline.text();
    const fit = this.zoom === "fit";
    try {
      const result = await (fit ? this.preview() : this.full(true));
      if (source !== this.source) return; // of the image before
      await this.view.show(result.images);
      fill(find(".readings"), ...readings(result, fit ? "preview" : "full size"));
      this.view.dataset.rendered = text;
      if (this.wanted) return;
      fill(byId("trouble"));
      this.steps.blame(null);
      this.settle(fit);
    } catch (error) {
      if (source === this.source && !this.wanted) this.complain(error);
    }
  }

  preview() {
    const source = /** @type {Source} */ (this.source);
    return source.preview(this.pipeline.operations, this.catalogue);
  }

  /**
   * The result in full.
   * @param {boolean} shown  in a format that browsers show
   * @param {AbortSignal} [signal]
   */
  full(shown, signal) {
    const source = /** @type {Source} */ (this.source);
    const encode = { ...(shown ? source.viewed : {}), ...this.pipeline.encode };
    return source.result(this.pipeline.operations, encode, signal);
  }

  /**
   * What takes longer, once nothing has moved for a while: the size and the time in full, the plan.
   * @param {boolean} unknown  whether they are not known yet
   */
  settle(unknown) {
    this.background = new AbortController();
    const { signal } = this.background;
    this.plan();
    if (!unknown) return;
    this.settling = setTimeout(async () => {
      const result = await this.full(false, signal).catch(() => null); // the picture is there
      if (result && !signal.aborted) fill(find(".readings"), ...readings(result, "full size"));
    }, SETTLED);
  }

  /** @param {any} error */
  complain(error) {
    if (!this.steps.blame(error)) fill(byId("trouble"), problemBox(error));
    else fill(byId("trouble"));
  }

  async plan() {
    if (!this.source || !byId("plan").open) return;
    const { signal } = this.background;
    const place = find("#plan > div");
    try {
      const plan = await this.source.plan(this.pipeline.operations, this.pipeline.encode, signal);
      fill(place, ...planned(plan));
    } catch (error) {
      if (!signal.aborted) fill(place, problemBox(error));
    }
  }

  /** @param {string} zoom */
  async setZoom(zoom) {
    this.zoom = zoom;
    for (const button of document.querySelectorAll("[data-zoom]")) {
      button.setAttribute("aria-pressed", String(/** @type {HTMLElement} */ (button).dataset.zoom === zoom));
    }
    this.view.setZoom(zoom);
    await this.render();
  }

  compare() {
    const on = byId("compare").getAttribute("aria-pressed") !== "true";
    byId("compare").setAttribute("aria-pressed", String(on));
    this.view.compare(on);
  }

  /** @param {import("./pipeline.js").Step} step */
  async pick(step) {
    const source = /** @type {Source} */ (this.source);
    const at = this.pipeline.steps.indexOf(step);
    const before = this.pipeline.steps.slice(0, at).filter((one) => !one.off).map(({ op, values }) => ({ op, ...values }));
    try {
      const result = await source.preview(before, this.catalogue);
      await this.view.show(result.images.slice(0, 1));
      const plan = await source.plan(before, {}, new AbortController().signal);
      const [width, height] = plan.sizes[0];
      const values = await pickFor(step, this.catalogue, this.view, width, height);
      if (values) this.pipeline.change(() => Object.assign(step.values, values));
      else this.render();
    } catch (error) {
      this.complain(error);
    }
  }
}

askJson("/v1/operations").then((operations) => {
  byId("lab").hidden = false;
  new Lab(operations);
}, (error) => find("main").append(problemBox(error)));
