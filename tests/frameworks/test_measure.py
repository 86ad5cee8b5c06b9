"""The tools that measure, with the frameworks: which networks they train, and what a quick look records."""

import json
import math
import os

import numpy as np
import pytest

from fmnist.chapters import FRAMEWORKS
from tests.helpers import NOTEBOOKS, ROOT, read, run_python, settings
from tests.series import assert_complete, work
from tools.measure import (
    benchmark,
    common,
    costs,
    costs_process,
    installed,
    resumable,
    study,
    study_plan,
    time_to_accuracy,
)

pytestmark = pytest.mark.slow

PARAMETERS = {"dense": 109_386, "cnn": 225_034}
CHAPTER_01 = settings(read("keras/01_dense_and_cnn"))


def run(tool, folder, *arguments):
    """Run a tool as `python -m` from another folder than the repository's.

    Where several copies of the repository share one environment, the package is that of this copy.
    """
    command = ["-m", f"tools.measure.{tool}", *map(str, arguments)]
    path = os.pathsep.join(map(str, (ROOT, NOTEBOOKS)))
    return run_python(*command, cwd=folder, timeout=600, env=os.environ | {"PYTHONPATH": path})


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_both_ways_train_the_networks_of_chapter_01(workers, framework):
    networks = workers.ask(framework, "measure", ("networks", None))
    assert {name: found["parameters"] for name, found in networks.items()} == PARAMETERS
    dropout = CHAPTER_01["DROPOUT"]
    for name, found in networks.items():
        layers, predictions = found["layers"], found["predictions"]
        chapter, tutorial = layers["chapter"], layers["tutorial"]
        if framework == "keras":
            assert tutorial[:-1] == chapter[:-1]
            assert tutorial[-1] == ("Dense", {"units": 10, "activation": "softmax"})
            assert chapter[-1] == ("Dense", {"units": 10, "activation": "linear"})
            assert (("Dropout", {"rate": dropout}) in tutorial) == (name == "cnn")
        else:
            assert sorted(layers["tutorial"]) == sorted(layers["faster"]) == sorted(chapter)
            assert any(f"Dropout(p={dropout}" in layer for layer in tutorial) == (name == "cnn")
        # The same weights give the same predictions: nothing else differs.
        for variant in set(predictions) - {"chapter"}:
            np.testing.assert_allclose(predictions[variant], predictions["chapter"], atol=1e-5)


def test_each_way_of_pytorch_trains_as_it_is_said_to(workers):
    found = workers.ask("pytorch", "measure", ("trainings", None))
    assert found.pop("threads") == 2  # as before
    expected = {row: variants for row, variants in benchmark.VARIANTS.items() if row[0] == "pytorch"}
    assert set(found) == {(network, way) for (_, network), ways in expected.items() for way in ways}
    networks = workers.ask("pytorch", "measure", ("networks", None))
    convolutions = {
        "tutorial": ["Conv2d", "ReLU", "MaxPool2d"] * 2,
        "chapter": [layer.split("(")[0] for layer in networks["cnn"]["layers"]["chapter"]][:6],
        "faster": ["Conv2d", "MaxPool2d", "ReLU"] * 2,
    }
    for (network, way), seen in found.items():
        assert seen["fused"] == (way == "faster"), (network, way)
        assert seen["threads"] == (1 if way == "one_thread" else 2), (network, way)
        if network == "cnn":
            assert seen["layers"][:6] == convolutions[way], way
            assert seen["channels_last"] == (way != "tutorial"), way


def test_keras_trains_as_in_the_notebook(workers):
    for found in workers.ask("keras", "measure", ("training", None)).values():
        assert found["ours"] == found["notebook"]


def test_pytorch_trains_as_in_the_notebook(workers):
    for found in workers.ask("pytorch", "measure", ("training", None)).values():
        (ours, our_adam), (losses, adam) = found["ours"], found["notebook"]
        assert len(ours) == len(losses) == CHAPTER_01["EPOCHS"]
        np.testing.assert_allclose(ours, losses, rtol=1e-3)
        assert our_adam == adam


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_cell_that_builds_and_trains_gives_the_same_twice(workers, framework):
    found = workers.ask(framework, "measure", ("again", None))
    assert set(found) == {"dense", "cnn"}
    for once, again in found.values():
        assert once == again and len(once) == 2


def test_pooling_before_relu_trains_to_the_same_bits(workers):
    """The study trains with pooling before ReLU, the notebook has it behind: the weights after ten steps are one."""
    one, other = workers.ask("pytorch", "measure", ("orders", None))
    assert [weights.shape for weights in one] == [weights.shape for weights in other]
    for ours, theirs in zip(one, other, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert any(np.ptp(weights) > 0 for weights in one)


def test_a_small_benchmark_records_every_row(tmp_path, monkeypatch):
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    done = run("benchmark", tmp_path, "--images", 384, "--rounds", 1, "--output", "record.json")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] == "Written: record.json"
    record = json.loads((tmp_path / "record.json").read_text())
    assert set(record) == {
        "machine", "versions", "settings", "onednn", "matmul_gflops", "images", "rounds", "targets", "rows",
        "time_to_accuracy",
    }  # fmt: skip
    assert (record["images"], record["rounds"]) == (384, 1)
    assert set(record["versions"]) == {"python", "numpy", "keras", "tensorflow", "torch", "torchvision"}
    assert set(record["machine"]) == {"platform", "cpu", "cpu_count", "threads"}
    assert all(record["machine"]["threads"][framework] >= 1 for framework in FRAMEWORKS)
    for framework in FRAMEWORKS:
        assert {name.upper(): value for name, value in record["settings"][framework].items()} == {
            name: CHAPTER_01[name] for name in ("EPOCHS", "BATCH_SIZE", "LEARNING_RATE", "DROPOUT")
        }
    assert {process: record["onednn"][process] for process in ("keras", "keras_plain")} == {
        "keras": "1", "keras_plain": "TensorFlow's choice",
    }  # fmt: skip
    assert set(record["matmul_gflops"]) == set(record["onednn"]) == {*FRAMEWORKS, "keras_plain"}
    assert all(rate > 0.1 for rate in record["matmul_gflops"].values())
    assert {(row["framework"], row["network"]) for row in record["rows"]} == set(benchmark.VARIANTS)
    for row in record["rows"]:
        variants = benchmark.VARIANTS[row["framework"], row["network"]]
        assert {name for name in row if name in benchmark.TITLES} == set(variants)
        for variant in variants:
            times = row[variant]
            assert 0 < times["min"] <= times["median"] <= times["max"] < times["first"] * 100
            assert len(times["epochs"]) == record["rounds"]
            # No network is worse than guessing by much, and none has learnt everything from 384 images.
            assert all(0 < loss < 5 for loss in times["losses"])
            assert row[f"{variant}_times_floor"] == pytest.approx(times["median"] / row["floor_seconds"])
            assert row[f"{variant}_times_floor"] > 1
        assert math.isclose(row["times_faster"], row["tutorial"]["median"] / row["chapter"]["median"])
        assert row["parameters"] == PARAMETERS[row["network"]]
    race = record["time_to_accuracy"]
    assert [(row["framework"], row["way"]) for row in race["rows"]] == [
        (framework, way) for framework in reversed(FRAMEWORKS) for way in time_to_accuracy.WAYS
    ]
    for row in race["rows"]:
        (one,) = row["runs"]
        assert len(one["seconds"]) == len(one["accuracy"]) == 2 and 0 < one["seconds"][0] < one["seconds"][1]
        assert row["median"] is None and all(0 < accuracy < 0.9 for accuracy in one["accuracy"])
    assert str(ROOT) not in json.dumps(record)


def test_a_small_measurement_of_costs_records_every_number(tmp_path, monkeypatch, capfd):
    """One network: each process starts its framework afresh. The other network is measured below."""
    disk = {each: {"total_mb": 900.1, "cuda_mb": 0.0, "largest": {each: 500.0}} for each in FRAMEWORKS}
    monkeypatch.setattr(installed, "sizes", lambda: disk)
    monkeypatch.setattr(common, "NETWORKS", ("cnn",))
    monkeypatch.chdir(tmp_path)
    assert costs.main(["--images", "384", "--rounds", "1", "--output", "costs.json"]) == 0
    printed = capfd.readouterr()
    assert printed.err == ""
    assert printed.out.splitlines()[-1] == "Written: costs.json"
    record = json.loads((tmp_path / "costs.json").read_text())
    assert set(record) == {"machine", "versions", "images", "rounds", "installed", "rows"}
    assert (record["images"], record["rounds"]) == (384, 1)
    assert set(record["machine"]) == {"platform", "cpu", "cpu_count", "threads"}
    assert all(record["machine"]["threads"][framework] >= 1 for framework in FRAMEWORKS)
    assert set(record["versions"]) == {"python", "numpy", "keras", "tensorflow", "torch", "torchvision"}
    assert record["installed"] == disk
    assert [(row["framework"], row["network"]) for row in record["rows"]] == [(each, "cnn") for each in FRAMEWORKS]
    for row in record["rows"]:
        assert set(row) == {"framework", "network", *costs.SECONDS, *costs.MEGABYTES, "latency_ms", "ways_of_training"}
        for name in costs.SECONDS:
            assert 0 < row[name]["min"] <= row[name]["median"] <= row[name]["max"] < 300, name
            assert len(row[name]["values"]) == (2 if name == "epoch_seconds" else 1)
        parts = row["import_seconds"]["median"] + row["first_epoch_seconds"]["median"]
        assert row["start_to_first_epoch_seconds"]["median"] == pytest.approx(parts, abs=0.002)
        # A framework alone takes more than Python with NumPy; the images are loaded after the import.
        assert 80 < row["memory_after_import_mb"]["median"] < row["peak_memory_mb"]["median"] < 20_000
        # Without a C++ compiler, PyTorch compiles nothing.
        compiles = row["framework"] == "keras" or costs_process.has_compiler()
        ways = {way for way in costs_process.WAYS[row["framework"]] if compiles or way != "function"}
        assert set(row["latency_ms"]) == ways
        assert set(row["ways_of_training"]) == {way for way in costs_process.TRAINING if compiles or way == "eager"}
        assert all(0 < way["min"] <= way["median"] < 300 for way in row["ways_of_training"].values())
        for way in row["latency_ms"].values():
            assert set(way) == {"1", "1000"}
            for times in way.values():
                assert 0 < times["p10"][0] <= times["median"] <= times["p90"][0] < 60_000
    assert str(ROOT) not in json.dumps(record)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_costs_of_the_dense_network_are_measured_too(workers, framework):
    found = workers.ask(framework, "measure", ("costs", "dense"))
    assert found["images"] == 384 and len(found["epoch_seconds"]) == 2
    assert found["first_epoch_seconds"] > 0 and min(found["epoch_seconds"]) > 0
    assert set(costs_process.WAYS[framework]) - set(found["latency_ms"]) <= {"function"}
    for way in found["latency_ms"].values():
        assert set(way) == set(costs_process.QUICK_CALLS)
        assert all(0 < times["p10"] <= times["median"] <= times["p90"] for times in way.values())


def test_an_interrupted_study_goes_on_where_it_stopped(tmp_path):
    options = ("--parts", "verdict", "aligned", "matched", "twin", "--seeds", "1")
    runs, printed = work(study.SERIES, tmp_path, *options)
    assert_complete(study.SERIES, runs, printed, parts=("verdict", "aligned", "matched", "twin"), seeds=(1,))
    for each in runs:
        each["seconds"] = -1  # tells those that were kept from those that are made again
    lost, older = [each for each in runs if each["framework"] == "pytorch"][:2]
    older["recipe"] = "of older code"
    study.SERIES.write([each for each in runs if each is not lost], tmp_path)
    again, _ = work(study.SERIES, tmp_path, *options, "--framework", "pytorch")
    made_again = {resumable.run_id(each): each for each in again if each["seconds"] >= 0}
    assert set(made_again) == {resumable.run_id(lost), resumable.run_id(older)}
    assert made_again[resumable.run_id(lost)]["predictions"] == lost["predictions"], "the same seed"


def test_each_default_of_the_study_trains(tmp_path):
    options = ("--parts", "defaults", "--seeds", "1", "--framework", "pytorch")
    runs, _ = work(study.SERIES, tmp_path, *options)
    assert {each["name"] for each in runs} == {
        f"{network} {change}" for network, changes in study_plan.CHANGES.items() for change in changes
    }
    losses = {each["name"]: each["curve"][-1]["loss"] for each in runs}
    assert len(set(losses.values())) == len(losses), "every change matters in the last digits"


def test_initial_weights_lie_where_they_are_said_to(workers):
    as_keras, as_pytorch = workers.ask("pytorch", "measure", ("initial_weights", None))
    for (weight, _), limit in ((as_keras, math.sqrt(6 / (784 + 128))), (as_pytorch, 1 / math.sqrt(784))):
        assert 0.99 * limit < weight <= limit
    assert as_keras[1] == 0 and as_pytorch[1] > 0


def test_a_matched_run_has_the_epsilon_of_keras(workers):
    of_the_study, aligned = workers.ask("pytorch", "measure", ("epsilon", None))
    np.testing.assert_allclose(of_the_study, aligned, rtol=1e-12)
