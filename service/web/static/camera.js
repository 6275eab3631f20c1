// The camera: what its parts do together.

import { askJson, problemBox } from "./ask.js";
import { Gallery } from "./camera_gallery.js";
import { LookForm } from "./camera_look.js";
import "./camera_recorder.js";
import "./camera_settings.js";
import { el, fill, find } from "./dom.js";
import "./live_stream.js";

const LOOK_MS = 2000;
const FIRST_LOOKS_MS = 250;
const TYPED = "textarea, select, [contenteditable], input:not([type=range])";

const live = find("live-stream");
const recorder = find("camera-recorder");
const settings = find("camera-settings");
const trouble = find("#trouble");
const say = (/** @type {string} */ text) => (find("#spoken").textContent = text);
const gallery = new Gallery(find("#dialog"), say);
let effect = find(".take").dataset.effect;
let taking = false;
let lost = false;
let timer = 0;

const look = new LookForm((query, wanted) => {
  effect = wanted;
  live.start(`/v1/camera/stream${query && `?${query}`}`);
  history.replaceState(null, "", `/camera${query && `?${query}`}`);
  for (const field of document.querySelectorAll("input[name=look]")) /** @type {any} */ (field).value = query;
});

async function take() {
  if (taking) return;
  taking = true;
  try {
    const picture = await askJson(`/v1/camera/pictures${effect && `?${effect}`}`, { method: "POST" });
    live.flash();
    fill(trouble);
    await gallery.refresh(location.href.replace(/[?&]cursor=[^&#]*/, ""));
    say(`${picture.name} was taken`);
  } catch (error) {
    fill(trouble, problemBox(error));
  }
  taking = false;
}

/** The camera as it is, from time to time while the page is seen. */
async function follow() {
  clearTimeout(timer);
  if (document.hidden) return;
  let pause = LOOK_MS;
  try {
    const state = await askJson("/v1/camera");
    if (lost || !state.viewers) live.start(); // it was closed, or the service was started anew
    lost = false;
    show(state);
    await recorder.follow(state.recording);
    if (state.fps === null) pause = FIRST_LOOKS_MS * 2;
  } catch (error) {
    lost = true;
    live.tell(/** @type {Error} */ (error).message, true);
  }
  clearTimeout(timer);
  timer = setTimeout(follow, pause);
}

/** @param {any} state */
function show(state) {
  settings.show(state.settings);
  if (state.viewers) live.tell(state.problem && `No picture: ${state.problem}`);
  const size = state.width && [el("strong", {}, `${state.width} × ${state.height}`), " px · "];
  const rate = state.fps !== null && [el("strong", {}, state.fps.toFixed(state.fps < 10 ? 1 : 0)), " fps · "];
  fill(find(".readings"), `${state.name} · `, ...(size || []), ...(rate || []),
    el("strong", {}, String(state.viewers)), state.viewers === 1 ? " viewer" : " viewers");
}

find(".take").addEventListener("submit", (/** @type {Event} */ event) => {
  event.preventDefault();
  take();
});
recorder.addEventListener("ended", async () => {
  await gallery.refresh().catch((error) => fill(trouble, problemBox(error)));
  say("the recording has ended");
});
recorder.addEventListener("trouble", (/** @type {CustomEvent} */ event) =>
  fill(trouble, event.detail && problemBox(event.detail)));
addEventListener("keydown", (event) => {
  const typing = /** @type {HTMLElement} */ (event.target).matches?.(TYPED);
  const other = event.ctrlKey || event.metaKey || event.altKey || event.repeat;
  if (typing || other || event.key.toLowerCase() !== "r" || find("#dialog").open) return;
  event.preventDefault();
  take();
});
document.addEventListener("visibilitychange", follow);
for (const part of document.querySelectorAll("[data-scripted]")) {
  if (!part.matches("[data-clear]")) /** @type {any} */ (part).hidden = false;
}
look.reflect();
timer = setTimeout(follow, FIRST_LOOKS_MS);
