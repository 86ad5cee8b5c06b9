"""The trainings from many seeds: what is recorded, how it is resumed, and that the notebook shows it."""

import base64
import json

import numpy as np
import pytest

from fmnist.chapters import FRAMEWORKS
from tests.helpers import ROOT, printed, read
from tests.series import alter
from tools.measure import study, study_plan, study_runs

RUNS = {framework: study.read(framework) for framework in FRAMEWORKS}
# Of the runs that were made with the first edition of chapter 01. The second one dropped a setting that no training
# reads (OWN_IMAGE) and, in PyTorch, put ReLU before pooling, which computes the same: test_measure.py trains both ways.
# `make study` makes these runs anew.
FIRST_EDITION = {
    ("keras", "verdict"): "622ad075bcdbe800",
    ("pytorch", "verdict"): "c06e738112e6479a",
    ("pytorch", "aligned"): "c9b9d1b32a1f4c9f",
}


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_every_run_of_the_plan_is_recorded_and_of_this_code(framework):
    recorded = {study.run_id(run): run for run in RUNS[framework]}
    assert set(recorded) >= {study.run_id(run) for run in study.wanted(framework)}, "make study"
    for name in {name for name, _, _, _ in recorded}:
        made = {run["recipe"] for run in RUNS[framework] if run["study"] == name}
        accepted = {study.recipe(framework, name)}, {FIRST_EDITION.get((framework, name))}
        assert made in accepted, "the study is older than its code: make study"


def test_there_are_at_least_five_seeds_of_everything():
    for framework, runs in RUNS.items():
        for network in ("dense", "cnn"):
            seeds = {r["seed"] for r in runs if r["study"] == "verdict" and r["network"] == network}
            assert len(seeds) >= 5, (framework, network)
    for network, changes in study_plan.CHANGES.items():
        for change in changes:
            found = [r for r in RUNS["pytorch"] if r["study"] == "defaults" and r["network"] == network]
            assert len({r["seed"] for r in found if r["change"] == change}) >= 5, (network, change)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_recorded_answers_agree_with_the_recorded_accuracy(framework):
    for each in RUNS[framework]:
        if "test_right" in each:
            right = np.unpackbits(np.frombuffer(base64.b64decode(each["test_right"]), np.uint8))
            assert len(right) == 10_000
            assert right.mean() == pytest.approx(each["test"]["accuracy"])
            assert len(each["running_accuracy"]) == 20
            assert 0.86 < each["test"]["accuracy"] < 0.94


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_every_run_names_what_it_was_made_with(framework):
    packages = {"keras": {"keras", "tensorflow"}, "pytorch": {"torch", "torchvision"}}[framework]
    for each in RUNS[framework]:
        assert set(each["versions"]) == {"python", "numpy"} | packages
        assert each["threads"] == 1 and each["platform"]


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


def altered_recipes(folder, file, old, new):
    """The recipe of every study with `old` replaced by `new` in a file of tools/measure, in a copy in `folder`."""
    alter(folder, file, old, new)
    return recipes(folder)


def recipes(root=ROOT):
    return {(f, name): study.recipe(f, name, root) for f, names in study.TRAIN.items() for name in names}


PYTORCH = {("pytorch", "verdict"), ("pytorch", "aligned"), ("pytorch", "defaults")}


@pytest.mark.parametrize(
    ("file", "old", "new", "made_older"),
    [
        ("chapter_01.py", "    network.train()\n", "    # why\n    network.train()\n", set()),
        ("chapter_01.py", '"""Train for one epoch', '"""Learn for one epoch', set()),
        ("chapter_01.py", "    network.train()\n", "    network.eval()\n", PYTORCH),
        ("chapter_01.py", "from_logits=True", "from_logits=False", {("keras", "verdict")}),
        ("chapter_01.py", "perf_counter() - start", "perf_counter() - 2 * start", set()),
        ("study_plan.py", '"bn_momentum": 0.01', '"bn_momentum": 0.02', {("pytorch", "defaults")}),
        ("study_plan.py", "DEFAULTS_SEEDS = 5", "DEFAULTS_SEEDS = 6", set()),
        ("study_runs.py", "nn.init.zeros_(", "nn.init.ones_(", {("pytorch", "aligned")}),
        ("study.py", "so many seeds of everything", "so many seeds", set()),
    ],
    ids=["comment", "docstring", "loop", "loss", "timing", "default", "seeds", "weights", "command"],
)
def test_the_recipe_follows_what_decides_the_scores_and_nothing_else(tmp_path, file, old, new, made_older):
    now, after = recipes(), altered_recipes(tmp_path, file, old, new)
    assert {each for each in now if now[each] != after[each]} == made_older


def test_the_recipe_follows_the_cells_of_chapter_01(monkeypatch):
    now = recipes()
    sources = study.taught.tagged_sources
    monkeypatch.setattr(
        study.taught, "tagged_sources", lambda *names: [cell.replace("0.25", "0.5") for cell in sources(*names)]
    )
    changed = {each for each, recipe in recipes().items() if recipe != now[each]}
    assert changed == {("keras", "verdict"), ("pytorch", "verdict"), ("pytorch", "aligned")}


def test_a_record_that_names_its_versions_once_gives_them_to_each_run(tmp_path):
    head = {"framework": "keras", "threads": 1, "platform": "Linux", "versions": {"keras": "3.15.1"}}
    runs = [{"study": "verdict", "network": "cnn", "seed": seed, "recipe": "old"} for seed in (1, 2)]
    study.record_path("keras", tmp_path).write_text(json.dumps(head | {"runs": runs}))
    about = {"versions": {"keras": "3.15.1"}, "platform": "Linux", "threads": 1}
    assert study.read("keras", tmp_path) == [run | about for run in runs]
    study.write("keras", study.read("keras", tmp_path), tmp_path)
    assert set(json.loads(study.record_path("keras", tmp_path).read_text())) == {"framework", "runs"}
    assert study.read("keras", tmp_path) == [run | about for run in runs]
    assert study.read("pytorch", tmp_path) == []


def test_a_run_that_is_kept_keeps_what_it_was_made_with(tmp_path, monkeypatch, capsys):
    def train_keras(network, seed, parts, epochs):
        return {"test": {"accuracy": 0.5, "loss": 1.0}}

    monkeypatch.setitem(study.START, "keras", lambda: None)
    monkeypatch.setitem(study.TRAIN, "keras", {"verdict": train_keras})
    monkeypatch.setattr(study, "prepared", lambda count: {})
    options = ["--framework", "keras", "--seeds", "2", "--folder", str(tmp_path)]
    assert study.main(options) == 0
    kept, of_other_code, lost, kept_too = study.read("keras", tmp_path)
    assert kept["versions"] == study.common.versions("keras") and kept["platform"] and kept["threads"] == 1
    older = {"versions": {"python": "3.11.0"}, "platform": "a Mac", "threads": 2, "seconds": -1}
    before = [kept | older, of_other_code | older | {"recipe": "of older code"}, kept_too | older]
    study.write("keras", before, tmp_path)
    capsys.readouterr()
    assert study.main(options) == 0
    assert [line.split()[1] for line in capsys.readouterr().out.splitlines()[:-1]] == ["1/4", "4/4"]
    after = study.read("keras", tmp_path)
    assert [after[0], after[3]] == [before[0], before[2]]
    assert all(each["versions"] == kept["versions"] and each["threads"] == 1 for each in after[1:3])
    assert [study.run_id(each) for each in after[1:3]] == [study.run_id(of_other_code), study.run_id(lost)]


@pytest.mark.parametrize("folder", [[], ["--folder", str(ROOT / "tests" / ".." / "models")]], ids=["default", "given"])
@pytest.mark.parametrize("option", ["--images", "--epochs"])
def test_a_quick_look_does_not_touch_the_published_record(option, folder, capsys):
    with pytest.raises(SystemExit) as caught:
        study.main([option, "400", *folder])
    assert caught.value.code == 2
    assert "--folder" in capsys.readouterr().err


def test_the_comparison_shows_the_numbers_of_the_study():
    text = printed(read("keras_vs_pytorch"))
    for runs in RUNS.values():
        for network in ("dense", "cnn"):
            found = [r["test"]["accuracy"] for r in runs if r["study"] == "verdict" and r["network"] == network]
            assert f"{100 * np.mean(found):.2f}" in text, "make run NOTEBOOKS=keras_vs_pytorch"
