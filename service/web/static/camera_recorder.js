// <camera-recorder>: starts and stops a recording, and tells how long it is.

import { ask, askJson, sending } from "./ask.js";
import { find } from "./dom.js";

const TICK_MS = 250;

class CameraRecorder extends HTMLElement {
  connectedCallback() {
    this.starting = find(".start", this);
    this.stopping = find(".stop", this);
    this.ticking = 0;
    this.starting.addEventListener("submit", (/** @type {Event} */ event) => this.act(event, () => this.start()));
    this.stopping.addEventListener("submit", (/** @type {Event} */ event) => this.act(event, () => this.stop()));
    const { seconds, limit } = this.dataset;
    if (limit) this.show({ seconds: Number(seconds), limit: Number(limit) });
  }

  get running() {
    return !this.stopping.hidden;
  }

  async start() {
    const seconds = Number(find("input[name=seconds]", this).value) || undefined;
    this.show(await askJson("/v1/camera/recordings", sending("POST", { seconds })));
    find("button", this.stopping).focus();
  }

  async stop() {
    await ask("/v1/camera/recordings/current/stop", { method: "POST" });
    this.show(null);
    find("button", this.starting).focus();
    this.tell("ended", "recording");
  }

  /**
   * What the service says: it may have been started or stopped elsewhere, or have ended by itself.
   * @param {boolean} recording
   */
  async follow(recording) {
    if (!recording && this.running) {
      this.show(null);
      this.tell("ended", "recording");
    }
    if (recording) this.show((await askJson("/v1/camera/recordings?limit=1")).current);
  }

  /** @param {{seconds: number, limit: number} | null} progress */
  show(progress) {
    clearInterval(this.ticking);
    this.starting.hidden = progress !== null;
    this.stopping.hidden = progress === null;
    if (!progress) return;
    const began = performance.now() - progress.seconds * 1000;
    const draw = () => {
      const seconds = Math.min((performance.now() - began) / 1000, progress.limit);
      find(".elapsed", this).textContent = `${length(seconds)} of ${length(progress.limit)}`;
      find("progress", this).value = seconds / progress.limit;
    };
    draw();
    this.ticking = setInterval(draw, TICK_MS);
  }

  /**
   * @param {Event} event
   * @param {() => Promise<void>} action
   */
  async act(event, action) {
    event.preventDefault();
    try {
      await action();
      this.tell("trouble", null);
    } catch (error) {
      this.tell("trouble", error);
    }
  }

  /**
   * @param {string} name
   * @param {unknown} detail
   */
  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true }));
  }
}

/** @param {number} seconds */
function length(seconds) {
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
}

customElements.define("camera-recorder", CameraRecorder);
