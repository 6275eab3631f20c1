// Parameters that can be shown on the picture: which an operation has, and how a pick sets them.

/**
 * What the button says; empty where there is nothing to pick.
 * @param {{op: string}} step
 * @param {Map<string, any>} catalogue
 */
export function pickable(step, catalogue) {
  return { box: "Draw the box on the picture", boxes: "Add a box on the picture", point: "Point on the picture", corners: "Point at the four corners", "": "" }[kindOf(step, catalogue)] ?? "";
}

/**
 * @param {{op: string}} step
 * @param {Map<string, any>} catalogue
 */
function kindOf({ op }, catalogue) {
  const has = catalogue.get(op)?.parameters.properties ?? {};
  if (has.boxes) return "boxes";
  if (has.x && has.y && has.width && has.height) return "box";
  if (has.x?.maximum === 1 && has.y?.maximum === 1) return "point";
  return has.points?.maxItems === 4 && has.unit ? "corners" : "";
}

/**
 * The values that the user shows on the picture; null when there are none.
 * @param {{op: string, values: Record<string, any>}} step
 * @param {Map<string, any>} catalogue
 * @param {any} view  an <image-view>
 * @param {number} width  of the picture in full, pixels
 * @param {number} height
 */
export async function pickFor(step, catalogue, view, width, height) {
  const kind = kindOf(step, catalogue);
  const end = "Escape leaves it as it is.";
  if (kind === "point") {
    const points = await view.pick("point", 1, `Click on the middle of the part. ${end}`);
    return points && { x: rounded(points[0][0]), y: rounded(points[0][1]) };
  }
  if (kind === "corners") {
    const points = await view.pick("point", 4, `Click on the corners: top left, top right, bottom right, bottom left. ${end}`);
    return points && { points: points.map((/** @type {number[]} */ point) => point.map(rounded)), unit: "fraction" };
  }
  const found = await view.pick("box", 2, `Draw the box with the pointer. ${end}`);
  const box = found && pixels(found, width, height);
  if (!box) return null;
  if (kind === "boxes") return { boxes: [...(step.values.boxes ?? []), box] };
  return { x: box[0], y: box[1], width: box[2], height: box[3], gravity: "northwest" };
}

/** @param {number} share */
function rounded(share) {
  return Math.round(share * 10_000) / 10_000;
}

/**
 * Left, top, width and height; null for a box without area.
 * @param {number[][]} corners
 * @param {number} width
 * @param {number} height
 */
function pixels([one, other], width, height) {
  const [left, right] = [one[0], other[0]].sort((a, b) => a - b).map((share) => Math.round(share * width));
  const [top, bottom] = [one[1], other[1]].sort((a, b) => a - b).map((share) => Math.round(share * height));
  return right > left && bottom > top ? [left, top, right - left, bottom - top] : null;
}
