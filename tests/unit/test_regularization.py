"""The series of chapter 02: its plan, what is recorded of it, and the tables made from it."""

import base64
import json

import numpy as np
import pytest

from fmnist import records
from fmnist import regularization as tables
from fmnist.chapters import FRAMEWORKS
from tests.series import alter
from tools.measure import regularization, regularization_plan, regularization_runs, resumable

RECORDED = regularization.SERIES.read()


def test_every_arm_has_all_its_seeds_and_none_is_there_twice():
    for framework in FRAMEWORKS:
        ids = [resumable.run_id(run) for run in regularization_plan.wanted(framework)]
        assert len(set(ids)) == len(ids)
        seeds = {}
        for part, name, seed in ids:
            seeds.setdefault((part, name), set()).add(seed)
        for (part, _), found in seeds.items():
            few = framework == "keras" or part in ("whole", "published")
            assert found == set(regularization_plan.FEW_SEEDS if few else regularization_plan.SEEDS)
            assert len(found) >= 4
    in_keras = {(part, name) for part, names in regularization_plan.IN_KERAS.items() for name in names}
    assert {(part, name) for part, name, _ in ids} == in_keras or framework == "pytorch"


def test_a_method_differs_from_the_bare_network_in_one_thing():
    for name, change in regularization_plan.METHODS.items():
        assert len(change.keys() - {"epochs"}) == (name != "none"), name
        assert change.keys() <= regularization_plan.BARE.keys()


def test_more_images_get_about_as_many_steps():
    for name, change in regularization_plan.METHODS.items():
        settings = regularization_plan.BARE | change
        if "images" in change:
            steps = settings["epochs"] * (settings["images"] or 54_000) / settings["batch_size"]
            assert steps == pytest.approx(40 * 5000 / 128, rel=0.1), name


def test_the_best_combination_is_trained_on_all_images():
    def known(best):
        return [
            {"part": "combination", "name": name, "seed": seed, "validation": {"accuracy": 0.8 + 0.1 * (name == best)}}
            for name in regularization_plan.COMBINED
            for seed in regularization_plan.SEEDS
        ]

    runs = known("rate, flips")
    (run, *others) = [run for run in regularization_plan.wanted("pytorch", runs) if run["name"] == "chosen"]
    assert run["settings"]["augment"] == ["flip"] and run["settings"]["images"] is None and run["part"] == "whole"
    assert len(others) == 3
    assert not [run for run in regularization_plan.wanted("pytorch", runs[1:]) if run["name"] == "chosen"]


def test_recorded_runs_are_those_of_the_plan_and_of_this_code():
    for framework in FRAMEWORKS:
        own = [run for run in RECORDED if run["framework"] == framework]
        planned = {resumable.run_id(run): run for run in regularization_plan.wanted(framework, own)}
        recipes = {regularization.recipe(framework, run) for run in own[:1]}
        for run in own:
            assert run == run | planned[resumable.run_id(run)], run["name"]
            assert {run["recipe"]} == recipes, "the record is older than its code: make regularization"
            assert set(run["curves"]) == set(regularization_runs.CURVES)
            epochs = {len(curve) for curve in run["curves"].values()}
            assert len(epochs) == 1
            assert max(epochs) == run["settings"]["epochs"] or run["settings"]["patience"]


@pytest.mark.parametrize(
    ("file", "old", "new", "changed"),
    [
        ("chapter_02.py", "    found: list", "    # why\n    found: list", set()),
        ("chapter_02.py", "LEARNING_RATE = 0.001", "LEARNING_RATE = 0.002", {"pytorch", "keras"}),
        ("chapter_02.py", "restore_best_weights\": True", "restore_best_weights\": False", {"keras"}),
        ("regularization_runs.py", "replace=False", "replace=True", {"pytorch", "keras"}),
        ("regularization_plan.py", "SEEDS = (1, 2, 3, 4, 5)", "SEEDS = (1, 2)", set()),
    ],
    ids=["comment", "rate", "restore", "draw", "seeds"],
)  # fmt: skip
def test_the_recipe_follows_what_decides_the_scores(tmp_path, file, old, new, changed):
    alter(tmp_path, file, old, new)
    run = regularization_plan.planned()[0]
    found = {
        framework
        for framework in FRAMEWORKS
        if regularization.recipe(framework, run) != regularization.recipe(framework, run, root=tmp_path)
    }
    assert found == changed


def test_each_seed_draws_its_own_images():
    images = np.arange(60.0).reshape(60, 1, 1)
    parts = {"train": (images[:50], np.arange(50)), "validation": (images[50:], np.arange(50, 60))}
    settings = regularization_plan.BARE | {"images": 20}
    few = [regularization_runs.data_for({"seed": seed, "settings": settings}, parts) for seed in (1, 1, 2)]
    chosen = [set(data["train"][1]) for data in few]
    assert chosen[0] == chosen[1] != chosen[2]
    assert {len(each) for each in chosen} == {20}
    assert (few[0]["train"][0].ravel() == few[0]["train"][1]).all(), "images keep their labels"
    assert few[0]["validation"] is parts["validation"]
    whole = regularization_runs.data_for({"seed": 1, "settings": settings | {"images": None}}, parts)
    assert whole["train"] is parts["train"]
    published = regularization_runs.data_for({"seed": 1, "settings": settings | {"network": "published"}}, parts)
    labels = [set(published[name][1]) for name in ("train", "validation", "test")]
    assert set.union(*labels) == set(range(60)) and sum(map(len, labels)) == 60


def arm(part, name, accuracies, losses, right):
    return [
        {"part": part, "name": name, "seed": seed, "framework": "pytorch", "parameters": 10,
         "train": {"accuracy": 0.9, "loss": 0.1}, "validation": {"accuracy": accuracy, "loss": loss},
         "right": base64.b64encode(np.packbits(right)).decode(),
         "curves": {"loss": [1, 0.5], "accuracy": [0.7, 0.8], "val_loss": [1, loss], "val_accuracy": [0.5, accuracy]}}
        for seed, (accuracy, loss) in enumerate(zip(accuracies, losses, strict=True), start=1)
    ]  # fmt: skip


@pytest.fixture
def record(tmp_path, monkeypatch):
    right = np.zeros((3, 80), bool)
    right[1, :40] = True
    runs = [
        *arm("method", "none", (0.80, 0.81, 0.82), (0.5, 0.5, 0.5), right[0]),
        *arm("method", "dropout", (0.82, 0.83, 0.84), (0.4, 0.4, 0.4), right[0]),
        *arm("method", "flips", (0.80, 0.83, 0.86), (0.5, 0.4, 0.3), right[1]),
        *arm("combination", "both", (0.9, 0.9, 0.9), (0.3, 0.3, 0.3), right[0]),
    ]
    published = arm("published", "as published", (0.88,), (0.3,), right[0])[0]
    runs.append(published | {"test": {"accuracy": 0.87, "loss": 0.3}, "in_training_mode": 0.85})
    (tmp_path / "regularization.json").write_text(json.dumps({"runs": runs}))
    monkeypatch.setattr(records, "read", lambda name: json.loads((tmp_path / f"{name}.json").read_text()))


def test_effects(record):
    found = tables.effects("method")
    assert list(found.index) == ["dropout", "flips"]
    assert list(found["accuracy"]) == pytest.approx([2, 2])
    assert list(found["loss"]) == pytest.approx([-0.1, -0.1])
    # Differences of 2, 2, 2 and 0, 2, 4 points: pooled variance 2, and 4 of the second arm's own. Of its 80 images it
    # gets half right that the bare network gets wrong. Two intervals, four degrees of freedom: Student's t is 3.495.
    halves = 3.495 * np.sqrt([2 / 3, 4 / 3 + 100**2 * 0.25 / 80])
    assert list(found["accuracy high"] - found["accuracy"]) == pytest.approx(list(halves), rel=1e-3)
    assert list(found["accuracy"] - found["accuracy low"]) == pytest.approx(list(halves), rel=1e-3)
    with pytest.raises(LookupError, match="make regularization"):
        tables.effects("method", framework="keras")


def test_summary_curves_and_published(record):
    summary = tables.summary("method")
    assert summary.loc["flips", "validation"] == pytest.approx(83)
    assert summary.loc["flips", "±"] == pytest.approx(3)
    assert summary.loc["none", "seeds"] == 3
    assert tables.curves("method", "flips").tolist() == [[1, 0.5], [1, 0.4], [1, 0.3]]
    (row,) = tables.published("pytorch").to_dict("records")
    assert row == {"epochs": 2, "printed": 80, "training mode": 85, "evaluation mode": 90, "test": 87}


@pytest.mark.parametrize(("losses", "best"), [([0.5, 0.4, 0.41], 1), ([0.5, 0.4995, 0.499], 0), ([0.5], 0)])
def test_the_best_epoch_is_that_of_early_stopping(losses, best):
    assert tables.best_epoch(losses, min_delta=0.002) == best


def test_a_quick_look_trains_for_fewer_epochs():
    run = regularization_plan.planned()[0]
    assert regularization.SERIES.shorter(run, 1)["settings"]["epochs"] == 1
    assert run["settings"]["epochs"] > 1, "the plan is as before"
    found = run | {"validation": {"loss": 0.5, "accuracy": 0.8}, "seconds": 1.0}
    assert "none" in regularization.line(found)
