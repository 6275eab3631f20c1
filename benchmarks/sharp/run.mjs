// sharp, driven like the Python runners: `load PATH` and `go` on standard input, `done` as answer.
// Usage: node run.mjs KERNEL THREADS_AN_IMAGE IMAGES_AT_ONCE

import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import sharp from "sharp";

const [kernel, threads, atOnce] = process.argv.slice(2);
// The same files come again and again: without this they would be answered from memory.
sharp.cache(false);
sharp.concurrency(Number(threads));

// The mask of sigma 4 that ends below this has five taps, those of the other contestants.
const AMPLITUDE = 0.8;
let orders = { quality: 80, blur: null, jobs: [] };

async function processOne([input, output, width, height]) {
  let image = sharp(input).resize(width, height, { fit: "fill", kernel });
  if (orders.blur) {
    image = image.blur({ sigma: orders.blur[1], minAmplitude: AMPLITUDE, precision: "integer" });
  }
  // Off: it is the other encoders' default, and faster.
  await image.jpeg({ quality: orders.quality, optimiseCoding: false }).toFile(output);
}

async function go() {
  let next = 0;
  const lane = async () => {
    while (next < orders.jobs.length) await processOne(orders.jobs[next++]);
  };
  await Promise.all(Array.from({ length: Number(atOnce) }, lane));
}

for await (const line of createInterface({ input: process.stdin })) {
  if (line.startsWith("load ")) orders = JSON.parse(await readFile(line.slice(5)));
  else await go();
  console.log("done");
}
