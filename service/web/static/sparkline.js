// A small curve of the last values, in an SVG of 240 x 48.

const [WIDTH, HEIGHT, SPACE] = [240, 48, 3];
const LEAST = 30;
export const MOST = 150;

/**
 * Draw `values`, the newest at the right; the first LEAST of them fill the width.
 * @param {SVGElement} svg
 * @param {number[]} values
 * @param {number} [least]  what the top is at least
 */
export function draw(svg, values, least = 0) {
  svg.toggleAttribute("hidden", values.length < 2);
  const top = Math.max(least, ...values) || 1;
  const step = WIDTH / (Math.max(LEAST, values.length) - 1);
  const points = values.map((value, at) => {
    const x = WIDTH - (values.length - 1 - at) * step;
    const y = HEIGHT - value / top * (HEIGHT - SPACE);
    return `${x.toFixed(1)} ${y.toFixed(1)}`;
  });
  const line = `M${points.join("L")}`;
  const first = points.length ? points[0].split(" ")[0] : WIDTH;
  svg.querySelector(".line")?.setAttribute("d", line);
  svg.querySelector(".area")?.setAttribute("d", `${line}L${WIDTH} ${HEIGHT}L${first} ${HEIGHT}Z`);
}
