"""The experiments of chapter 05: their plan, what is recorded of them, how they are resumed, and their tables."""

import json

import numpy as np
import pandas as pd
import pytest

from fmnist import experiments as tables
from fmnist import records, taught
from fmnist.chapters import FRAMEWORKS
from tests.series import alter
from tools.measure import experiments, experiments_plan, resumable
from tools.measure.experiments_runs import CURVES, Curves, data_for

RECORDED = experiments.SERIES.read()
WITH_CURVES = [run for run in RECORDED if "curves" in run]


def trial(state, *values, rate=0.001):
    return {"state": state, "values": list(values), "options": {"filters": [8]}, "learning_rate": rate, "params": {}}


def trained(part, name, seed, accuracy, **more):
    return {"part": part, "name": name, "seed": seed, "build": "build_cnn", "options": {}, "training": {},
            "curves": {name: [accuracy] for name in CURVES}, **more}  # fmt: skip


def test_no_two_runs_of_the_plan_are_the_same():
    for framework in FRAMEWORKS:
        runs = experiments_plan.wanted(framework)
        assert len({resumable.run_id(run) for run in runs}) == len(runs) > 20


def test_what_is_repeated_in_keras_is_in_the_plan_of_pytorch():
    repeated = experiments_plan.wanted("keras")
    assert all(run in experiments_plan.fixed() for run in repeated)
    assert {(run["part"], run["name"]) for run in repeated} == {
        (part, name) for part, names in experiments_plan.IN_KERAS.items() for name in names
    }


def test_networks_have_three_seeds_and_every_method_three_searches():
    seeds = {}
    for run in experiments_plan.fixed():
        seeds.setdefault((run["part"], run["name"]), set()).add(run["seed"])
    grid_of_the_cnn = {key for key in seeds if key[0] == "optimizers" and key[1].startswith("CNN")}
    long = {key for key in seeds if key[0] in ("published", "course", "full")}
    assert all(len(found) >= 3 for key, found in seeds.items() if key not in grid_of_the_cnn | long)
    assert all(len(seeds[key]) >= 2 for key in long)
    assert [len(seeds["search", method]) for method in experiments_plan.METHODS] == [3, 3]


def test_only_networks_with_published_accuracies_meet_the_test_images():
    tested = {run["part"] for run in experiments_plan.fixed() if run.get("training", {}).get("tested")}
    assert tested == {"published", "course"}
    for run in WITH_CURVES:
        assert ("test" in run) == (run["part"] in tested), run["name"]


def test_the_best_rates_are_those_with_the_best_mean():
    runs = [
        trained("optimizers", f"CNN, SGD, {rate:g}", 1, accuracy)
        for rate, accuracy in zip(experiments_plan.RATES["SGD"], (0.1, 0.5, 0.9, 0.4, 0.2), strict=True)
    ]
    (best,) = experiments_plan.best_rates(runs)
    assert best["name"] == "CNN, SGD, 0.1"
    assert experiments_plan.best_rates(runs[1:]) == [], "an incomplete grid has no best rate"


def test_the_winner_of_a_search_was_trained_to_its_end():
    trials = [trial("pruned", 0.99), trial("complete", 0.5, 0.8), trial("too large"), trial("complete", 0.9, 0.7)]
    assert experiments_plan.winner({"trials": trials}) is trials[1]


def test_winners_are_trained_again_and_the_best_of_them_with_all_images():
    searches = [
        {"part": "search", "name": method, "seed": seed, "trials": [trial("complete", 0.5, rate=10 * k + seed)]}
        for k, method in enumerate(experiments_plan.METHODS)
        for seed in experiments_plan.SEARCHES
    ]

    def added(done, part):
        return [run for run in experiments_plan.dependent(searches + done) if run["part"] == part]

    again = added([], "winners")
    assert len(again) == len(searches) * len(experiments_plan.WINNER_SEEDS)
    scores = {"random 1": 0.8, "TPE 2": 0.9, "random 3": 0.85}
    done = [run | trained("winners", run["name"], run["seed"], scores.get(run["name"], 0.7)) for run in again]
    assert added(done[1:], "promoted") == [], "one is still missing"
    promoted = added(done, "promoted")
    assert [run["name"] for run in promoted] == ["TPE 2", "random 3", "random 1"]
    whole = [run | trained("promoted", run["name"], run["seed"], k / 10) for k, run in enumerate(promoted)]
    assert added(done + whole[1:], "full") == []
    final = added(done + whole, "full")
    assert {run["training"]["learning_rate"] for run in final} == {1}, "the rate of the first random search"
    assert not {run["seed"] for run in final} & set(experiments_plan.SEEDS)


def test_each_network_that_is_compared_by_its_cost_is_timed_once():
    timing = experiments_plan.wanted("pytorch")[-1]
    assert timing["part"] == "timing"
    compared = {
        experiments_plan.timed_by(run)
        for run in experiments_plan.fixed()
        if run["part"] in experiments_plan.TIMED_PARTS
    }
    assert sorted(map(tuple, timing["networks"])) == sorted(compared)
    assert ("build_dense", '{"units": [128]}', 32) in compared and ("build_dense", '{"units": [128]}', 128) in compared


def test_the_record_has_the_seconds_of_each_timed_network():
    for run in RECORDED:
        if run["part"] == "timing":
            assert len(run["epoch_seconds"]) == len(run["networks"])
            assert all(0 < seconds < 600 for seconds in run["epoch_seconds"])


def test_recorded_runs_are_of_this_code():
    recipes = {}
    for run in RECORDED:
        kind = run["framework"], run.get("build", run["part"])
        if kind not in recipes:
            recipes[kind] = experiments.recipe(run["framework"], run)
        assert run["recipe"] == recipes[kind], f"{kind} is older than its code: make experiments"


def test_runs_are_recorded_in_the_order_of_the_plan(tmp_path):
    runs = [run | {"framework": "pytorch"} for run in experiments_plan.fixed() if run["part"] == "dense"]
    experiments.SERIES.write(reversed(runs), tmp_path)
    assert experiments.SERIES.read(tmp_path) == runs


def test_recorded_runs_are_those_of_the_plan():
    for framework in FRAMEWORKS:
        own = [run for run in RECORDED if run["framework"] == framework]
        planned = {resumable.run_id(run): run for run in experiments_plan.wanted(framework, own)}
        for run in own:
            assert run == run | planned[resumable.run_id(run)], run["name"]


def test_recorded_curves():
    for run in WITH_CURVES:
        training = experiments_plan.TRAINING | run["training"]
        lengths = {len(curve) for curve in run["curves"].values()}
        assert set(run["curves"]) == set(CURVES) and len(lengths) == 1
        (epochs,) = lengths
        assert epochs == training["epochs"] or (training["patience"] and run["best_epoch"] <= epochs)
        assert all(0 <= value <= 1 for name in ("accuracy", "val_accuracy") for value in run["curves"][name])


def test_recorded_searches_keep_to_their_budget_and_limit():
    for run in RECORDED:
        if run["part"] == "search":
            used = sum(len(trial["values"]) for trial in run["trials"])
            budget, whole = experiments_plan.SEARCH_BUDGET, experiments_plan.SHORT["epochs"]
            assert budget <= used < budget + whole
            for each in run["trials"]:
                too_large = each["multiplications"] > experiments_plan.MOST_MULTIPLICATIONS
                assert too_large == (each["state"] == "too large")
                assert (len(each["values"]) == whole) == (each["state"] == "complete")
            if run["name"] == "random":
                assert "pruned" not in {each["state"] for each in run["trials"]}


@pytest.mark.parametrize(
    ("file", "old", "new", "changed"),
    [
        ("chapter_01.py", "    network.train()\n", "    # why\n    network.train()\n", set()),
        ("chapter_01.py", "    network.train()\n", "    network.eval()\n", {"pytorch", "search"}),
        ("experiments_runs.py", "PERMUTATION_SEED = 0 ", "PERMUTATION_SEED = 1 ", {"pytorch", "keras", "search"}),
        ("experiments_runs.py", "= second, first", "= first, second", {"pytorch", "search"}),
        ("experiments_runs.py", "n_warmup_steps=1", "n_warmup_steps=2", {"search"}),
        ("experiments_runs.py", "from_logits=True", "from_logits=False", {"keras"}),
        ("experiments_plan.py", "SEEDS = (1, 2, 3)", "SEEDS = (1, 2, 3, 4)", set()),
    ],
    ids=["comment", "loop", "permutation", "order", "pruner", "loss", "seeds"],
)
def test_the_recipe_follows_what_decides_the_scores(tmp_path, file, old, new, changed):
    alter(tmp_path, file, old, new)
    kinds = {
        "pytorch": ("pytorch", {"part": "dense", "build": "build_dense"}),
        "keras": ("keras", {"part": "dense", "build": "build_dense"}),
        "search": ("pytorch", {"part": "search"}),
    }
    found = {
        name for name, kind in kinds.items() if experiments.recipe(*kind) != experiments.recipe(*kind, root=tmp_path)
    }
    assert found == changed


def test_the_recipe_follows_the_cell_that_builds_the_network(monkeypatch):
    kinds = [("pytorch", {"part": "dense", "build": build}) for build in ("build_dense", "build_cnn")]
    before = [experiments.recipe(*kind) for kind in kinds]
    sources = taught.tagged_sources
    monkeypatch.setattr(
        taught, "tagged_sources", lambda *names: [cell.replace("784", "785") for cell in sources(*names)]
    )
    after = [experiments.recipe(*kind) for kind in kinds]
    assert before[0] != after[0] and before[1] == after[1]


def test_a_quick_look_does_not_touch_the_published_record(capsys):
    for option in ("--images", "--epochs"):
        with pytest.raises(SystemExit) as caught:
            experiments.main([option, "400"])
        assert caught.value.code == 2
        assert "--folder" in capsys.readouterr().err


def test_training_stops_after_epochs_without_a_better_loss():
    curves = Curves(patience=2)
    for loss, best, ended in ((0.5, True, False), (0.4, True, False), (0.45, False, False), (0.41, False, True)):
        assert curves.add(1.0, (0.0, 0.0, loss, 0.0)) == best
        assert curves.ended() == ended
    assert curves.record(1, None, None)["best_epoch"] == 2
    assert not Curves(patience=None).ended()


def test_shuffled_pixels_are_the_same_pixels():
    images = np.random.default_rng(1).random((5, 28, 28), dtype=np.float32)
    parts = {"train": (images, np.arange(5)), "validation": (images[:2], np.arange(2))}
    plain = experiments_plan.TRAINING
    shuffled = data_for(parts, plain | {"pixels": "shuffled"})
    assert (np.sort(shuffled["train"][0].reshape(5, -1)) == np.sort(images.reshape(5, -1))).all()
    assert (shuffled["train"][0][:2] == shuffled["validation"][0]).all()
    assert (shuffled["train"][0] != images).mean() > 0.9
    bright = data_for(parts, plain | {"white": 255, "images": 3})
    assert bright["train"][0].dtype == np.float32 and bright["train"][0].max() > 200
    assert [len(x) for x, _ in bright.values()] == [3, 2], "only the training images are fewer"


@pytest.fixture
def record(tmp_path, monkeypatch):
    runs = [
        trained("dense", name, seed, accuracy, framework="pytorch", parameters=10, multiplications=9)
        for name, accuracies in {"b": (0.5, 0.7), "a": (0.8, 0.8)}.items()
        for seed, accuracy in enumerate(accuracies)
    ]  # fmt: skip
    runs[0]["curves"] = {name: [0.1, 0.9] for name in CURVES} | {"val_accuracy": [0.5, 0.9]}
    runs[0]["best_epoch"] = 1
    runs[-1]["training"] = {"batch_size": 32}
    timing = {"networks": [["build_cnn", "{}", 128]], "epoch_seconds": [7.5]}
    runs.append({"part": "timing", "framework": "pytorch", "name": "all networks", "seed": 0} | timing)
    experiments.SERIES.write(runs, tmp_path)
    monkeypatch.setattr(records, "read", lambda name: json.loads((tmp_path / f"{name}.json").read_text()))


def test_tables(record):
    table = tables.table("dense")
    assert list(table["accuracy"]) == [0.5, 0.7, 0.8, 0.8], "after early stopping the best epoch counts"
    assert list(table["seconds"].fillna(-1)) == [7.5, 7.5, 7.5, -1], "other batches were not timed"
    summary = tables.summary(table)
    assert list(summary.index) == ["b", "a"]
    assert list(summary["accuracy"]) == pytest.approx([60, 80])
    assert list(summary["spread"]) == pytest.approx([np.sqrt(200), 0])
    assert tables.spread(table) == pytest.approx(10)
    with pytest.raises(LookupError, match="make experiments"):
        tables.table("dense", "keras")


def test_the_frontier_has_what_no_cheaper_network_beats():
    from fmnist.plots_experiments import on_frontier

    found = pd.DataFrame({"cost": [1, 2, 2, 3, 4], "accuracy": [50, 60, 70, 65, 71]}, index=list("abcde"))
    assert on_frontier(found, "cost") == ["a", "c", "e"]


TRIALS = [
    trial("pruned", 0.99), trial("complete", 0.5, 0.7), trial("too large"), trial("complete", 0.9, 0.6),
    trial("complete", 0.6, 0.8),
]  # fmt: skip


def test_the_best_of_a_search_so_far():
    assert tables.winner({"trials": TRIALS}) is TRIALS[-1]
    best = tables.best_so_far(TRIALS, budget=6)
    assert np.isnan(best[:2]).all() and best[2:] == [0.7, 0.7, 0.7, 0.7]
    assert tables.best_so_far(TRIALS)[-1] == 0.8 and len(tables.best_so_far(TRIALS)) == 7


def test_recorded_trials_become_a_study_of_optuna():
    made = [each | {"params": {"units": k}} for k, each in enumerate(TRIALS, start=1)]
    study = tables.as_study(made, lambda trial: trial.suggest_int("units", 1, 9))
    assert study.best_params == {"units": 5} and study.best_value == 0.8
    assert [each.state.name for each in study.trials] == ["PRUNED", "COMPLETE", "PRUNED", "COMPLETE", "COMPLETE"]
    assert study.trials[3].intermediate_values == {1: 0.9, 2: 0.6}
