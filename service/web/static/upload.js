// <upload-drop>: images dropped on the page, or chosen, go to the library with their progress.

import { Problem, problemBox } from "./ask.js";
import { el, find } from "./dom.js";

const AT_ONCE = 3;

class UploadDrop extends HTMLElement {
  connectedCallback() {
    this.list = find(".uploads", this);
    this.input = find("input[type=file]", this);
    find("[data-plain]", this).hidden = true;
    this.input.multiple = true;
    this.input.addEventListener("change", () => this.take(this.input.files));
    this.watchDrops();
  }

  watchDrops() {
    let depth = 0;
    const cover = el("div", { class: "drop-cover", hidden: true }, "Drop to add to the library");
    document.body.append(cover);
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
    addEventListener("drop", (event) => {
      if (!carries(event)) return;
      event.preventDefault();
      cover.hidden = true;
      depth = 0;
      this.take(/** @type {DataTransfer} */ (event.dataTransfer).files);
    });
  }

  /**
   * Upload all, a few at a time; the page shows them when none has failed.
   * @param {FileList} files
   */
  async take(files) {
    const waiting = [...files];
    let failed = 0;
    const worker = async () => {
      for (let file = waiting.shift(); file; file = waiting.shift()) {
        const added = await this.upload(file);
        failed += added ? 0 : 1;
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    if (!failed) location.assign("/?sort=-modified");
  }

  /** @param {File} file */
  async upload(file) {
    const bar = el("progress", { max: 1, value: 0, "aria-label": file.name });
    const state = el("span", {}, "waiting");
    const row = el("div", { class: "upload-row" }, el("span", { class: "name" }, file.name), bar, state);
    this.list.append(row);
    try {
      await send(file, (share) => {
        bar.value = share;
        state.textContent = share < 1 ? `${Math.round(share * 100)} %` : "reading";
      });
      state.textContent = "added";
      return true;
    } catch (error) {
      state.textContent = "refused";
      row.append(problemBox(error));
      return false;
    }
  }
}

/**
 * Add `file` to the library. fetch tells nothing of what has been sent, so XMLHttpRequest.
 * @param {File} file
 * @param {(share: number) => void} progress
 * @returns {Promise<any>}
 */
function send(file, progress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `/v1/images?name=${encodeURIComponent(file.name)}`);
    request.responseType = "json";
    request.upload.onprogress = (event) => progress(event.total ? event.loaded / event.total : 0);
    request.onload = () => {
      if (request.status === 201) resolve(request.response);
      else reject(new Problem(request.response || { detail: `status ${request.status}` }));
    };
    request.onerror = () => reject(new Problem({ title: "No answer", detail: "the service cannot be reached" }));
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.send(file);
  });
}

customElements.define("upload-drop", UploadDrop);
