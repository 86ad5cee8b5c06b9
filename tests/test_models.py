"""Every committed model is what its record says."""

import hashlib

import numpy as np
import pytest
from conftest import ROOT, ask

from fashion.data import CLASS_NAMES
from fashion.records import model_path, read_all, standard_error

RECORDS = {record["name"]: record for record in read_all()}
CHAPTER_01 = ["01_dense_keras", "01_cnn_keras", "01_dense_pytorch", "01_cnn_pytorch"]
CHAPTER_02 = ["02_regularized_keras", "02_regularized_pytorch"]
FIELDS = {
    "name", "framework", "chapter", "parameters", "epochs", "batch_size", "seed", "device", "train_seconds",
    "seconds_per_epoch", "history", "validation_accuracy", "test_accuracy", "test_loss", "per_class",
    "confusion_matrix", "versions",
}  # fmt: skip


@pytest.fixture(params=sorted(RECORDS))
def record(request):
    return RECORDS[request.param]


def test_every_model_has_a_record_and_every_record_a_model():
    files = {path.stem for path in (ROOT / "models").iterdir() if path.suffix in (".keras", ".pth")}
    assert files == set(RECORDS) >= {*CHAPTER_01, *CHAPTER_02}


def test_the_record_belongs_to_the_model_file(record):
    path = model_path(record["name"])
    assert hashlib.sha256(path.read_bytes()).hexdigest() == record["model_sha256"]


def test_the_record_is_complete_and_agrees_with_itself(record):
    assert set(record) >= FIELDS
    counts = np.array(record["confusion_matrix"])
    assert counts.shape == (10, 10) and counts.sum() == record["test_images"] == 10_000
    assert (counts.sum(axis=1) == 1000).all()
    assert record["test_accuracy"] == pytest.approx(counts.trace() / 10_000)
    assert set(record["history"]) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert all(len(curve) == record["epochs"] for curve in record["history"].values())
    assert record["validation_accuracy"] == record["history"]["val_accuracy"][-1]
    assert list(record["per_class"]) == list(CLASS_NAMES)
    for index, name in enumerate(CLASS_NAMES):
        scores = record["per_class"][name]
        assert scores["recall"] == pytest.approx(counts[index, index] / counts[index].sum())
        assert scores["precision"] == pytest.approx(counts[index, index] / counts[:, index].sum())
        harmonic = 2 * scores["precision"] * scores["recall"] / (scores["precision"] + scores["recall"])
        assert scores["f1"] == pytest.approx(harmonic)
    assert record["train_seconds"] >= record["seconds_per_epoch"] * record["epochs"] * 0.5 > 0


def test_chapter_01_reaches_what_it_promises():
    for name in CHAPTER_01:
        assert RECORDS[name]["test_accuracy"] >= (0.885 if "dense" in name else 0.912), name
        assert RECORDS[name]["parameters"] == (109_386 if "dense" in name else 225_034)
        assert RECORDS[name]["epochs"] == 20


def test_chapter_02_reaches_what_it_promises():
    accuracies = [RECORDS[name]["test_accuracy"] for name in CHAPTER_02]
    assert min(accuracies) >= 0.88
    error = np.hypot(*[standard_error(accuracy, 10_000) for accuracy in accuracies])
    assert abs(accuracies[0] - accuracies[1]) <= 1.96 * error, "the frameworks differ by more than their uncertainty"
    assert {RECORDS[name]["parameters"] for name in CHAPTER_02} == {111_594}


@pytest.mark.slow
@pytest.mark.parametrize("framework", ["keras", "pytorch"])
def test_the_model_finds_its_recorded_accuracy_again(framework):
    found = ask("evaluate_models.py", framework)
    assert set(found) == {name for name in RECORDS if name.endswith(framework)}
    for name, values in found.items():
        # Another processor may round a tie the other way; two images are room enough for that.
        assert abs(values["right"] - round(RECORDS[name]["test_accuracy"] * 10_000)) <= 2, name
        assert values["parameters"] == RECORDS[name]["parameters"]
