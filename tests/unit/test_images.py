"""Pictures of one's own: what can be read, how it looks afterwards, and what is refused with which words."""

import io
import os
import struct
import subprocess
import sys
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from fmnist import images
from tests.cases import photographs
from tests.helpers import NOTEBOOKS

GARMENT = (120, 40, 180, 160)  # 60 wide and 120 high: scaled to 14×28 and centred


def drawing(background, colour, mode="RGB", size=(300, 200)):
    image = Image.new(mode, size, background)
    image.paste(colour, GARMENT)
    return image


def check_garment(found, bright=240):
    assert found.shape == (28, 28) and found.dtype == np.uint8
    assert (found[:, 8:20] > bright).all()
    assert (found[:, :6] == 0).all() and (found[:, 22:] == 0).all()


@pytest.mark.parametrize(
    ("background", "colour", "mode"),
    [
        ("white", "navy", "RGB"),
        ("black", "white", "L"),
        ((0, 0, 0, 0), (90, 0, 0, 255), "RGBA"),
        ((0, 0), (40, 255), "LA"),
        (230, 20, "L"),
        (150, 250, "L"),
        (90, 20, "L"),
        (1, 0, "1"),
        (0, 1, "1"),
        ((0, 90, 0), (250, 250, 250), "RGB"),
    ],
)
def test_read_image_gives_a_bright_object_on_black(tmp_path, background, colour, mode):
    path = tmp_path / "own picture.png"
    drawing(background, colour, mode).save(path)
    check_garment(images.read_image(path))


def sixteen_bits(bright, dark, kind):
    return Image.fromarray(np.where(np.asarray(drawing(0, 1, "L")) == 1, dark, bright).astype(kind))


def palette(**save):
    picture = Image.new("P", (300, 200), 0)
    picture.putpalette([255, 255, 255, 0, 0, 128])
    picture.paste(1, GARMENT)
    return picture, save


FORMATS = {
    "16-bit.png": lambda: (sixteen_bits(60000, 3000, np.uint16), {}),
    "12-bit.png": lambda: (sixteen_bits(100, 4000, np.uint16), {}),
    "16-bit.tif": lambda: (sixteen_bits(60000, 3000, np.uint16), {}),
    "32-bit.tif": lambda: (sixteen_bits(1, 70000, np.int32), {}),
    "float.tif": lambda: (sixteen_bits(0.9, 0.1, np.float32), {}),
    "palette.png": palette,
    "palette.gif": palette,
    "clear palette.png": lambda: palette(transparency=0),
    "clear grey.png": lambda: (drawing(7, 40, "L"), {"transparency": 7}),
    "cmyk.jpg": lambda: (drawing("white", "navy").convert("CMYK"), {}),
    "grey.jpg": lambda: (drawing(230, 20, "L"), {}),
    "lossy.webp": lambda: (drawing("white", "navy"), {}),
    "old.bmp": lambda: (drawing("white", "navy"), {}),
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_usual_format_is_read(tmp_path, name):
    picture, save = FORMATS[name]()
    picture.save(tmp_path / name, **save)
    check_garment(images.read_image(tmp_path / name), bright=225)
    photo = images.read_photo(tmp_path / name)
    assert photo.shape == (200, 300, 3) and photo.dtype == np.uint8


def test_values_that_are_no_numbers_do_not_count(tmp_path):
    values = np.asarray(sixteen_bits(0.9, 0.1, np.float32)).copy()
    values[0, :3] = np.nan, np.inf, -np.inf
    Image.fromarray(values).save(tmp_path / "gaps.tif")
    check_garment(images.read_image(tmp_path / "gaps.tif"), bright=225)


def test_values_near_the_end_of_float32_do_no_harm(tmp_path):
    Image.fromarray(np.asarray(sixteen_bits(3e38, -3e38, np.float32))).save(tmp_path / "wide.tif")
    check_garment(images.read_image(tmp_path / "wide.tif"), bright=225)


@pytest.mark.parametrize(
    "error", [RuntimeError("no decoder"), struct.error("unpack"), MemoryError(), OSError("broken")]
)
def test_whatever_a_reader_of_pillow_raises_is_a_sentence(tmp_path, monkeypatch, error):
    drawing("white", "navy").save(tmp_path / "picture.png")

    def fail(*_):
        raise error

    monkeypatch.setattr(images, "_small", fail)
    refused(tmp_path / "picture.png", "cannot be read to its end")


def test_what_pillow_only_warns_of_is_not_shown(tmp_path, monkeypatch, recwarn):
    """A warning on standard error would make a run fail after its training."""
    drawing("white", "navy").save(tmp_path / "camera.jpg")
    small = images._small

    def warning(picture):
        warnings.warn("Corrupt EXIF data. Expecting to read 2 bytes but only got 0.", stacklevel=1)
        return small(picture)

    monkeypatch.setattr(images, "_small", warning)
    check_garment(images.read_image(tmp_path / "camera.jpg"), bright=225)
    assert not recwarn.list


def test_an_image_of_fashion_mnist_comes_back(tmp_path):
    original = np.zeros((28, 28), np.uint8)
    original[:, 5:23] = np.random.default_rng(0).integers(90, 200, (28, 18))
    original[10, 10] = 255
    Image.fromarray(original).save(tmp_path / "itself.png")
    assert np.abs(images.read_image(tmp_path / "itself.png").astype(int) - original).max() <= 3


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["camera.jpg", "camera.png", "camera.tif", "camera.webp"])
def test_the_orientation_noted_by_the_camera_is_applied(tmp_path, name, orientation):
    upright = Image.new("L", (300, 400), 240)
    draw = ImageDraw.Draw(upright)
    draw.rectangle((90, 60, 160, 340), fill=20)
    draw.rectangle((160, 60, 220, 120), fill=20)
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # the transposition that the note takes back
    stored = upright if orientation == 1 else upright.transpose(undo[orientation])
    note = Image.Exif()
    note[0x0112] = orientation
    stored.save(tmp_path / name, exif=note)
    upright.save(tmp_path / "upright.png")
    assert images.read_photo(tmp_path / name).shape == (400, 300, 3)
    difference = images.read_image(tmp_path / name).astype(int) - images.read_image(tmp_path / "upright.png")
    assert np.abs(difference).mean() < 2


def test_the_preview_is_what_was_read(tmp_path):
    (tmp_path / "photo.jpg").write_bytes(photographs.make([shirt(1)], seed=1, canvas=(1200, 900), paper=True)[0])
    photo = images.read_photo(tmp_path / "photo.jpg")
    assert photo.shape == (384, 512, 3) and photo.dtype == np.uint8
    assert photo[..., 0].mean() > photo[..., 2].mean() + 50  # orange paper
    Image.fromarray(photo).save(tmp_path / "preview.png")
    assert (images.read_image(tmp_path / "preview.png") == images.read_image(tmp_path / "photo.jpg")).all()
    Image.new("RGB", (40, 30), "red").save(tmp_path / "small.png")
    assert images.read_photo(tmp_path / "small.png").shape == (30, 40, 3)


def refused(path, reason, error=images.ImageError):
    for read in (images.read_photo, images.read_image):
        try:
            read(path)
        except error as caught:
            assert str(path) in str(caught) and "\n" not in str(caught)
            assert reason in str(caught)
            return str(caught)
    pytest.fail(f"{path} was not refused")


def test_what_is_not_there_or_no_image_is_refused(tmp_path):
    refused(tmp_path / "missing.png", "does not exist", FileNotFoundError)
    refused(tmp_path, "folder")
    (tmp_path / "text.png").write_text("This is no picture.")
    refused(tmp_path / "text.png", "no image")
    (tmp_path / "empty.png").write_bytes(b"")
    refused(tmp_path / "empty.png", "empty")
    assert issubclass(images.ImageError, ValueError)


def test_a_relative_path_is_named_as_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("text.png").write_text("This is no picture.")
    assert refused("text.png", "no image").startswith("text.png ")


@pytest.mark.parametrize("name", ["cut.jpg", "cut.png", "cut.tif", "cut.bmp", "cut.webp", "cut.gif"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_truncated_file_is_refused(tmp_path, name, share):
    noise = np.random.default_rng(0).integers(0, 255, (200, 300, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / name)
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[: int(len(content) * share)])
    refused(tmp_path / name, "")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="no permission is denied to root")
def test_a_file_without_permission_is_refused(tmp_path):
    drawing("white", "navy").save(tmp_path / "closed.png")
    (tmp_path / "closed.png").chmod(0)
    refused(tmp_path / "closed.png", "permission")


def test_a_decompression_bomb_is_refused(tmp_path):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 1, 0, 0, 0, 0)
    packed = zlib.compress(bytes(1000))
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    (tmp_path / "bomb.png").write_bytes(content)
    refused(tmp_path / "bomb.png", "too many pixels")


def test_a_picture_without_an_object_is_refused(tmp_path):
    random = np.random.default_rng(0)
    path = tmp_path / "nothing.png"
    Image.new("L", (50, 50), 200).save(path)
    refused(path, "the same brightness")
    for spread in (1, 8, 40):
        Image.fromarray(random.normal(128, spread, (300, 400)).clip(0, 255).astype(np.uint8)).save(path)
        refused(path, "nothing that stands out")
    # Light on an empty background is no object, either.
    Image.fromarray(photographs.photograph(np.zeros((28, 28), np.uint8), random, bright=True)).save(path)
    refused(path, "nothing that stands out")
    # Woven cloth, edge to edge.
    cloth = 120 + 40 * np.sin(np.arange(400) / 2) * np.sin(np.arange(400)[:, None] / 2)
    Image.fromarray((cloth + random.normal(0, 5, cloth.shape)).astype(np.uint8)).save(path)
    refused(path, "nothing that stands out")


@pytest.mark.parametrize("line", [(150, 20, 150, 180), (20, 100, 280, 100), (20, 20, 280, 180)])
def test_a_hairline_is_refused(tmp_path, line):
    picture = Image.new("L", (300, 200), 255)
    ImageDraw.Draw(picture).line(line, fill=0)
    picture.save(tmp_path / "thread.png")
    refused(tmp_path / "thread.png", "thin")


READ = """
import sys
from fmnist import images
images.read_image(sys.argv[1])
assert not {"tensorflow", "keras", "torch"} & set(sys.modules)
"""

# A process begins with the peak of the one that started it, which here may be large: so one stands in between.
MEASURE = """
import resource, subprocess, sys
subprocess.run([sys.executable, "-c", *sys.argv[1:]], check=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, used.ru_maxrss * (1 if sys.platform == "darwin" else 1024))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no module resource")
@pytest.mark.parametrize("name", ["huge.jpg", "huge.png"])
def test_a_huge_picture_is_read_quickly_and_in_little_memory(tmp_path, name):
    picture = Image.new("RGB", (8000, 6000), (230, 225, 220))
    ImageDraw.Draw(picture).rectangle((3000, 1000, 5000, 5000), fill=(40, 60, 120))
    picture.save(tmp_path / name)
    script = [sys.executable, "-c", MEASURE, READ, str(tmp_path / name)]
    run = subprocess.run(script, cwd=NOTEBOOKS, capture_output=True, text=True, check=True)
    seconds, peak = map(float, run.stdout.split())
    assert seconds < 5  # of computing, the imports among them; less than 2 where it was written
    assert peak < (250e6 if name == "huge.jpg" else 1e9)


def shirt(number):
    """A drawn garment, 28×28 as in Fashion-MNIST: a body, sleeves, a collar, and grey values of its own."""
    random = np.random.default_rng(number)
    large = Image.new("L", (280, 280))
    draw = ImageDraw.Draw(large)
    cloth, width, length = (int(random.integers(low, high)) for low, high in ((130, 230), (60, 90), (120, 280)))
    draw.polygon([(140 - width, 0), (140 + width, 0), (278, length), (225, length + 10)], fill=cloth - 20)
    draw.polygon([(140 - width, 0), (140 + width, 0), (2, length), (55, length + 10)], fill=cloth - 20)
    draw.rectangle((140 - width, 0, 140 + width, 279), fill=cloth)
    draw.rectangle((115, 0, 165, 25), fill=255)
    return np.asarray(large.resize((28, 28), Image.Resampling.BOX))


CONDITIONS = {
    "as required": {},
    "wide margin": {"margin": 0.4},
    "narrow margin": {"margin": 0.05},
    "much noise": {"noise": 15},
    "strong light": {"vignette": 0.35, "side_light": 0.3},
    "cast shadow": {"shadow": 0.2},
    "off centre": {"canvas": (1200, 900)},
    "coloured paper": {"paper": True},
}


@pytest.mark.parametrize("name", CONDITIONS)
def test_photographs_agree_with_what_they_were_made_from(tmp_path, name):
    originals = np.array([shirt(number) for number in range(40 if name == "as required" else 12)])
    found = []
    for content in photographs.make(originals, seed=7, **CONDITIONS[name]):
        (tmp_path / "photo.jpg").write_bytes(content)
        found.append(images.read_image(tmp_path / "photo.jpg"))
    found = np.array(found)
    overlap = ((found > 40) & (originals > 40)).sum((1, 2)) / ((found > 40) | (originals > 40)).sum((1, 2))
    difference = np.abs(found.astype(float) - originals).mean((1, 2))
    assert overlap.mean() > 0.85 and overlap.min() > 0.75
    assert difference.mean() < 25 and difference.max() < 45


def test_the_same_photographs_are_made_twice():
    first, second, other = (photographs.make([shirt(0), shirt(1)], seed) for seed in (1, 1, 2))
    assert first == second != other
    assert Image.open(io.BytesIO(first[0])).size == (520, 520)
