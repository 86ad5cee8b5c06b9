"""Image files of one's own, brought into the form of Fashion-MNIST."""

import os

import numpy as np
from PIL import Image, ImageOps

SIDE = 28


def read_image(path: str | os.PathLike) -> np.ndarray:
    """Read an image file and return it as Fashion-MNIST has its images: uint8, 28×28, bright object on black.

    The steps follow the making of the dataset (Xiao, Rasul and Vollgraf 2017, arXiv:1708.07747, section 2): grey
    values, inverted when the background is bright; cut to the object; the longer edge resized to 28 pixels; centred.
    Before the cut the background is drawn down to 0 and the brightest pixel up to 255. Transparent pixels count as
    white. Raises FileNotFoundError or PIL.UnidentifiedImageError for a file that is not there or not an image, and
    ValueError for a picture of one even grey.
    """
    # A photograph carries its orientation as a note that has to be applied.
    picture = ImageOps.exif_transpose(Image.open(path)).convert("RGBA")
    on_white = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    pixels = np.asarray(on_white.convert("L"), dtype=float)

    border = np.median(np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]))
    above = (border - pixels if border > 127 else pixels - border).clip(min=0)
    if above.max() == 0:
        raise ValueError(f"{path} shows one even grey: there is no object to classify in it.")
    stretched = (255 * above / above.max()).astype(np.uint8)

    rows, columns = np.nonzero(stretched > 25)
    cut = Image.fromarray(stretched[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1])
    return np.array(ImageOps.pad(cut, (SIDE, SIDE), method=Image.Resampling.LANCZOS, color=0))
