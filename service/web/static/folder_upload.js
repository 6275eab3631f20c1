// <folder-upload>: a folder that is chosen or dropped goes into the collection, in several requests.

import { ask, Problem, problemBox } from "./ask.js";
import { el, fill, find } from "./dom.js";
import { dropped, nameOf } from "./folders.js";

const MOST_SHOWN = 200;
const ROOM = 4096; // for the form around the files of a request
const ROOM_FOR_EACH = 1024;

class FolderUpload extends HTMLElement {
  limits = { files: 0, image: 0, body: 0 };
  to = "";
  extensions = new Set([""]);
  busy = false;
  report = el("section");

  connectedCallback() {
    const { maxFiles, maxImage, maxBody, to, extensions = "" } = this.dataset;
    this.limits = { files: Number(maxFiles), image: Number(maxImage), body: Number(maxBody) - ROOM };
    this.to = to || "";
    this.extensions = new Set(extensions.split(" "));
    this.report = /** @type {HTMLElement} */ (find("#report"));
    find("[data-plain]", this).hidden = true;
    for (const scripted of this.querySelectorAll("[data-scripted]")) /** @type {any} */ (scripted).hidden = false;
    for (const input of this.querySelectorAll("input[type=file]")) {
      input.addEventListener("change", () => this.chosen(/** @type {HTMLInputElement} */ (input)));
    }
    this.watchDrops();
  }

  watchDrops() {
    const cover = el("div", { class: "drop-cover", hidden: true }, "Drop a folder or images to add them");
    document.body.append(cover);
    let depth = 0;
    const carries = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files");
    addEventListener("dragenter", (event) => {
      if (carries(event)) cover.hidden = (depth += 1) === 0;
    });
    addEventListener("dragleave", (event) => {
      if (carries(event)) cover.hidden = (depth = Math.max(0, depth - 1)) === 0;
    });
    addEventListener("dragover", (event) => {
      if (carries(event)) event.preventDefault();
    });
    addEventListener("drop", async (event) => {
      if (!carries(event)) return;
      event.preventDefault();
      depth = 0;
      cover.hidden = true;
      try {
        this.sort(await dropped(/** @type {DataTransfer} */ (event.dataTransfer)));
      } catch (error) {
        this.tell({ title: "Cannot be read", message: /** @type {any} */ (error).message });
      }
    });
  }

  /** @param {HTMLInputElement} input */
  chosen(input) {
    const files = [...(input.files || [])].map((file) => ({ file, name: nameOf(file.webkitRelativePath || file.name) }));
    input.value = "";
    this.sort(files);
  }

  /**
   * Send the images: a folder holds other files too. What has no extension may be one.
   * @param {import("./folders.js").Named[]} found
   */
  sort(found) {
    const images = found.filter(({ file, name }) => file.type.startsWith("image/") || this.mayBe(name));
    this.take(images, found.length - images.length);
  }

  /** @param {string} name */
  mayBe(name) {
    const [, extension] = /\.([^.]+)$/.exec(name) ?? [];
    return name.startsWith(".") || extension === undefined || this.extensions.has(extension.toLowerCase());
  }

  /**
   * Send all, one request after the other, and tell what became of them.
   * @param {import("./folders.js").Named[]} found
   * @param {number} others  files that are no images, and stay out
   */
  async take(found, others = 0) {
    if (!found.length && !others) return;
    if (this.busy) {
      this.tell({ title: "Not yet", message: "the files before are still on their way: add these then" });
      return;
    }
    this.busy = true;
    const upload = new Upload(found, this.limits, this.to, others);
    const view = new Report(this.report, upload, () => this.take(upload.again));
    try {
      await upload.run(() => view.show());
    } finally {
      this.busy = false;
      view.show();
    }
    await refresh().catch((error) => this.tell(error));
  }

  /** @param {any} error */
  tell(error) {
    this.report.hidden = false;
    this.report.append(problemBox(error));
  }
}

class Upload {
  /**
   * @param {import("./folders.js").Named[]} found
   * @param {{files: number, image: number, body: number}} limits
   * @param {string} to
   * @param {number} others
   */
  constructor(found, limits, to, others) {
    this.to = to;
    this.others = others;
    this.limits = limits;
    this.hidden = found.filter(({ name }) => name.startsWith(".")).length;
    this.waiting = found.filter(({ name }) => !name.startsWith("."));
    this.total = this.waiting.length;
    this.done = 0;
    this.sent = 0; // the share of the request under way
    this.under = 0;
    this.inserted = 0;
    this.existing = 0;
    /** @type {{name: string, reason: string}[]} */
    this.failed = [];
    /** @type {import("./folders.js").Named[]} */
    this.again = [];
    this.ended = false;
    /** @type {any} */
    this.problem = null;
    /** @type {XMLHttpRequest | null} */
    this.request = null;
  }

  /** @param {() => void} changed */
  async run(changed) {
    while (!this.ended) {
      const group = this.next();
      if (!group.length) break;
      this.under = group.length;
      try {
        const added = await this.send(group, changed);
        this.inserted += added.inserted.length;
        this.existing += added.existing.length;
        for (const { name, error } of added.failed) this.failed.push({ name, reason: `${error.title}: ${error.detail}` });
      } catch (error) {
        this.problem = error;
        this.again = [...group, ...this.waiting];
        break;
      }
      this.done += group.length;
      this.sent = 0;
      changed();
    }
    this.ended = true;
  }

  /** The files of the next request: as many as one may hold. */
  next() {
    const group = [];
    let bytes = 0;
    while (this.waiting.length && group.length < this.limits.files) {
      const { file, name } = this.waiting[0];
      const size = file.size + ROOM_FOR_EACH + 3 * name.length;
      if (file.size > this.limits.image || size > this.limits.body) {
        this.failed.push({ name, reason: `larger than a file may be (${Math.min(this.limits.image, this.limits.body)} bytes)` });
        this.done += 1;
        this.waiting.shift();
        continue;
      }
      if (bytes + size > this.limits.body) break;
      bytes += size;
      group.push(/** @type {import("./folders.js").Named} */ (this.waiting.shift()));
    }
    return group;
  }

  /**
   * fetch tells nothing of what has been sent, so XMLHttpRequest.
   * @param {import("./folders.js").Named[]} group
   * @param {() => void} changed
   * @returns {Promise<any>}
   */
  send(group, changed) {
    const form = new FormData();
    for (const { file, name } of group) form.append("files", file, name);
    return new Promise((resolve, reject) => {
      const request = this.request = new XMLHttpRequest();
      request.open("POST", this.to);
      request.responseType = "json";
      request.upload.onprogress = (event) => {
        this.sent = event.total ? event.loaded / event.total : 0;
        changed();
      };
      request.onload = () => {
        if (request.status === 201) resolve(request.response);
        else reject(new Problem(request.response || { detail: `status ${request.status}` }));
      };
      request.onerror = () => reject(new Problem({ title: "No answer", detail: "the service cannot be reached" }));
      request.onabort = () => reject(new Problem({ title: "Stopped", detail: "what was not sent can be sent now" }));
      request.send(form);
    });
  }

  stop() {
    this.ended = true;
    this.request?.abort();
  }
}

/** What became of the files, as it goes on. */
class Report {
  /**
   * @param {HTMLElement} place
   * @param {Upload} upload
   * @param {() => void} again
   */
  constructor(place, upload, again) {
    this.upload = upload;
    this.listed = 0;
    this.bar = el("progress", { max: upload.total || 1, value: 0, "aria-label": "Files that were sent" });
    this.counts = el("p", { role: "status" });
    this.button = el("button", { type: "button", class: "quiet", onclick: () => upload.stop() }, "Stop");
    this.list = el("ul", { class: "failures", hidden: true });
    this.trouble = el("div");
    this.again = again;
    place.hidden = false;
    fill(place, el("div", { class: "line" }, this.counts, this.button), this.bar, this.trouble, this.list);
    this.show();
  }

  show() {
    const { upload } = this;
    const { done, total, inserted, existing, failed, hidden, others, ended } = upload;
    this.bar.value = done + upload.sent * upload.under * 0.9;
    const left = leftOut(hidden, "hidden ") + leftOut(others, "", " that are no images");
    this.counts.textContent = `${number(done)} of ${number(total)}: ${number(inserted)} inserted · ${number(existing)} were there · ${number(failed.length)} failed${left}`;
    this.bar.hidden = ended;
    for (const { name, reason } of failed.slice(this.listed, MOST_SHOWN)) {
      this.list.append(el("li", {}, el("bdi", {}, name), " ", el("span", {}, reason)));
    }
    if (failed.length > MOST_SHOWN && this.listed <= MOST_SHOWN) this.list.append(el("li", {}, "and more"));
    this.listed = failed.length;
    this.list.hidden = !failed.length;
    if (ended) this.end();
  }

  end() {
    this.button.hidden = !this.upload.again.length;
    this.button.textContent = "Send the rest";
    this.button.onclick = this.again;
    if (this.upload.problem && !this.trouble.firstChild) this.trouble.append(problemBox(this.upload.problem));
  }
}

/**
 * @param {number} count
 * @param {string} what
 * @param {string} why
 */
function leftOut(count, what, why = "") {
  return count ? ` · ${number(count)} ${what}${count === 1 ? "file" : "files"}${why.replace("are no images", count === 1 ? "is no image" : "are no images")} left out` : "";
}

const number = (/** @type {number} */ count) => count.toLocaleString("en");

/** Show the page's images as they are now; what was said of the upload stays. */
async function refresh() {
  const text = await (await ask(location.href, { headers: { Accept: "text/html" } })).text();
  const found = new DOMParser().parseFromString(text, "text/html");
  for (const id of ["images", "total", "exports"]) find(`#${id}`).replaceWith(find(`#${id}`, found));
}

customElements.define("folder-upload", FolderUpload);
