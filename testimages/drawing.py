"""What the sample scenes are made of: a camera, noise, masonry, foliage and a bicycle.

Lengths are metres and are projected to pixels; colours are BGR; shading fields are (H, W) float32.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]
Colour = tuple[float, float, float]

_SHIFT = 4  # cv2 draws at sub-pixel positions given as fixed point, here in sixteenths
_STEEL: Colour = (205, 200, 196)
_RUBBER: Colour = (40, 38, 37)


@dataclass(frozen=True)
class Camera:
    """A level pinhole camera: X right, Y up from the ground, Z ahead."""

    width: int
    height: int
    horizon: float  # pixel row
    focal: float  # pixels
    eye: float  # metres above the ground

    def scale(self, depth: float) -> float:
        """Pixels per metre at `depth`."""
        return self.focal / max(depth, 0.3)

    def project(self, points: Floats) -> Floats:
        """(N, 3) metres to (N, 2) pixels."""
        ratio = self.focal / np.maximum(points[:, 2], 0.3)
        x = self.width / 2 + points[:, 0] * ratio
        y = self.horizon + (self.eye - points[:, 1]) * ratio
        return np.stack([x, y], axis=1).astype(np.float32)

    def row(self, level: float, depth: float) -> int:
        """The pixel row of the height `level` at `depth`, inside the frame."""
        row = self.horizon + (self.eye - level) * self.scale(depth)
        return int(np.clip(row, 0, self.height))

    def reach(self, depth: float) -> float:
        """Metres from the middle of the frame to its edge at `depth`."""
        return self.width / 2 / self.scale(depth)


@dataclass
class Stage:
    """The picture being painted: pixels (H, W, 3) uint8, its camera, its source of chance."""

    pixels: Image
    camera: Camera
    rng: np.random.Generator


@dataclass(frozen=True)
class Stroke:
    """A tube along points (N, 3); `width` 0 fills the outline instead. `gloss` is its highlight."""

    points: Floats
    width: float
    colour: Colour
    gloss: float = 0.0


# --- arrays and noise -------------------------------------------------------------------------


def floats(values: ArrayLike) -> Floats:
    """Any numbers as float32."""
    return np.asarray(values, dtype=np.float32)


def to_bytes(values: Floats) -> Image:
    """0..255 floats to uint8, clipped."""
    return np.asarray(cv2.convertScaleAbs(np.maximum(values, 0)), dtype=np.uint8)


def mix(first: ArrayLike, second: ArrayLike, weight: ArrayLike) -> Floats:
    """Linear blend; `weight` 1 gives `second`."""
    a = floats(first)
    return floats(a + (floats(second) - a) * floats(weight))


def smoothstep(low: float, high: float, values: Floats) -> Floats:
    """0 below `low`, 1 above `high`, smooth between."""
    t = np.clip((values - low) / (high - low), 0, 1)
    return floats(t * t * (3 - 2 * t))


def blur(values: Floats, sigma: float) -> Floats:
    """Gaussian blur; large ones run on a reduced copy, where nobody can tell."""
    if sigma < 0.2:
        return values
    step = max(1, int(sigma / 3))
    h, w = values.shape[:2]
    small = cv2.resize(values, (-(-w // step), -(-h // step)), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / step)
    return floats(cv2.resize(small, (w, h), interpolation=cv2.INTER_LINEAR))


def fractal(
    shape: tuple[int, int], rng: np.random.Generator, cell: float, stretch: float = 1.0
) -> Floats:
    """(H, W) float32 noise, mean 0 and deviation about 1, detail from `cell` pixels down to 2.

    `stretch` widens it. Opposite edges meet, so that it can be a tile.
    """
    h, w = shape
    total: Floats = np.zeros(shape, np.float32)
    weight = 1.0
    while cell >= 2 and weight > 0.03:
        rows, cols = max(1, round(h / cell)), max(1, round(w / (cell * stretch)))
        total = floats(total + weight * _wrapped_noise(shape, rows, cols, rng))
        cell, weight = cell / 2, weight * 0.6
    return floats(total / max(float(total.std()), 1e-6))


def _wrapped_noise(
    shape: tuple[int, int], rows: int, cols: int, rng: np.random.Generator
) -> Floats:
    h, w = shape
    coarse = np.pad(rng.standard_normal((rows, cols), np.float32), 2, mode="wrap")
    to_coarse = floats([[cols / w, 0, 2], [0, rows / h, 2]])
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return floats(cv2.warpAffine(coarse, to_coarse, (w, h), flags=flags))


# --- painting on the stage --------------------------------------------------------------------


def blend(target: Image, layer: ArrayLike, alpha: Floats) -> None:
    """Lay `layer` (colour or (H, W, 3)) over `target` in place; alpha (H, W) 0..1."""
    target[:] = to_bytes(mix(target, layer, alpha[..., None]))


def light(target: Image, gain: Floats) -> None:
    """Multiply `target` in place by gain, (H, W) or (H, W, 3)."""
    target[:] = to_bytes(floats(target * (gain if gain.ndim == 3 else gain[..., None])))


def soften(stage: Stage, sigma: float, sharp: float = 0.0) -> None:
    """Put what is painted so far out of focus, save the ground nearer than `sharp` metres.

    sigma is in thousandths of the smaller side.
    """
    rows = stage.camera.row(0, sharp) if sharp else stage.camera.height
    seen = stage.pixels[:rows]
    pixels = max(sigma / 1000 * min(stage.pixels.shape[:2]), 0.3)
    focus = smoothstep(0.82, 1.0, floats(np.arange(rows) / rows)) if sharp else np.zeros(rows)
    blend(seen, cv2.GaussianBlur(seen, (0, 0), pixels), floats(1 - focus)[:, None])


def paste(stage: Stage, texture: Image, alpha: Image, corners: Floats) -> None:
    """Warp `texture` so that its corners (clockwise from top left) land on (4, 3) metres."""
    quad = stage.camera.project(corners)
    box = _clip_box(stage, quad)
    if box is None:
        return
    x0, y0, x1, y1 = box
    h, w = alpha.shape
    source = floats([[0, 0], [w, 0], [w, h], [0, h]])
    matrix = cv2.getPerspectiveTransform(source, floats(quad - floats([x0, y0])))
    size = (x1 - x0, y1 - y0)
    warped = cv2.warpPerspective(texture, matrix, size, borderMode=cv2.BORDER_REPLICATE)
    cover = floats(cv2.warpPerspective(alpha, matrix, size)) / 255
    blend(stage.pixels[y0:y1, x0:x1], warped, floats(cover))


def _clip_box(stage: Stage, quad: Floats) -> tuple[int, int, int, int] | None:
    h, w = stage.pixels.shape[:2]
    x0, y0 = (int(v) for v in np.clip(np.floor(quad.min(axis=0)), 0, (w, h)))
    x1, y1 = (int(v) for v in np.clip(np.ceil(quad.max(axis=0)), 0, (w, h)))
    return (x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None


def fixed(points: ArrayLike) -> NDArray[np.int32]:
    """Pixel positions as the fixed point that cv2 draws with."""
    near = np.clip(floats(points), -30000, 30000)
    return np.asarray(np.round(near * 2**_SHIFT), dtype=np.int32)


def fill(target: Image, points: ArrayLike, colour: Sequence[float]) -> None:
    """Fill the outline (N, 2) pixels, anti-aliased."""
    cv2.fillPoly(target, [fixed(points)], tuple(colour), cv2.LINE_AA, _SHIFT)


def draw(stage: Stage, strokes: Iterable[Stroke], daylight: float = 1.0) -> None:
    """Paint tubes and outlines in order."""
    for stroke in strokes:
        points = stage.camera.project(stroke.points)
        colour = floats(stroke.colour) * daylight
        if not stroke.width:
            fill(stage.pixels, points, colour.tolist())
            continue
        width = stroke.width * stage.camera.scale(float(stroke.points[:, 2].mean()))
        _draw_tube(stage.pixels, points, width, colour, stroke.gloss)


def _draw_tube(target: Image, points: Floats, width: float, colour: Floats, gloss: float) -> None:
    if width < 2.5:
        return _draw_line(target, points, width, colour)
    # A round tube is darkest at its edge and brightest where it faces the sky.
    for inward in np.linspace(0, 1, int(np.clip(width / 2.5, 3, 14))):
        raised = floats(points - floats([0.14, 0.22]) * width * inward)
        _draw_line(
            target, raised, width * (1 - 0.75 * inward), floats(colour * (0.45 + 0.68 * inward))
        )
    bright = mix(colour * 1.1, (255, 252, 248), gloss)
    _draw_line(target, floats(points - floats([0.16, 0.25]) * width), width * 0.13, bright)
    return None


def _draw_line(target: Image, points: Floats, width: float, colour: Floats) -> None:
    paint = tuple(np.clip(colour, 0, 255).tolist())
    thick = max(1, round(width))
    cv2.polylines(target, [fixed(points)], False, paint, thick, cv2.LINE_AA, _SHIFT)


def cast_shadow(
    stage: Stage, strokes: Iterable[Stroke], sun: tuple[float, float], softness: float, tint: Colour
) -> None:
    """Darken the ground where `strokes` hide the sun; `sun` is the shadow's (X, Z) per metre up."""
    flat = [replace(stroke, points=_flattened(stroke.points, sun)) for stroke in strokes]
    shade(stage, silhouette(stage.camera, flat), softness, tint)


def silhouette(camera: Camera, strokes: Iterable[Stroke]) -> Floats:
    """(H, W), 1 where a stroke covers the picture and 0 elsewhere."""
    canvas: Image = np.zeros((camera.height, camera.width), np.uint8)
    for stroke in strokes:
        points = camera.project(stroke.points)
        if stroke.width:
            width = stroke.width * camera.scale(float(stroke.points[:, 2].mean()))
            _draw_line(canvas, points, width, floats([255]))
        else:
            fill(canvas, points, (255,))
    return floats(canvas / np.float32(255))


def _flattened(points: Floats, sun: tuple[float, float]) -> Floats:
    x, y, z = points.T
    return floats(np.stack([x + sun[0] * y, np.zeros_like(y), z + sun[1] * y], axis=1))


def shade(stage: Stage, mask: Floats, softness: float, tint: Colour) -> None:
    """Multiply by `tint` where mask (H, W) is 1; softness in thousandths of the smaller side."""
    mask = blur(mask, softness / 1000 * min(mask.shape))
    rows = np.flatnonzero(mask.max(axis=1) > 0.004)
    if rows.size:
        top, bottom = int(rows[0]), int(rows[-1]) + 1
        light(stage.pixels[top:bottom], mix((1, 1, 1), tint, mask[top:bottom, :, None]))


# --- surfaces ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Masonry:
    """Courses of blocks: sizes in metres, colours BGR, `spread` how much blocks differ."""

    course: float
    length: float
    joint: float
    colours: tuple[Colour, ...]
    mortar: Colour
    spread: float = 10
    depth: float = 1.0


def masonry(shape: tuple[int, int], scale: float, kind: Masonry, rng: np.random.Generator) -> Image:
    """(H, W, 3) wall or paving at `scale` pixels per metre; opposite edges meet."""
    h, w = shape
    rows = max(2, 2 * round(h / max(kind.course * scale, 4) / 2))
    cols = max(1, round(w / max(kind.length * scale, 9)))
    image = np.full((h, w, 3), kind.mortar, np.uint8)
    height = np.zeros((h, w), np.uint8)
    _lay_blocks(image, height, (rows, cols), kind.joint * scale, kind, rng)
    rough = floats(height) / 255 + 0.10 * fractal(shape, rng, max(kind.course * scale / 3, 4))
    bumpy = relief(rough, max(kind.joint * scale / 4, 0.5), kind.depth)
    stains = 0.05 * fractal(shape, rng, scale * 0.6)
    light(image, floats(bumpy + stains))
    return image


def _lay_blocks(
    image: Image,
    height: Image,
    grid: tuple[int, int],
    joint: float,
    kind: Masonry,
    rng: np.random.Generator,
) -> None:
    rows, cols = grid
    cell = floats([image.shape[1] / cols, image.shape[0] / rows])
    corners = floats([[0, 0], [1, 0], [1, 1], [0, 1]]) * (cell - min(joint, float(cell[1]) * 0.4))
    wobble = rng.uniform(-0.22, 0.22, (rows, cols, 4, 2)) * joint
    paint = floats(kind.colours)[rng.integers(len(kind.colours), size=(rows, cols))]
    paint = floats(paint + rng.normal(0, kind.spread, (rows, cols, 1)))
    for row in range(rows):
        for col in range(-1, cols):
            origin = floats([col + 0.5 * (row % 2), row]) * cell
            block = fixed(corners + origin + wobble[row, col])
            colour = np.clip(paint[row, col], 0, 255).tolist()
            cv2.fillConvexPoly(image, block, colour, cv2.LINE_AA, _SHIFT)
            cv2.fillConvexPoly(height, block, 255, cv2.LINE_AA, _SHIFT)


def relief(height: Floats, smooth: float, depth: float) -> Floats:
    """The gain (H, W) that makes a height field look lit from the upper left."""
    soft = blur(height, smooth)
    across = cv2.Sobel(soft, cv2.CV_32F, 1, 0, ksize=3)
    down = cv2.Sobel(soft, cv2.CV_32F, 0, 1, ksize=3)
    return floats(1 + np.clip(depth * (0.06 * across + 0.11 * down), -0.4, 0.4))


def ground(
    camera: Camera, tile: NDArray[np.generic], metres: float, top: int, level: float
) -> Floats:
    """A square tile repeated over the plane at height `level`, as seen in the rows from `top` down.

    Each band of rows reads a copy of the tile reduced to its own footprint, or it would shimmer.
    """
    bands = [_ground_band(camera, tile, metres, rows, level) for rows in _bands(camera, top)]
    return floats(np.concatenate(bands))


def _bands(camera: Camera, top: int) -> Iterator[tuple[int, int]]:
    while top < camera.height:
        bottom = min(camera.height, top + 2 + int((top - camera.horizon) * 0.1))
        yield top, bottom
        top = bottom


def _ground_band(
    camera: Camera, tile: NDArray[np.generic], metres: float, rows: tuple[int, int], level: float
) -> Floats:
    below = np.maximum(np.arange(*rows, dtype=np.float32) + 0.5 - camera.horizon, 0.5)
    depth = camera.focal * (camera.eye - level) / below
    middle = float(np.median(depth))
    across = metres * camera.focal / middle
    along = across * (camera.eye - level) / middle
    size = tile.shape[0]
    wide, deep = (int(np.clip(n, 2, size)) for n in (across, along))
    small = cv2.resize(floats(tile), (wide, deep), interpolation=cv2.INTER_AREA)
    x = (np.arange(camera.width, dtype=np.float32) - camera.width / 2) / camera.focal
    u = (np.outer(depth, x) / metres % 1) * wide - 0.5
    v = np.repeat((-depth / metres % 1)[:, None] * deep - 0.5, camera.width, axis=1)
    return floats(
        cv2.remap(small, floats(u), floats(v), cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    )


def ground_places(camera: Camera, top: int) -> tuple[Floats, Floats]:
    """X (rows, W) and Z (rows, 1) of the ground seen in the rows from `top` down."""
    below = np.arange(top, camera.height, dtype=np.float32)[:, None] + 0.5 - camera.horizon
    z = camera.eye * camera.focal / np.maximum(below, 0.25)
    x = (np.arange(camera.width, dtype=np.float32) - camera.width / 2) * z / camera.focal
    return floats(x), floats(z)


def tile_size(camera: Camera, metres: float, nearest: float) -> int:
    """Pixels along a tile that is sharp at the depth `nearest`."""
    return int(np.clip(metres * camera.scale(nearest), 128, 2048))


def paint_sky(stage: Stage, high: Colour, low: Colour, cloud: Colour, cover: float) -> None:
    """A gradient down to the horizon, with clouds over about `cover` of it."""
    rows = int(np.clip(stage.camera.horizon + 2, 1, stage.camera.height))
    height = np.linspace(0, 1, rows, dtype=np.float32)[:, None]
    gradient = mix(high, low, (height**0.8)[..., None])
    noise = fractal((rows, stage.camera.width), stage.rng, rows * 0.45, stretch=2.2)
    thick = smoothstep(1.2 - 2.4 * cover, 2.6 - 2.4 * cover, floats(noise + 0.5 * height))
    belly = mix(cloud, floats(cloud) * 0.86, smoothstep(0.6, 2.4, noise)[..., None])
    stage.pixels[:rows] = to_bytes(mix(gradient, belly, 0.85 * thick[..., None]))


# --- foliage ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Leafage:
    """Leaves of `size` metres, from shaded to sunlit colour, `density` layers of them."""

    size: float
    dark: Colour
    bright: Colour
    density: float = 1.6


def branches(
    rng: np.random.Generator, base: Floats, reach: Floats, width: float, bark: Colour, order: int
) -> tuple[list[Stroke], list[Floats]]:
    """A branch from `base` along `reach` with its offspring, and the points where leaves grow."""
    bend = rng.normal(0, 0.06, 3) * np.linalg.norm(reach)
    path = floats([base, base + reach * 0.5 + bend, base + reach])
    strokes, tips = [Stroke(path, width, bark)], [path[2]] if order < 3 else []
    for _ in range(3 if order else 0):
        angle = rng.normal(0, 0.62)
        x, y, z = reach * rng.uniform(0.55, 0.85)
        turned = (x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle), z)
        start = path[1] + (path[2] - path[1]) * rng.uniform(0.5, 1)
        more, ends = branches(rng, floats(start), floats(turned), width * 0.55, bark, order - 1)
        strokes, tips = strokes + more, tips + ends
    return strokes, tips


def paint_leaves(stage: Stage, tips: Sequence[Floats], radius: float, kind: Leafage) -> None:
    """A clump of leaves of `radius` metres around each tip, sunlit from above."""
    rng, camera = stage.rng, stage.camera
    centres, depth = camera.project(floats(tips)), float(tips[0][2])
    size = max(kind.size * camera.scale(depth), 0.0016 * camera.height)
    spread = radius * camera.scale(depth)
    each = int(np.clip(kind.density * (spread / size) ** 2 * 2, 6, 4000))
    offset = floats(np.clip(rng.normal(0, 0.5, (len(tips), each, 2)), -1.1, 1.1))
    sunlit = 0.42 - 0.38 * offset[..., 1] - 0.14 * offset[..., 0]
    low = centres[:, 1:] - centres[:, 1].mean()
    crown = 0.3 * low / max(float(np.abs(low).max()), 1) + rng.normal(0, 0.12, low.shape)
    sunlit = floats(sunlit - crown + rng.normal(0, 0.14, sunlit.shape))
    spots = (centres[:, None] + offset * spread).reshape(-1, 2)
    order = np.argsort(sunlit.ravel() + rng.normal(0, 0.2, sunlit.size))
    tone = np.clip(sunlit.ravel()[order], 0, 1)[:, None]
    _scatter_leaves(stage, spots[order], size, mix(kind.dark, kind.bright, tone))


def _scatter_leaves(stage: Stage, spots: Floats, size: float, colours: Floats) -> None:
    angle = stage.rng.uniform(0, np.pi, len(spots))
    length = size * stage.rng.uniform(0.45, 0.75, len(spots))
    along = np.stack([np.cos(angle), np.sin(angle)], axis=1) * length[:, None]
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    across *= stage.rng.uniform(0.2, 0.6, (len(spots), 1))
    back, tip = spots - along, spots + along
    fold = [back, spots - 0.3 * along + across, spots + 0.4 * along + 0.8 * across, tip]
    leaves = [np.stack([*fold, spots - across], axis=1)]
    if size > 8:  # large enough to show that a leaf is folded along its midrib
        leaves.append(np.stack([*fold, spots - 0.1 * across], axis=1))
    outlines = np.stack([fixed(leaf) for leaf in leaves], axis=1).reshape(-1, 5, 2)
    paints = np.stack([colours * (1 + 0.16 * n) for n in range(len(leaves))], axis=1).reshape(-1, 3)
    for outline, paint in zip(outlines, paints.tolist(), strict=True):
        cv2.fillConvexPoly(stage.pixels, outline, paint, cv2.LINE_AA, _SHIFT)


# --- the bicycle ------------------------------------------------------------------------------
# In its own frame: U forward, V up, W to the side away from the camera; the rear wheel stands at 0.

_REAR, _FRONT = (0.0, 0.34), (1.07, 0.34)
_CRANK, _SEAT, _HEAD, _CROWN = (0.45, 0.29), (0.29, 0.82), (0.85, 0.90), (0.89, 0.76)


@dataclass(frozen=True)
class Stand:
    """Where a bicycle stands: rear wheel at (x, z), heading, lean and steering in radians."""

    x: float
    z: float
    heading: float = 0.0
    lean: float = 0.0
    steer: float = 0.0


def bicycle(stand: Stand, paint: Colour, rng: np.random.Generator) -> list[Stroke]:
    """A town bicycle as strokes in the world, back to front."""
    rear = [*_mudguard(_REAR, 15, 200, paint), *_wheel(_REAR, rng), *_carrier()]
    steered = [*_mudguard(_FRONT, 20, 155, paint), *_wheel(_FRONT, rng), *_fork(paint), *_bars()]
    front = [_turned(stroke, stand.steer) for stroke in steered]
    parts = [
        _pedal(0.09, 1),
        *rear,
        *front,
        *_frame(paint),
        *_drive(),
        *_saddle(),
        _pedal(-0.09, -1),
    ]
    return [_placed(stroke, stand) for stroke in parts]


def _tube(
    points: Sequence[Sequence[float]], width: float, colour: Colour, gloss: float = 0
) -> Stroke:
    padded = [(*point, 0.0)[:3] for point in points]
    return Stroke(floats(padded), width, colour, gloss)


def _arc(
    centre: tuple[float, float], radius: float, start: float, stop: float
) -> list[list[float]]:
    angles = np.radians(np.linspace(start, stop, 72))
    u, v = centre[0] + radius * np.cos(angles), centre[1] + radius * np.sin(angles)
    return np.stack([u, v, np.zeros_like(u)], axis=1).tolist()  # type: ignore[no-any-return]


def _wheel(hub: tuple[float, float], rng: np.random.Generator) -> Iterator[Stroke]:
    yield from _spokes(hub, rng)
    yield _tube(_arc(hub, 0.322, 0, 360), 0.034, _RUBBER, 0.15)
    yield _tube(_arc(hub, 0.311, 0, 360), 0.005, (120, 140, 150))
    yield _tube(_arc(hub, 0.296, 0, 360), 0.019, _STEEL, 0.7)
    yield _tube(_arc(hub, 0.02, 0, 360), 0.018, _STEEL, 0.5)


def _spokes(hub: tuple[float, float], rng: np.random.Generator) -> Iterator[Stroke]:
    start = rng.uniform(0, 10)
    for number in range(32):
        rim = np.radians(start + number * 360 / 32)
        flange = rim + (1.2 if number % 2 else -1.2)  # spokes leave the hub along its edge
        inner = (hub[0] + 0.025 * np.cos(flange), hub[1] + 0.025 * np.sin(flange))
        outer = (hub[0] + 0.29 * np.cos(rim), hub[1] + 0.29 * np.sin(rim))
        glint = float(rng.uniform(0.72, 1.15))
        yield _tube([inner, outer], 0.0022, (200 * glint, 197 * glint, 194 * glint))


def _mudguard(hub: tuple[float, float], start: float, stop: float, paint: Colour) -> list[Stroke]:
    rest = np.radians(stop - 35)
    stay = (hub[0] + 0.36 * np.cos(rest), hub[1] + 0.36 * np.sin(rest))
    blade = _tube(_arc(hub, 0.362, start, stop), 0.017, _darker(paint, 0.8), 0.5)
    return [_tube([hub, stay], 0.005, _STEEL), blade]


def _darker(colour: Colour, gain: float) -> Colour:
    return (colour[0] * gain, colour[1] * gain, colour[2] * gain)


def _frame(paint: Colour) -> Iterator[Stroke]:
    yield _tube([(*_REAR, 0.05), (*_CRANK, 0.03)], 0.018, paint, 0.5)
    yield _tube([_REAR, _SEAT], 0.015, paint, 0.5)
    yield _tube([_REAR, _CRANK], 0.02, paint, 0.5)
    yield _tube([_SEAT, (0.262, 0.93)], 0.026, _STEEL, 0.8)
    yield _tube([_CRANK, _SEAT], 0.031, paint, 0.6)
    yield _tube([_SEAT, (0.86, 0.865)], 0.030, paint, 0.7)
    yield _tube([_CRANK, (0.88, 0.79)], 0.034, paint, 0.7)
    yield _tube([_HEAD, _CROWN], 0.038, paint, 0.7)
    yield _tube([(0.31, 0.82), (0.58, 0.834), (0.85, 0.855)], 0.005, _RUBBER)


def _fork(paint: Colour) -> Iterator[Stroke]:
    blade = [_CROWN, (0.935, 0.62), (0.985, 0.47), (1.03, 0.38), _FRONT]
    yield _tube([(u, v, 0.05) for u, v in blade], 0.02, _darker(paint, 0.8), 0.4)
    yield _tube(blade, 0.022, paint, 0.6)


def _bars() -> Iterator[Stroke]:
    yield _tube([(0.80, 1.07, 0.30), (0.66, 1.05, 0.31)], 0.034, (45, 60, 85), 0.2)
    yield _tube([_HEAD, (0.835, 1.0)], 0.026, _STEEL, 0.8)
    swept = [(0.66, 1.05, 0.31), (0.82, 1.08, 0.27), (0.89, 1.03, 0.08), (0.87, 1.01, 0.0)]
    yield _tube([*swept, *((u, v, -w) for u, v, w in swept[::-1])], 0.023, _STEEL, 0.8)
    yield _tube([(0.77, 1.07, -0.295), (0.645, 1.045, -0.31)], 0.034, (45, 60, 85), 0.2)
    yield _tube([(0.80, 1.06, -0.28), (0.72, 1.01, -0.30)], 0.010, _STEEL, 0.5)
    cable = [(0.80, 1.06, -0.28), (0.93, 1.04, -0.2), (1.0, 0.95, -0.1), (0.95, 0.82, 0), _CROWN]
    yield _tube(_smooth(cable), 0.006, _RUBBER)
    yield _tube([(0.92, 0.90), (0.985, 0.90)], 0.075, (60, 58, 56), 0.5)
    yield _tube([(0.99, 0.93), (0.99, 0.87)], 0.016, (225, 235, 238), 0.9)


def _smooth(points: Sequence[Sequence[float]]) -> list[list[float]]:
    knots = floats([(*p, 0.0)[:3] for p in points])
    for _ in range(3):  # Chaikin's corner cutting
        cut = np.stack(
            [knots[:-1] * 0.75 + knots[1:] * 0.25, knots[:-1] * 0.25 + knots[1:] * 0.75], 1
        )
        knots = floats(np.concatenate([knots[:1], cut.reshape(-1, 3), knots[-1:]]))
    return knots.tolist()  # type: ignore[no-any-return]


def _saddle() -> Iterator[Stroke]:
    side = [(0.11, 0.985), (0.16, 1.0), (0.25, 0.983), (0.37, 0.983), (0.405, 0.973), (0.38, 0.962)]
    side += [(0.30, 0.957), (0.24, 0.948), (0.19, 0.928), (0.13, 0.945), (0.11, 0.985)]
    yield _tube(_arc((0.16, 0.925), 0.017, 0, 360), 0.007, _STEEL, 0.5)
    yield _tube([(0.17, 0.92), (0.26, 0.915), (0.36, 0.95)], 0.009, _STEEL, 0.5)
    yield _tube(_smooth(side), 0, (48, 66, 98))
    yield _tube(_smooth([(0.14, 0.993), (0.25, 0.978), (0.385, 0.977)]), 0.012, (62, 84, 122), 0.15)


def _drive() -> Iterator[Stroke]:
    yield _tube([(-0.002, 0.378), (0.45, 0.378)], 0.007, (70, 74, 80))
    yield _tube([(-0.002, 0.302), (0.45, 0.20)], 0.007, (70, 74, 80))
    yield _tube(_arc(_REAR, 0.033, 0, 360), 0.012, (110, 112, 116), 0.4)
    yield _tube(_arc(_CRANK, 0.086, 0, 360), 0.010, (150, 150, 152), 0.6)
    for turn in range(0, 360, 72):
        yield _tube([_CRANK, _arc(_CRANK, 0.083, turn, turn)[0]], 0.011, (165, 164, 163), 0.5)
    yield _tube(_arc(_CRANK, 0.014, 0, 360), 0.02, _STEEL, 0.5)


def _pedal(side: float, way: int) -> Stroke:
    tip = (_CRANK[0] + way * -0.145, _CRANK[1] + way * 0.085)
    block = [(tip[0] - 0.05, tip[1], side), (tip[0] + 0.05, tip[1], side)]
    return _tube(
        [(*_CRANK, side / 2), (*tip, side / 2), *block, (*tip, side)], 0.021, (72, 72, 74), 0.4
    )


def _carrier() -> Iterator[Stroke]:
    yield _tube([_REAR, (-0.14, 0.75)], 0.009, (60, 60, 62), 0.3)
    yield _tube([_REAR, (0.03, 0.75)], 0.009, (60, 60, 62), 0.3)
    yield _tube([(-0.26, 0.76, 0.05), (0.25, 0.76, 0.05)], 0.011, (60, 60, 62), 0.3)
    yield _tube([(-0.26, 0.76, -0.05), (0.27, 0.76, -0.05)], 0.013, (60, 60, 62), 0.4)
    yield _tube([(-0.268, 0.69), (-0.268, 0.735)], 0.04, (40, 36, 170), 0.4)
    yield _tube([(0.30, 0.32, -0.04), (0.20, 0.01, -0.16)], 0.014, (90, 90, 92), 0.4)


def _turned(stroke: Stroke, steer: float) -> Stroke:
    u, v, w = stroke.points.T
    pivot = _HEAD[0] + 0.286 * (_HEAD[1] - v)  # the steering axis leans back
    ahead = u - pivot
    turned = [
        pivot + ahead * np.cos(steer) - w * np.sin(steer),
        v,
        w * np.cos(steer) + ahead * np.sin(steer),
    ]
    return replace(stroke, points=floats(np.stack(turned, axis=1)))


def _placed(stroke: Stroke, stand: Stand) -> Stroke:
    u, v, w = stroke.points.T
    w, v = w * np.cos(stand.lean) + v * np.sin(stand.lean), v * np.cos(stand.lean)
    x = stand.x + u * np.cos(stand.heading) - w * np.sin(stand.heading)
    z = stand.z + u * np.sin(stand.heading) + w * np.cos(stand.heading)
    return replace(stroke, points=floats(np.stack([x, v, z], axis=1)))
