"""The long training of chapter 06: its options, the state that it keeps, and when it goes on from one."""

import numpy as np
import pytest

from fmnist import chapters
from fmnist.paths import MODELS
from fmnist.training import History
from tools.measure import long_run


class Toy:
    """A training whose state is how many epochs it has had."""

    def __init__(self):
        self.done = np.zeros(2)

    def state(self):
        return {"done": self.done}

    def restore(self, state):
        self.done = state["done"]


def history(epochs):
    found = History(5, every=None)
    for epoch in range(epochs):
        found.add(loss=2 - epoch, accuracy=0.5, val_loss=1.5, val_accuracy=0.6)
    return found


def test_a_state_comes_back_with_its_curves(tmp_path):
    path = long_run.state_path("pytorch", tmp_path)
    training, before = Toy(), history(2)
    training.done += 2
    long_run.keep(training, before, "this recipe", path)
    again, after = Toy(), history(0)
    assert long_run.resume(again, after, "this recipe", path) == 2
    assert (again.done == 2).all() and after.curves == before.curves and after.seconds == before.seconds


def test_a_state_of_another_recipe_is_left_alone(tmp_path):
    path = long_run.state_path("pytorch", tmp_path)
    assert long_run.resume(Toy(), history(0), "this recipe", path) == 0, "there is none"
    training = Toy()
    training.done += 2
    long_run.keep(training, history(2), "another recipe", path)
    again, after = Toy(), history(0)
    assert long_run.resume(again, after, "this recipe", path) == 0
    assert (again.done == 0).all() and after.seconds == []


def test_the_loss_is_smoothed_as_the_frameworks_do_it():
    logits, labels = np.log([[0.7, *[0.3 / 9] * 9], [0.1] * 10]), np.array([0, 3])
    target = 0.05 / 10 + 0.95 * np.eye(10)[labels]
    assert long_run.smoothed_loss(logits, labels, 0.05) == pytest.approx(-(target * logits).sum(axis=1).mean())
    assert long_run.smoothed_loss(logits, labels, 0) == pytest.approx((-np.log(0.7) - np.log(0.1)) / 2)


def test_a_state_is_a_file_that_git_ignores(tmp_path):
    assert ".partial" in long_run.state_path("keras", tmp_path).name


def test_the_recipe_follows_settings_and_images():
    first = long_run.recipe("pytorch", long_run.SETTINGS, 54_000)
    assert first == long_run.recipe("pytorch", dict(long_run.SETTINGS), 54_000)
    assert first != long_run.recipe("pytorch", long_run.SETTINGS, 300)
    assert first != long_run.recipe("pytorch", long_run.SETTINGS | {"epochs": 3}, 54_000)
    assert first != long_run.recipe("keras", long_run.SETTINGS, 54_000)


def test_the_registry_knows_its_model():
    found = {model.file_stem(framework): model for model, framework in chapters.all_models()}
    model = found[f"{long_run.NAME}_keras"]
    assert model.epochs == long_run.EPOCHS
    assert chapters.commands()[model.name] == "long-run"


@pytest.mark.parametrize("option", ["--images", "--epochs"])
def test_a_quick_look_does_not_touch_the_published_model(option, capsys):
    with pytest.raises(SystemExit) as caught:
        long_run.read_options([option, "400"])
    assert caught.value.code == 2
    assert "--folder" in capsys.readouterr().err
    assert long_run.read_options([]).folder == MODELS


def test_probabilities_are_averaged_over_the_mirror_images():
    class Right:
        """Takes an image for class 0 if its right half is the brighter one, else for class 1."""

        def logits(self, images):
            right = images[:, :, 14:].sum(axis=(1, 2)) > images[:, :, :14].sum(axis=(1, 2))
            return np.where(right[:, None], [20.0, 0], [0, 20.0])

    images = np.zeros((3, 28, 28), np.float32)
    images[0, :, 20] = 1
    logits, averaged = long_run.probabilities(Right(), images)
    assert logits[0].argmax() == 0
    assert averaged[0] == pytest.approx([0.5, 0.5], abs=1e-6)
    assert averaged[1] == pytest.approx([0, 1], abs=1e-6)
