"""The training runs from many seeds: their plan, what is recorded of them, and the intervals that rest on them."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from fmnist import records
from fmnist import study as tables
from fmnist.chapters import FRAMEWORKS
from tests.helpers import printed, read
from tests.series import alter
from tools.measure import resumable, study, study_plan, study_runs

RECORDED = study.SERIES.read()
PARTS = {"keras": {"verdict", "twin"}, "pytorch": {"verdict", "aligned", "matched", "twin", "defaults"}}


def arms(framework):
    """{(part, name): seeds} of the plan."""
    found = {}
    for run in study_plan.wanted(framework):
        found.setdefault((run["part"], run["name"]), []).append(run["seed"])
    return found


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_every_arm_has_all_its_seeds_once(framework):
    found = arms(framework)
    assert {part for part, _ in found} == PARTS[framework]
    for (part, name), seeds in found.items():
        count = len(seeds)
        assert seeds == list(range(1, count + 1)), (part, name)
        if part == "twin":
            assert count == study_plan.TWIN_SEEDS[name, framework] >= 3
        else:
            assert count == (study_plan.SLOW_SEEDS if name == "dense batch_size" else 10), name


def test_a_default_differs_from_its_reference_in_one_setting():
    settings = {run["name"]: run["settings"] for run in study_plan.wanted("pytorch") if run["part"] == "defaults"}
    for name, own in settings.items():
        network, change = name.split(" ")
        reference = settings[f"{network} reference"]
        changed = {key for key, value in own.items() if value != reference[key]}
        if change == "all":
            assert len(changed) == (4 if network == "dense" else 7)
        else:
            assert changed == ({change} if change != "reference" else set())


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_recorded_runs_are_those_of_the_plan_and_of_this_code(framework):
    planned = {resumable.run_id(run): run for run in study_plan.wanted(framework)}
    own = [run for run in RECORDED if run["framework"] == framework]
    assert {resumable.run_id(run) for run in own} == set(planned), "make study"
    recipes = {study.SERIES.kind(run): study.recipe(framework, run) for run in own}
    for run in own:
        assert run == run | planned[resumable.run_id(run)], run["name"]
        assert run["recipe"] == recipes[study.SERIES.kind(run)], "the study is older than its code: make study"
        packages = {"keras": {"keras", "tensorflow"}, "pytorch": {"torch", "torchvision"}}[framework]
        assert set(run["versions"]) == {"python", "numpy"} | packages


def test_the_recorded_predictions_agree_with_the_recorded_accuracy():
    runs = tables.table("verdict", "aligned", "matched", "twin", "defaults")
    scores = [(run["curve"][-1] if "curve" in run else run["test"])["accuracy"] for run in RECORDED]
    assert list(runs["accuracy"]) == pytest.approx([100 * score for score in scores])
    assert set(runs["correct"].map(len)) == {10_000, 6_000}
    assert runs["accuracy"].between(75, 94).all()


def test_the_frameworks_get_the_same_batches():
    first, second = study_runs.orders(3, 1000, 2), study_runs.orders(3, 1000, 2)
    assert all((a == b).all() for a, b in zip(first, second, strict=True))
    assert (np.sort(first[0]) == np.arange(1000)).all()
    assert (first[0] != first[1]).any() and (first[0] != study_runs.orders(4, 1000, 1)[0]).any()


def test_scores():
    logits = np.array([[2.0, 0, 0], [0, 1000, 0], [0, 0, -1]], dtype="float32")
    found = study_runs.scores(logits, np.array([0, 1, 2]))
    assert found["accuracy"] == pytest.approx(2 / 3)
    first, last = np.log(np.exp(2) + 2) - 2, np.log(2 + np.exp(-1)) + 1
    assert found["loss"] == pytest.approx((first + last) / 3, abs=1e-6)


def test_a_twin_differs_in_the_last_digit_of_some_pixels():
    pixels = (np.arange(256, dtype=np.float32) / 255).reshape(1, 16, 16)
    parts = {"train": (pixels, np.zeros(1))}
    assert study_runs.training_images({"part": "verdict"}, parts) is pixels
    twin = study_runs.training_images({"part": "twin"}, parts)
    assert twin.dtype == np.float32
    steps = np.abs(twin - pixels) / np.spacing(pixels)
    assert set(steps.ravel()) == {0, 1} and 50 < (steps == 1).sum() < 200


PYTORCH = {("pytorch", "verdict"), ("pytorch", "matched"), ("pytorch", "defaults")}
KINDS = {("keras", "verdict")} | PYTORCH


@pytest.mark.parametrize(
    ("file", "old", "new", "changed"),
    [
        ("chapter_01.py", "    network.train()\n", "    # why\n    network.train()\n", set()),
        ("chapter_01.py", "    network.train()\n", "    network.eval()\n", PYTORCH),
        ("chapter_01.py", "from_logits=True", "from_logits=False", {("keras", "verdict")}),
        ("chapter_01.py", "perf_counter() - start", "perf_counter() - 2 * start", set()),
        ("study_plan.py", "SEEDS = range(1, 11)", "SEEDS = range(1, 12)", set()),
        ("study_runs.py", "generator.permutation(images)", "generator.permutation(images - 1)", KINDS),
        ("study_runs.py", "* np.float32(1 / 255)", "/ np.float32(255)", KINDS - {("pytorch", "defaults")}),
        ("study_defaults.py", "math.sqrt(6 / (inputs", "math.sqrt(5 / (inputs", {("pytorch", "defaults")}),
        ("study_matched.py", "int(past) + 1", "int(past) + 2", {("pytorch", "matched")}),
        ("study.py", "Return the function that makes a run", "Return what makes a run", set()),
    ],
    ids=["comment", "loop", "loss", "timing", "seeds", "order", "twin", "weights", "epsilon", "command"],
)
def test_the_recipe_follows_what_decides_the_scores(tmp_path, file, old, new, changed):
    alter(tmp_path, file, old, new)
    runs = {(f, run["part"]): run for f in FRAMEWORKS for run in study_plan.wanted(f)}
    found = {key for key in KINDS if study.recipe(key[0], runs[key]) != study.recipe(key[0], runs[key], tmp_path)}
    assert found == changed


def test_predictions_survive_packing():
    generator = np.random.default_rng(0)
    labels = generator.integers(10, size=1000).astype(np.uint8)
    predictions = np.where(generator.random(1000) < 0.9, labels, generator.integers(10, size=1000))
    text = tables.pack(predictions, labels)
    assert len(text) < 500
    np.testing.assert_array_equal(tables.unpack(text, labels), predictions)


def frame(correct):
    return pd.DataFrame({"seed": range(1, len(correct) + 1), "correct": list(correct)})


def test_the_interval_of_a_gap_covers_seeds_and_images():
    """In four hundred made-up studies whose true difference is known, about 95% of the intervals contain it."""
    generator = np.random.default_rng(1)
    n, images, hits, studies = 6, 400, 0, 400
    for _ in range(studies):
        by_seed, by_image = generator.normal(0, 0.05, (n, 1)), generator.normal(0, 0.6, images)
        chance = 0.5 + by_seed + by_image / 4
        first = generator.random((n, images)) < np.clip(chance, 0, 1)
        second = generator.random((n, images)) < np.clip(0.5 - by_image / 4, 0, 1)
        found = tables.gap(frame(first), frame(second))
        hits += found.low <= 0 <= found.high
    assert 0.92 <= hits / studies <= 0.985


def test_a_gap_by_hand():
    first = np.array([[1, 1, 1, 0], [1, 1, 0, 0]], dtype=bool)
    second = np.array([[1, 0, 0, 0], [0, 1, 0, 0]], dtype=bool)
    found = tables.gap(frame(first), frame(second))
    assert found.mean == pytest.approx(37.5) and found.seeds == 2
    assert found.low < 37.5 < found.high and found.high - 37.5 == pytest.approx(37.5 - found.low)
    # The means of the seeds are 50 and 25 points, with a standard deviation of 17.7.
    assert found.seed_error == pytest.approx(np.std([50, 25], ddof=1) / np.sqrt(2))


def test_only_seeds_that_both_have_are_paired():
    generator = np.random.default_rng(2)
    first, second = (generator.random((5, 300)) < 0.7 for _ in range(2))
    assert tables.gap(frame(first), frame(second[:3])) == tables.gap(frame(first[:3]), frame(second[:3]))
    with pytest.raises(ValueError, match="at least two seeds"):
        tables.gap(frame(first), frame(second[:1]))


def test_equal_runs_have_no_gap():
    runs = frame(np.ones((4, 50), dtype=bool))
    found = tables.gap(runs, runs)
    assert (found.mean, found.low, found.high, found.is_seen) == (0, 0, 0, False)


def test_seeds_needed_are_those_of_the_noncentral_t():
    assert tables.seeds_needed(1.0, 0.2) == 3
    assert tables.seeds_needed(0.4, 0.21) == 6  # five have a power of 0.75
    generator = np.random.default_rng(3)
    n = tables.seeds_needed(0.3, 0.21)
    made_up = generator.normal(0, 0.21, (2, 4000, n))
    p = stats.ttest_ind(made_up[0] + 0.3, made_up[1], axis=1).pvalue
    assert 0.79 <= np.mean(p < 0.05) <= 0.9


def test_disagreement():
    assert tables.disagreement(np.array([1, 2, 3, 4]), np.array([1, 2, 3, 5])) == 25


def test_the_table_keeps_only_the_parts_that_are_asked_for(tmp_path, monkeypatch):
    _, (_, labels) = tables.data.load()
    about = {"framework": "keras", "network": "dense", "name": "dense", "seed": 1}
    runs = [about | {"part": part, "predictions": tables.pack(labels, labels)} for part in ("verdict", "twin")]
    study.SERIES.write(runs, tmp_path)
    monkeypatch.setattr(records, "read", lambda name: json.loads((tmp_path / f"{name}.json").read_text()))
    assert list(tables.table("twin")["part"]) == ["twin"]
    assert list(tables.table("twin", "verdict")["accuracy"]) == [100, 100]


def test_a_quick_look_trains_for_fewer_epochs():
    run = study_plan.wanted("keras")[0]
    assert study.SERIES.shorter(run, 1)["settings"]["epochs"] == 1 < run["settings"]["epochs"]
    assert "verdict" in study.line(run | {"validation": {"accuracy": 0.5}, "seconds": 1.0})


def test_the_comparison_shows_the_numbers_of_the_study():
    text = printed(read("keras_vs_pytorch"))
    for (_, _), group in tables.table("verdict").groupby(["network", "framework"]):
        assert f"{group['accuracy'].mean():.2f}" in text, "make run NOTEBOOKS=keras_vs_pytorch"
