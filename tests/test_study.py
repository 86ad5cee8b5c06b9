"""The trainings from many seeds: what is recorded, how it is resumed, and that the notebook shows it."""

import base64
import json
import subprocess
import sys

import numpy as np
import pytest
import study
from conftest import ROOT, printed, read

RUNS = {framework: study.read(framework) for framework in study.FRAMEWORKS}


def run(*arguments, **options):
    command = [sys.executable, ROOT / "tools" / "study.py", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, **options)


@pytest.mark.parametrize("framework", study.FRAMEWORKS)
def test_every_run_of_the_plan_is_recorded_and_of_this_code(framework):
    recorded = {study.key(run): run for run in RUNS[framework]}
    assert set(recorded) >= {study.key(run) for run in study.wanted(framework)}, "make study"
    for name in {name for name, _, _, _ in recorded}:
        made = {run["recipe"] for run in RUNS[framework] if run["study"] == name}
        assert made == {study.recipe(framework, name)}, "the study is older than its code: make study"


def test_there_are_at_least_five_seeds_of_everything():
    for framework, runs in RUNS.items():
        for network in ("dense", "cnn"):
            seeds = {r["seed"] for r in runs if r["study"] == "verdict" and r["network"] == network}
            assert len(seeds) >= 5, (framework, network)
    for network, changes in study.CHANGES.items():
        for change in changes:
            found = [r for r in RUNS["pytorch"] if r["study"] == "defaults" and r["network"] == network]
            assert len({r["seed"] for r in found if r["change"] == change}) >= 5, (network, change)


@pytest.mark.parametrize("framework", study.FRAMEWORKS)
def test_the_recorded_answers_agree_with_the_recorded_accuracy(framework):
    for each in RUNS[framework]:
        if "test_right" in each:
            right = np.unpackbits(np.frombuffer(base64.b64decode(each["test_right"]), np.uint8))
            assert len(right) == 10_000
            assert right.mean() == pytest.approx(each["test"]["accuracy"])
            assert len(each["running_accuracy"]) == 20
            assert 0.86 < each["test"]["accuracy"] < 0.94


def test_the_frameworks_get_the_same_batches():
    first, second = study.orders(3, 1000, 2), study.orders(3, 1000, 2)
    assert all((a == b).all() for a, b in zip(first, second, strict=True))
    assert (np.sort(first[0]) == np.arange(1000)).all()
    assert (first[0] != first[1]).any() and (first[0] != study.orders(4, 1000, 1)[0]).any()


def test_scores():
    logits = np.array([[2.0, 0, 0], [0, 1000, 0], [0, 0, -1]], dtype="float32")
    found = study.scores(logits, np.array([0, 1, 2]))
    assert found["accuracy"] == pytest.approx(2 / 3)
    first, last = np.log(np.exp(2) + 2) - 2, np.log(2 + np.exp(-1)) + 1
    assert found["loss"] == pytest.approx((first + last) / 3, abs=1e-6)


def test_the_recipe_follows_the_code_but_not_its_comments(tmp_path, monkeypatch):
    now = study.recipe("pytorch", "verdict")
    source = (ROOT / "tools" / "study.py").read_text(encoding="utf-8")
    other = tmp_path / "study.py"
    monkeypatch.setattr(study, "__file__", str(other))
    other.write_text(source.replace("    model.train()\n", "    # why\n    model.train()\n"), encoding="utf-8")
    assert study.recipe("pytorch", "verdict") == now
    other.write_text(source.replace("    model.train()\n", "    model.eval()\n"), encoding="utf-8")
    assert study.recipe("pytorch", "verdict") != now
    assert study.recipe("keras", "verdict") == RUNS["keras"][0]["recipe"]


def test_a_quick_look_does_not_touch_the_published_record():
    done = run("--images", 400)
    assert done.returncode == 2
    assert "--folder" in done.stderr


@pytest.mark.slow
def test_an_interrupted_study_goes_on_where_it_stopped(tmp_path):
    quick = ("--images", 400, "--epochs", 1, "--seeds", 1, "--folder", tmp_path)
    first = run(*quick)
    assert first.returncode == 0, first.stderr
    assert first.stderr == ""
    for framework in study.FRAMEWORKS:
        recorded = {study.key(each) for each in study.read(framework, tmp_path)}
        assert recorded == {study.key(each) for each in study.wanted(framework, 1)}

    path = study.record_path("pytorch", tmp_path)
    record = json.loads(path.read_text(encoding="utf-8"))
    for each in record["runs"]:
        each["seconds"] = -1  # tells those that were kept from those that are made again
    record["runs"][0]["recipe"] = "of older code"
    lost = record["runs"].pop()
    path.write_text(json.dumps(record), encoding="utf-8")
    again = run(*quick, "--framework", "pytorch")
    assert again.returncode == 0, again.stderr
    after = {study.key(each): each for each in study.read("pytorch", tmp_path)}
    assert len(again.stdout.splitlines()) == 2
    assert after[study.key(lost)]["test"] == lost["test"], "the same seed must give the same numbers"
    made_again = {key for key, each in after.items() if each["seconds"] > 0}
    assert made_again == {study.key(lost), study.key(record["runs"][0])}


@pytest.mark.slow
def test_initial_weights_lie_where_they_are_said_to():
    code = """
import numpy as np, study
for weights, bias, expected in [("glorot", "zero", (6 / (784 + 128)) ** 0.5), ("kaiming", "uniform", 784 ** -0.5)]:
    network = study.defaults_network("batch_norm", 1, study.ALIGNED | {"weights": weights, "bias": bias})
    found = network[1].weight.abs().max().item()
    assert 0.99 * expected < found <= expected, (weights, found, expected)
    assert (network[1].bias.abs().max().item() == 0) == (bias == "zero")
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT / "tools", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_comparison_shows_the_numbers_of_the_study():
    text = printed(read("keras_vs_pytorch"))
    for runs in RUNS.values():
        for network in ("dense", "cnn"):
            found = [r["test"]["accuracy"] for r in runs if r["study"] == "verdict" and r["network"] == network]
            assert f"{100 * np.mean(found):.2f}" in text, "make run NOTEBOOKS=keras_vs_pytorch"
