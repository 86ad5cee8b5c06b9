"""Records, figures and images: small parts with one purpose each."""

import json

import numpy as np
import pytest
from PIL import Image

from fmnist import plots, plots_training, records
from fmnist.files import atomic_write
from fmnist.training import History


@pytest.fixture
def models(root):
    (root / "models").mkdir()
    return root / "models"


def write_record(name="01_dense_keras"):
    history = History(1)
    history.add(loss=2.0, accuracy=0.3, val_loss=1.5, val_accuracy=0.4)
    labels, predictions = np.repeat(np.arange(10), 2), np.repeat(np.arange(10), 2)
    predictions[:4] = 9
    details = {"parameters": 5, "batch_size": 2, "seed": 1, "device": "cpu", "validation_accuracy": 0.4}
    return records.write(name, history=history, test_loss=1.6, labels=labels, predictions=predictions, **details)


def test_record_holds_what_was_measured(models, capsys):
    (models / "01_dense_keras.keras").write_bytes(b"weights")
    record = write_record()
    assert json.loads((models / "01_dense_keras.json").read_text()) == record
    assert record["test_accuracy"] == 0.8
    assert record["confusion_matrix"][0][9] == 2
    assert record["per_class"]["T-shirt/top"] == {"precision": 0, "recall": 0, "f1": 0}
    assert record["per_class"]["Ankle boot"] == {"precision": pytest.approx(1 / 3), "recall": 1, "f1": 0.5}
    assert "epoch  1/1" in capsys.readouterr().out
    assert [path.name for path in models.iterdir()].count("01_dense_keras.json") == 1
    assert len(list(models.iterdir())) == 2


def test_results_table(models):
    for name in ("01_dense_pytorch", "01_dense_keras"):
        records.model_path(name).write_bytes(b"weights")
        write_record(name)
    table = records.results_table(records.read_all(models))
    assert list(table.framework) == ["Keras", "PyTorch"]
    assert table["test accuracy"][0] == "80.00% ± 8.94%"


def test_an_interrupted_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "model.keras"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), atomic_write(path) as temporary:
        assert temporary.suffix == ".keras"
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_figures_are_saved_white_and_the_same_twice(root):
    curves = {"loss": [2, 1], "accuracy": [0.1, 0.2], "val_loss": [2, 1.5], "val_accuracy": [0.1, 0.15]}
    for name in ("one", "two"):
        plots.save(plots_training.learning_curves({"dense": curves, "cnn": curves}, "keras"), name)
    one, two = (root / "figures" / f"{name}.png" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    assert Image.open(one).convert("RGB").getpixel((0, 0)) == (255, 255, 255)
