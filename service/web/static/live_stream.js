// <live-stream>: the live picture. It ends when the page is left or out of sight, and comes back.

import { ask } from "./ask.js";
import { find } from "./dom.js";

const AGAIN_MS = 3000;

class LiveStream extends HTMLElement {
  address = "";

  connectedCallback() {
    this.image = find("img", this);
    this.away = find(".away", this);
    this.address = this.image.getAttribute("src");
    this.pause = 0;
    this.image.addEventListener("error", () => this.failed());
    addEventListener("pagehide", () => this.stop());
    addEventListener("pageshow", (event) => event.persisted && this.start());
    // A browser keeps six connections to a service: those of windows that nobody sees are missing.
    document.addEventListener("visibilitychange", () => (document.hidden ? this.stop() : this.start()));
    if (document.hidden) this.stop();
  }

  get running() {
    return this.image.hasAttribute("src");
  }

  /**
   * Another look, or the same anew.
   * @param {string} [address]
   */
  start(address = this.address) {
    clearTimeout(this.pause);
    this.address = address;
    if (!document.hidden) this.image.src = address;
  }

  stop() {
    clearTimeout(this.pause);
    this.image.removeAttribute("src");
  }

  /**
   * Say why there is no picture; nothing when there is one.
   * @param {string | null} [reason]
   * @param {boolean} [lost]  whether what is seen is old
   */
  tell(reason, lost = false) {
    this.classList.toggle("lost", lost);
    this.away.hidden = !reason;
    if (this.away.textContent !== (reason ?? "")) this.away.textContent = reason ?? "";
  }

  flash() {
    this.classList.remove("flash");
    void this.offsetWidth; // the animation begins anew
    this.classList.add("flash");
  }

  /** The image tells nothing of the reason: it is asked for once more. */
  async failed() {
    if (!this.running) return;
    const { address } = this;
    const asking = new AbortController();
    try {
      await ask(address, { signal: asking.signal });
      asking.abort();
    } catch (error) {
      if (address === this.address) this.tell(/** @type {Error} */ (error).message, true);
    }
    if (address === this.address) this.pause = setTimeout(() => this.start(), AGAIN_MS);
  }
}

customElements.define("live-stream", LiveStream);
