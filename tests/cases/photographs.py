"""Photographs made from images of Fashion-MNIST: with a margin, tilted, unevenly lit, noisy, and saved as JPEG."""

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageFilter

BRIGHT, DARK = 225, 25  # the grey values of the two backgrounds; the object reaches from one to the other
PAPER = (235, 190, 120)  # coloured paper: its share of the light in red, green and blue


def make(images: Sequence[np.ndarray], seed: int, margin: float = 0.15, **conditions) -> list[bytes]:
    """Return a JPEG file of each of `images` (uint8, 28×28), every second one dark on a bright background.

    `margin` is the background added on each side, as a share of the image's edge. The other keywords are those of
    `photograph`. The same arguments give the same photographs.
    """
    random = np.random.default_rng(seed)
    return [jpeg(photograph(image, random, index % 2 == 0, margin, **conditions)) for index, image in enumerate(images)]


def jpeg(pixels: np.ndarray, quality: int = 80) -> bytes:
    """Return `pixels` (uint8, H×W or H×W×3) as the content of a JPEG file."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return file.getvalue()


def photograph(
    image: np.ndarray,
    random: np.random.Generator,
    bright: bool,
    margin: float = 0.15,
    *,
    noise: float = 8,
    vignette: float = 0.2,
    side_light: float = 0.15,
    tilt: float = 5,
    shadow: float = 0,
    paper: bool = False,
    canvas: tuple[int, int] | None = None,
) -> np.ndarray:
    """Return one image as a photograph of it: uint8, grey (H×W), or in colour (H×W×3) on coloured `paper`.

    The image is enlarged to 400 pixels. The corners are darker by the share `vignette`, one side is by `side_light`;
    `shadow` is the strength of a soft cast shadow beside the object, `tilt` the largest angle in degrees, `noise` a
    standard deviation in grey values. `canvas`, a width and height, puts the object somewhere into a larger picture.
    """
    object_ = Image.fromarray(image).resize((400, 400), Image.Resampling.BICUBIC)
    edge = round(400 * margin)
    size = canvas or (400 + 2 * edge, 400 + 2 * edge)
    place = (edge, edge) if canvas is None else tuple(int(random.integers(edge, end - 400 - edge + 1)) for end in size)
    tilted = object_.rotate(random.uniform(-tilt, tilt), Image.Resampling.BICUBIC)
    frame = Image.new("L", size)
    frame.paste(tilted, place)
    amount = np.asarray(frame, dtype=float) / 255  # of object: 0 on the background, 1 where it differs most from it

    reflected = BRIGHT - (BRIGHT - DARK) * amount if bright else DARK + (BRIGHT - DARK) * amount
    light = _light(size, random, vignette, side_light)
    if shadow:
        light = light * (1 - shadow * _shadow(frame) * (1 - amount))
    picture = reflected * light
    if paper:
        tint = np.divide(PAPER, 255)
        picture = picture[..., None] * (tint + (1 - tint) * amount[..., None])
    return (picture + random.normal(0, noise, picture.shape)).round().clip(0, 255).astype(np.uint8)


def _light(size: tuple[int, int], random: np.random.Generator, vignette: float, side_light: float) -> np.ndarray:
    """Return the light on each pixel (H×W), 1 at the most: a vignette, times a gradient from a random side."""
    y, x = np.mgrid[-1 : 1 : size[1] * 1j, -1 : 1 : size[0] * 1j]
    angle = random.uniform(0, 2 * np.pi)
    along = x * np.cos(angle) + y * np.sin(angle)
    return (1 - vignette * (x**2 + y**2) / 2) * (1 - side_light * (along / np.abs(along).max() + 1) / 2)


def _shadow(frame: Image.Image) -> np.ndarray:
    """Return the soft shadow of the object in `frame` (H×W, 0 to 1), shifted to the lower right."""
    outline = frame.point(lambda value: 255 if value > 30 else 0)
    moved = Image.new("L", frame.size)
    moved.paste(outline, (30, 30))
    return np.asarray(moved.filter(ImageFilter.GaussianBlur(15)), dtype=float) / 255
