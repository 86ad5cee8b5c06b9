"""Every committed model is what its record says."""

import hashlib
import re

import numpy as np
import pytest

from fmnist import taught
from fmnist.chapters import FRAMEWORKS, MODEL_SUFFIX, all_chapters, all_models, trained_by_notebook
from fmnist.data import CLASS_NAMES
from fmnist.records import model_path, read_all
from tests.helpers import BUILDER_TAGS, ROOT, read, settings

RECORDS = {record["name"]: record for record in read_all()}
PROMISED = {model.file_stem(framework): model for model, framework in all_models()}
FIELDS = {
    "name", "framework", "chapter", "parameters", "epochs", "batch_size", "seed", "device", "train_seconds",
    "seconds_per_epoch", "history", "validation_accuracy", "test_accuracy", "test_loss", "per_class",
    "confusion_matrix", "versions",
}  # fmt: skip


@pytest.fixture(params=sorted(RECORDS))
def record(request):
    return RECORDS[request.param]


def test_every_model_has_a_record_and_every_record_a_model():
    files = {path.stem for path in (ROOT / "models").iterdir() if path.suffix in MODEL_SUFFIX.values()}
    assert files == set(RECORDS) == set(PROMISED)


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


@pytest.mark.parametrize("name", PROMISED)
def test_the_model_is_what_the_registry_promises(name):
    assert RECORDS[name]["test_accuracy"] >= PROMISED[name].test_accuracy_at_least
    assert RECORDS[name]["parameters"] == PROMISED[name].parameters
    assert RECORDS[name]["epochs"] == PROMISED[name].epochs


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("chapter", [each for each in all_chapters() if each.models], ids=lambda chapter: chapter.name)
def test_the_chapter_has_what_others_take_from_it(chapter, framework):
    """The builders of its models in cells with their tags, and the number of epochs in its settings."""
    notebook = chapter.notebooks[framework]
    for model in chapter.models:
        sources = "\n".join(taught.tagged_sources(notebook, *BUILDER_TAGS.get(model.name, ("model",))))
        assert re.search(rf"^(def|class) {model.builder[framework]}\b", sources, flags=re.M)
        assert settings(read(notebook))["EPOCHS"] == model.epochs or model not in trained_by_notebook(chapter)
