"""The ablation of chapter 06: its plan, what is recorded of it, and the table of effects."""

import json

import numpy as np
import pytest

from fmnist import ablation as tables
from fmnist import records
from fmnist.chapters import FRAMEWORKS
from tests.series import alter
from tools.measure import ablation, ablation_plan, ablation_runs, resumable

RECORDED = ablation.SERIES.read()


def test_every_arm_has_all_its_seeds_and_none_is_there_twice():
    for framework, arms in {"pytorch": 30, "keras": 2}.items():
        ids = [resumable.run_id(run) for run in ablation_plan.wanted(framework)]
        assert len(set(ids)) == len(ids)
        seeds = {}
        for part, name, seed in ids:
            seeds.setdefault((part, name), set()).add(seed)
        assert len(seeds) == arms
        for (part, _), found in seeds.items():
            assert found == ({1, 2} if part == "longer" else {1, 2, 3})


def test_an_arm_differs_from_its_reference_in_one_setting():
    references = {"left out": ablation_plan.RECIPE, "on top": ablation_plan.RECIPE, "added": ablation_plan.BARE}
    assert references.keys() == tables.REFERENCES.keys()
    for run in ablation_plan.planned():
        if run["part"] in references:
            reference = references[run["part"]]
            changed = {name for name, value in run["settings"].items() if value != reference[name]}
            assert len(changed) == 1, run["name"]
            assert run["settings"].keys() == reference.keys()


def test_the_recipe_without_all_its_ingredients_is_the_bare_network():
    settings = dict(ablation_plan.RECIPE)
    for without, _ in ablation_plan.INGREDIENTS.values():
        settings |= without
    assert settings == ablation_plan.BARE
    for _, only in ablation_plan.INGREDIENTS.values():
        settings |= only
    assert settings == ablation_plan.RECIPE


def test_recorded_runs_are_those_of_the_plan_and_of_this_code():
    for framework in FRAMEWORKS:
        planned = {resumable.run_id(run): run for run in ablation_plan.wanted(framework)}
        own = [run for run in RECORDED if run["framework"] == framework]
        recipes = {ablation.recipe(framework, run) for run in own[:1]}
        for run in own:
            assert run == run | planned[resumable.run_id(run)], run["name"]
            assert {run["recipe"]} == recipes, "the record is older than its code: make ablation"
            assert set(run["curves"]) == set(ablation_runs.CURVES)
            assert {len(curve) for curve in run["curves"].values()} == {run["settings"]["epochs"]}


@pytest.mark.parametrize(
    ("file", "old", "new", "changed"),
    [
        ("chapter_06.py", "    model.train()\n", "    # why\n    model.train()\n", set()),
        ("chapter_06.py", "    model.train()\n", "    model.eval()\n", {"pytorch"}),
        ("chapter_06.py", "PEAK_RATE = 0.004", "PEAK_RATE = 0.005", {"pytorch", "keras"}),
        ("chapter_06.py", "steps_per_execution=200", "steps_per_execution=20", {"keras"}),
        ("study_runs.py", "generator.permutation(images)", "generator.permutation(images - 1)", {"pytorch", "keras"}),
        ("ablation_plan.py", "SEEDS = (1, 2, 3)", "SEEDS = (1, 2)", set()),
    ],
    ids=["comment", "loop", "rate", "compile", "order", "seeds"],
)  # fmt: skip
def test_the_recipe_follows_what_decides_the_scores(tmp_path, file, old, new, changed):
    alter(tmp_path, file, old, new)
    run = ablation_plan.planned()[0]
    found = {
        framework
        for framework in FRAMEWORKS
        if ablation.recipe(framework, run) != ablation.recipe(framework, run, root=tmp_path)
    }
    assert found == changed


def arm(part, name, accuracies):
    return [
        {"part": part, "name": name, "seed": seed, "framework": "pytorch", "parameters": 10, "seconds_per_epoch": 2.0,
         "curves": {"val_accuracy": [0.1, accuracy], "val_loss": [2, 1.5], "loss": [2, 1]}}
        for seed, accuracy in enumerate(accuracies, start=1)
    ]  # fmt: skip


@pytest.fixture
def record(tmp_path, monkeypatch):
    runs = [
        *arm("reference", "recipe", (0.93, 0.94, 0.95)),
        *arm("reference", "bare", (0.88, 0.90, 0.92)),
        *arm("left out", "flips", (0.92, 0.93, 0.94)),
        *arm("added", "flips", (0.95, 0.96, 0.97)),
        *arm("added", "a second block", (0.1, 0.88, 0.9)),
        *arm("longer", "flips", (0.5, 0.7, 0.99)),  # other epochs, so its spread does not count
    ]
    ablation.SERIES.write(runs, tmp_path)
    monkeypatch.setattr(records, "read", lambda name: json.loads((tmp_path / f"{name}.json").read_text()))


def test_effects(record):
    runs = tables.table()
    assert list(runs.loc[runs["name"] == "recipe", "accuracy"]) == [0.93, 0.94, 0.95], "the last epoch counts"
    found = tables.effects(runs)
    assert list(found.index) == [("left out", "flips"), ("added", "flips")]
    assert list(found["effect"]) == pytest.approx([-1, 6])
    # Standard deviations of 1 and 1 point around the recipe, of 2 and 1 around the bare network; Student's t with four
    # degrees of freedom is 2.776.
    half = 2.776 * np.sqrt(2 / 3) * np.array([1, np.sqrt((2**2 + 1**2) / 2)])
    assert list(found["high"] - found["effect"]) == pytest.approx(half, abs=1e-3)
    assert list(found["effect"] - found["low"]) == pytest.approx(half, abs=1e-3)
    assert tables.summary(runs).loc[("reference", "bare"), "accuracy"] == pytest.approx(90)
    assert dict(tables.summary(runs)["failed"][lambda failed: failed > 0]) == {("added", "a second block"): 1}
    with pytest.raises(LookupError, match="make ablation"):
        tables.table("keras")


def test_a_quick_look_trains_for_fewer_epochs():
    run = ablation_plan.planned()[0]
    assert ablation.SERIES.shorter(run, 1)["settings"]["epochs"] == 1
    assert run["settings"]["epochs"] > 1, "the plan is as before"
    assert "recipe" in ablation.line(run | {"curves": {"val_accuracy": [0.5]}, "seconds": 1.0})
