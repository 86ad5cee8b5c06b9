"""The figure of all models: what it shows, that its labels can be read, and how it is seen to be old."""

import json
import shutil

import numpy as np
import pytest
from matplotlib.text import Annotation, Text
from PIL import Image

from tests.helpers import ROOT
from tools import model_comparison
from tools.model_comparison import Point


@pytest.fixture
def models(root):
    """A repository with the records of chapter 01."""
    (root / "models").mkdir()
    for path in (ROOT / "models").glob("01_*.json"):
        shutil.copy(path, root / "models")
    return root / "models"


def change(path, **entries):
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | entries), encoding="utf-8")


def test_every_record_is_a_point_with_its_interval(models):
    change(models / "01_cnn_keras.json", test_accuracy=0.9, test_images=10_000, parameters=7, train_seconds=3.5)
    points = model_comparison.points()
    assert sorted((point.label, point.framework) for point in points) == [
        (f"01 {model}", framework) for model in ("CNN", "dense") for framework in ("keras", "pytorch")
    ]
    (point,) = [point for point in points if (point.label, point.framework) == ("01 CNN", "keras")]
    assert (point.parameters, point.seconds, point.accuracy) == (7, 3.5, 90)
    assert point.half == pytest.approx(1.96 * 0.3)  # the standard error is 0.3 points


@pytest.mark.parametrize(
    "entries", [{"test_accuracy": 0.5}, {"train_seconds": 1.0}, {"parameters": 5}, {"test_images": 100}]
)
def test_a_figure_is_old_when_what_it_shows_has_changed(models, entries):
    assert model_comparison.is_stale(), "there is none"
    model_comparison.save()
    assert not model_comparison.is_stale()
    change(models / "01_dense_pytorch.json", test_loss=9.0)
    assert not model_comparison.is_stale(), "it does not show the loss"
    change(models / "01_dense_pytorch.json", **entries)
    assert model_comparison.is_stale()


def test_a_new_model_makes_it_old_and_without_records_there_is_nothing_to_draw(models):
    model_comparison.save()
    shutil.copy(ROOT / "models" / "02_regularized_keras.json", models)
    assert model_comparison.is_stale()
    for path in models.iterdir():
        path.unlink()
    assert not model_comparison.is_stale()


def test_the_file_is_the_same_twice_and_names_no_software(models, root):
    path = root / model_comparison.FILE
    files = []
    for _ in range(2):
        model_comparison.save()
        files.append(path.read_bytes())
    assert files[0] == files[1]
    assert set(Image.open(path).text) == {model_comparison.ENTRY}


def many_points(seed):
    """Points of eleven models, about as many as the chapters may have."""
    random = np.random.default_rng(seed)
    points = []
    for number in range(11):
        parameters, accuracy = int(10 ** random.uniform(4.9, 6.5)), random.uniform(88, 95)
        for framework in ("keras", "pytorch"):
            seconds = 10 ** random.uniform(1, 3.3)
            points.append(
                Point(f"{number:02} a name", framework, parameters, seconds, accuracy + random.normal(0, 0.2), 0.5)
            )
    return points


@pytest.mark.parametrize("seed", range(3))
def test_labels_cover_nothing_and_stand_once_in_each_panel(seed):
    points = many_points(seed)
    figure = model_comparison.draw(points)
    figure.draw_without_rendering()
    renderer = figure.canvas.get_renderer()
    left, right = figure.axes
    assert left.get_ylim() == right.get_ylim()
    for axis, quantity in ((left, "parameters"), (right, "seconds")):
        texts = [text for text in axis.texts if isinstance(text, Annotation)]
        assert sorted(text.get_text() for text in texts) == sorted({point.label for point in points})
        boxes = [Text.get_window_extent(text, renderer) for text in texts]
        assert not [1 for i, box in enumerate(boxes) for other in boxes[:i] if box.overlaps(other)]
        places = [(getattr(point, quantity), point.accuracy) for point in points]
        centres = axis.transData.transform(places)
        assert not [1 for box in boxes for centre in centres if box.contains(*centre)]
        frame = axis.get_window_extent(renderer)
        assert all(frame.contains(*corner) for box in boxes for corner in box.corners())


def test_a_single_model_can_be_drawn():
    model_comparison.draw([Point("01 dense", "keras", 100, 5.0, 89.0, 0.6)])
