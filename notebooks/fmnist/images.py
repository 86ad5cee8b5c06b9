"""Image files of one's own, brought into the form of Fashion-MNIST."""

import os
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

SIDE = 28  # the edge of an image of Fashion-MNIST
PREVIEW = 512  # the longer edge that a photograph is reduced to
WORK = 256  # the longer edge, at most, of the grey picture in which the object is sought
# How far from the background a pixel must be to belong to the object: so many times the noise, and such a share of the
# greatest distance. A shadow may go up to DEEP, but it fades: from pixel to pixel it changes by no more than SOFT.
NOISES, FAINT, DEEP, SOFT = 4, 0.06, 0.3, 0.015

# What Pillow and the file system raise, the special before the general, and the rest of our sentence about it.
FAULTS = {
    PermissionError: "may not be read: give this account the permission, or copy the file.",
    Image.UnidentifiedImageError: "is in no image format that can be read here: save it as JPEG or PNG.",
    Image.DecompressionBombError: "has too many pixels to be opened safely: save a smaller copy of it.",
    Exception: "cannot be read to its end ({}): copy it again, or save it as PNG.",
}


class ImageError(ValueError):
    """A picture that cannot serve; the message names the file, the reason and what to do."""


def read_photo(path: str | os.PathLike) -> np.ndarray:
    """Return the picture in an image file as one would see it, small: uint8, height×width×3 (RGB), at most 512 pixels.

    The orientation noted by a camera is applied. Transparent pixels count as white. Grey values of more than 8 bits
    (16-bit PNG, float TIFF) are spread from the darkest to the brightest pixel. Of several pictures the first counts.
    Raises FileNotFoundError for a file that is not there and `ImageError` for one that cannot be read.
    """
    try:
        if not Path(path).exists():
            raise FileNotFoundError(f"{path} does not exist: check the name and the folder.")
        if not Path(path).is_file():
            raise ImageError(f"{path} is a folder or a device: name an image file.")
        if not Path(path).stat().st_size:
            raise ImageError(f"{path} is empty: copy or download the picture again.")
        # Of a file that Pillow opens by itself, it turns an uncompressed TIFF twice.
        with Path(path).open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of small faults, such as in a camera's notes, and reads on
            with Image.open(file) as picture:
                # What Pillow only warns of is small work for a JPEG, of which it decodes a reduced copy.
                if picture.format != "JPEG" and picture.width * picture.height > Image.MAX_IMAGE_PIXELS:
                    raise Image.DecompressionBombError
                return np.asarray(_small(picture))
    except (FileNotFoundError, ImageError):
        raise
    except Exception as error:  # each format has a reader of its own, which fails in its own way
        fault = next(words for kinds, words in FAULTS.items() if isinstance(error, kinds))
        raise ImageError(f"{path} {fault.format(error)}") from error


def read_image(path: str | os.PathLike) -> np.ndarray:
    """Read an image file and return it as Fashion-MNIST has its images: uint8, 28×28, bright object on black.

    The end is that of the making of the dataset (Xiao, Rasul and Vollgraf 2017, arXiv:1708.07747, section 2): cut to
    the object, the longer edge resized to 28 pixels, centred. Before it, the picture that `read_photo` returns is made
    grey and the background is drawn down to 0, whether it is bright or dark, unevenly lit or noisy; the pixel that is
    farthest from it becomes 255. Raises what `read_photo` raises, and `ImageError` where no object can be found.
    """
    grey = _grey(read_photo(path))
    try:
        cut = Image.fromarray(_cut_out(grey).astype(np.float32))
    except ImageError as error:
        raise ImageError(f"{path} shows {error}") from None
    small = np.asarray(ImageOps.pad(cut, (SIDE, SIDE), Image.Resampling.BOX))
    return (255 * small / small.max()).round().astype(np.uint8)


def _small(picture: Image.Image) -> Image.Image:
    """Return `picture` upright, in RGB and reduced; it is reduced first, since a camera's needs much memory."""
    picture.draft(None, (2 * PREVIEW, 2 * PREVIEW))  # of a JPEG no more than the needed size is decoded
    ImageOps.exif_transpose(picture, in_place=True)
    if picture.mode[0] in "IF":  # more than 8 bits
        values = np.array(picture, dtype=np.float32)
        np.nan_to_num(values, copy=False, posinf=0, neginf=0)
        values /= max(values.max(), -values.min(), 1e-30)  # or a difference could be too large for float32
        values -= values.min()
        values *= 255 / max(values.max(), 1e-30)
        picture = Image.fromarray(values.astype(np.uint8))
    elif picture.has_transparency_data:
        picture = picture.convert("RGBA")
    elif picture.mode in ("1", "P"):
        picture = picture.convert("RGB")
    picture.thumbnail((PREVIEW, PREVIEW), Image.Resampling.BOX)
    picture = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")


def _grey(photo: np.ndarray) -> np.ndarray:
    """Return `photo` in grey (float, H×W), at most 256 pixels: averaged, or repeated, by a whole number of pixels.

    Thus the edges of a drawing stay sharp.
    """
    picture = Image.fromarray(photo).convert("L")
    longer = max(picture.size)
    grey = np.asarray(picture.reduce(-(-longer // WORK)), dtype=float)
    return grey.repeat(max(WORK // longer, 1), axis=0).repeat(max(WORK // longer, 1), axis=1)


def _cut_out(grey: np.ndarray) -> np.ndarray:
    """Return the object in `grey`, cut to its edges: how far each pixel is from the background, 0 outside the object.

    Raises `ImageError` with the end of a sentence.
    """
    if np.ptp(grey) < 2:
        raise ImageError("the same brightness everywhere, so there is no object in it: choose another picture.")
    smooth = _smoothed(grey)
    background, noise = _background(smooth)
    away = smooth - background
    sign = np.sign(away[np.abs(away) > NOISES * noise].sum())  # -1 where the object is the darker one
    mask = _object(sign * away, noise)
    if mask.sum() < mask.size / 1000:
        raise ImageError("nothing that stands out: lay one garment, whole, on an even background.")
    above = np.where(mask, sign * (grey - background), 0).clip(min=0)
    # Because of the smoothing the mask has a rim too many. Single values have three times the noise of smoothed ones.
    clear = above > max(3 * NOISES * noise, FAINT * above.max())
    rows, columns = np.nonzero(clear if clear.any() else mask)
    cut = above[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    if len(rows) * (SIDE / max(cut.shape)) ** 2 < 20:  # pixels of 28×28; the least in Fashion-MNIST are about 40
        raise ImageError("an object too thin to leave anything at 28×28: photograph it from its broad side.")
    return cut


def _smoothed(grey: np.ndarray) -> np.ndarray:
    """Return the mean of each pixel and its eight neighbours."""
    padded, (height, width) = np.pad(grey, 1, mode="edge"), grey.shape
    return sum(padded[y : y + height, x : x + width] for y in range(3) for x in range(3)) / 9


def _background(grey: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the background (H×W), continued behind the object, and the standard deviation of its noise.

    It is a curved surface of second order, fitted to the frame of the picture: again and again to the half of it that
    lies nearest to the last fit, since the object may touch the frame; in the end to all pixels that lie on it.
    """
    y, x = np.mgrid[-1 : 1 : grey.shape[0] * 1j, -1 : 1 : grey.shape[1] * 1j]
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)
    frame = np.maximum(np.abs(x), np.abs(y)) > 0.93
    surface = np.full_like(grey, np.median(grey[frame]))
    noise = 0.0
    for round_ in range(9):
        away = np.abs(grey - surface)
        used = frame & (away <= np.median(away[frame])) if round_ < 6 else away <= 3 * noise
        order = 3 if round_ < 2 else 6  # a plane first
        surface = terms[..., :order] @ np.linalg.lstsq(terms[used][:, :order], grey[used], rcond=None)[0]
        # The nearest half of normal noise has a median of 0.32 of its standard deviation, the whole one of 0.67.
        noise = max(np.median(away[used]) / (0.32 if round_ < 6 else 0.67), 0.25)
    return surface, noise


def _object(above: np.ndarray, noise: float) -> np.ndarray:
    """Return which pixels belong to the object (H×W, bool), given how far each is `above` the background."""
    width = above.shape[1] + 2
    # Row after row in one list, with a rim around it that nothing passes.
    levels = np.pad(above, 1, constant_values=np.inf).ravel().tolist()
    limit, deep = max(NOISES * noise, FAINT * above.max()), DEEP * above.max()
    soft = max(SOFT * above.max(), noise)
    background = {place for place, level in enumerate(levels) if level <= limit}
    objects = {place for place, level in enumerate(levels) if limit < level < np.inf}
    shadow = objects & _reached(
        background, lambda here, there: levels[there] < deep and abs(levels[there] - levels[here]) < soft, width
    )
    # What fades away as a whole is no shadow but a pale garment.
    if len(shadow) < len(objects) / 2:
        objects -= shadow
    parts, seen = [], set()
    for place in objects:
        if place not in seen:
            parts.append(_reached({place}, lambda here, there: there in objects, width))
            seen |= parts[-1]
    largest = max(map(len, parts), default=0)
    mask = np.zeros(len(levels), dtype=bool)
    mask[[place for part in parts if len(part) > largest / 50 for place in part]] = True  # the other parts are specks
    return mask.reshape(-1, width)[1:-1, 1:-1]


def _reached(starts: set[int], passes: Callable[[int, int], bool], width: int) -> set[int]:
    """Return the places that can be reached from `starts` by steps to a direct neighbour that `passes(here, there)`."""
    reached, ahead = set(starts), list(starts)
    while ahead:
        here = ahead.pop()
        for there in (here - 1, here + 1, here - width, here + width):
            if there not in reached and passes(here, there):
                reached.add(there)
                ahead.append(there)
    return reached
