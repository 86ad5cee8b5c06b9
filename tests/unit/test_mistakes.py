"""The further networks of chapter 04: their plan, what is recorded of them, and the tables made from the record."""

import json

import numpy as np
import pytest

from fmnist import mistakes as tables
from fmnist import records
from fmnist.chapters import FRAMEWORKS
from tests.series import alter
from tools.measure import mistakes, mistakes_plan, mistakes_runs, resumable

RECORDED = mistakes.SERIES.read()


def test_the_folds_are_all_images_once_and_every_class_in_proportion():
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(10), 50))
    parts = tables.folds(labels)
    assert len(parts) == tables.FOLDS
    assert sorted(np.concatenate(parts)) == list(range(500))
    assert all((np.bincount(labels[rows]) == 10).all() for rows in parts)
    assert all((one == other).all() for one, other in zip(parts, tables.folds(labels), strict=True))


@pytest.mark.parametrize("dtype", ["float16", "uint8"])
def test_arrays_survive_as_text(dtype):
    values = np.random.default_rng(0).uniform(0, 9, 100).astype(dtype)
    assert (tables._unpack(mistakes_runs.packed(values), dtype) == values).all()


def test_folds_are_trained_in_pytorch_and_networks_from_several_seeds():
    runs = mistakes_plan.wanted("pytorch")
    folds = [(run["seed"], run["fold"]) for run in runs if run["part"] == "fold"]
    assert sorted(folds) == [(seed, fold) for seed in (1, 2) for fold in range(5)]
    for framework in FRAMEWORKS:
        ids = [resumable.run_id(run) for run in mistakes_plan.wanted(framework)]
        assert len(set(ids)) == len(ids)
        for name in ("cnn", "dense"):
            assert sum(part == "network" and each == name for part, each, _ in ids) >= 2
    assert all(run["part"] == "network" for run in mistakes_plan.wanted("keras"))


def test_recorded_runs_are_those_of_the_plan_and_of_this_code():
    for framework in FRAMEWORKS:
        planned = {resumable.run_id(run): run for run in mistakes_plan.wanted(framework)}
        own = [run for run in RECORDED if run["framework"] == framework]
        recipes = {}
        for run in own:
            assert run == run | planned[resumable.run_id(run)], run["name"]
            expected = recipes.setdefault(run["part"], mistakes.recipe(framework, run))
            assert run["recipe"] == expected, "the record is older than its code: make mistakes"


@pytest.mark.parametrize(
    ("file", "old", "new", "changed"),
    [
        ("chapter_01.py", "    network.train()\n", "    # why\n    network.train()\n", set()),
        ("chapter_01.py", "    network.train()\n", "    network.eval()\n", {"pytorch"}),
        ("mistakes_runs.py", "verbose=0", "verbose=1", {"keras"}),
        ("study_runs.py", "generator.permutation(images)", "generator.permutation(images - 1)", {"pytorch", "keras"}),
        ("mistakes_plan.py", "FOLD_SEEDS = (1, 2)", "FOLD_SEEDS = (1,)", set()),
    ],
    ids=["comment", "loop", "keras", "order", "seeds"],
)  # fmt: skip
def test_the_recipe_follows_what_decides_the_scores(tmp_path, file, old, new, changed):
    alter(tmp_path, file, old, new)
    run = mistakes_plan.wanted("keras")[0]
    found = {each for each in FRAMEWORKS if mistakes.recipe(each, run) != mistakes.recipe(each, run, root=tmp_path)}
    assert found == changed


def test_the_recipe_of_a_network_covers_the_cells_of_both_chapters(monkeypatch):
    asked = set()
    fingerprint = resumable.fingerprint

    def listening(module, function, notebook, tags, root):
        asked.update((notebook, tag) for tag in tags)
        return fingerprint(module, function, notebook, tags, root)

    monkeypatch.setattr(resumable, "fingerprint", listening)
    mistakes.recipe("keras", {"part": "fold"})
    assert asked == {("keras/01_dense_and_cnn", "parameters"), ("keras/01_dense_and_cnn", "model")}
    mistakes.recipe("keras", {"part": "network"})
    assert {tag for notebook, tag in asked if notebook.startswith("keras/04")} == set(mistakes_runs.TAGS)


def network(name, seed, accuracy):
    found = {"mean": accuracy, "above 90%": accuracy / 2, "most": 8}
    return {
        "framework": "keras", "part": "network", "name": name, "seed": seed,
        "test_accuracy": accuracy, "temperature": 1 + seed / 10,
        "calibration_error": {"before": 0.02, "after": 0.01 * seed}, "refusing": {"coverage": 0.8, "accuracy": 0.98},
        "perturbed": {"shift": {"1": accuracy, "2": accuracy - 0.1}}, "no_clothes": {"digits": found},
        "predictions": mistakes_runs.packed(np.array([3, 9], "uint8")),
        "confidence": mistakes_runs.packed(np.array([0.5, 1], "float16")),
    }  # fmt: skip


@pytest.fixture
def record(tmp_path, monkeypatch):
    labels = np.repeat(np.arange(10), 10)
    runs = [network("cnn", 1, 0.9), network("cnn", 2, 0.8), network("dense", 1, 0.61), network("dense", 2, 0.59)]
    for fold, rows in enumerate(tables.folds(labels)):
        below = np.round(tables.STEPS * np.log(91) * (1 - np.eye(10)[labels[rows]]))
        run = {"framework": "pytorch", "part": "fold", "name": f"without fold {fold + 1}", "fold": fold, "seed": 1}
        runs.append(run | {"logits_below": mistakes_runs.packed(below.astype("uint8"))})
    mistakes.SERIES.write(runs, tmp_path)
    monkeypatch.setattr(records, "read", lambda name: json.loads((tmp_path / f"{name}.json").read_text()))
    return labels


def test_every_image_gets_the_probabilities_of_its_own_fold(record):
    found = tables.out_of_fold(record)
    assert found.shape == (100, 10)
    assert found == pytest.approx(0.9 * np.eye(10)[record] + 0.01, rel=0.03)
    assert found.sum(axis=1) == pytest.approx(1)
    with pytest.raises(LookupError, match="make mistakes"):
        tables.out_of_fold(record, seed=2)


def test_tables_of_the_further_networks(record):
    runs = tables.networks("keras")
    assert runs[0]["predictions"].tolist() == [3, 9] and runs[0]["confidence"].tolist() == [0.5, 1]
    assert tables.summary(runs)["CNN"].tolist() == ["2", "1.10 to 1.20", "2.00 to 2.00", "1.00 to 2.00",
                                                    "80.00 to 80.00", "98.00 to 98.00"]  # fmt: skip
    assert tables.strangers(runs).loc["digits"].tolist() == ["80 to 90", "40 to 45"]
    ahead = tables.advantages("keras")
    assert list(ahead.index) == [("unchanged", 0.0), ("shift", 1.0), ("shift", 2.0)]
    assert ahead["ahead"].tolist() == pytest.approx([25, 25, 25])
    assert (ahead["low"] < 25).all() and (ahead["high"] > 25).all()


def test_a_quick_look_trains_for_fewer_epochs():
    run = mistakes_plan.wanted("pytorch")[0]
    assert mistakes.shorter(run, 1)["epochs"] == 1
    assert run["epochs"] > 1, "the plan is as before"
    assert "cnn" in mistakes.line({"part": "network", "name": "cnn", "seed": 1, "test_accuracy": 0.5, "seconds": 1.0})
