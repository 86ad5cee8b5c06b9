"""The benchmark: what it counts, what it summarises, how its processes are asked, and what it says when one fails."""

import contextlib
import json
import math
import os
import sys
from pathlib import Path

import pytest

from fmnist.chapters import FRAMEWORKS
from fmnist.paths import MODELS
from tools import readme
from tools.measure import benchmark, common, time_to_accuracy, tutorial, workers


def test_operations_are_counted_as_published():
    assert benchmark.dense_flops() == 454_400
    assert benchmark.cnn_flops() == 15_396_864


@pytest.fixture
def stand_ins(tmp_path, monkeypatch):
    """Return a function that plants packages which the processes find before the installed ones: {name: code}."""

    def plant(**packages):
        for name, code in packages.items():
            (tmp_path / name).mkdir()
            (tmp_path / name / "__init__.py").write_text(code)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    return plant


@pytest.mark.parametrize(
    ("planted", "said"),
    [
        ("raise RuntimeError('a planted failure')", "a planted failure"),
        ("import os; os._exit(7)", "exit code 7"),
        ("import faulthandler; faulthandler._sigsegv()", "Segmentation fault" if os.name == "posix" else "exit code"),
    ],
    ids=["exception", "exit", "crash"],
)
def test_a_worker_that_fails_is_reported_and_nothing_is_recorded(tmp_path, stand_ins, capfd, planted, said):
    stand_ins(torch=planted, keras="import time; time.sleep(60)")
    output = tmp_path / "record.json"
    assert benchmark.main(["--images", "64", "--rounds", "1", "--output", str(output)]) == 1
    error = capfd.readouterr().err
    assert said in error
    assert "PyTorch" in error
    assert not output.exists()


@pytest.mark.parametrize("policy", [None, "ACTIVE"])
def test_the_surroundings_say_how_threads_wait_only_if_the_user_does(monkeypatch, policy):
    code = """
import os
from tools.measure import workers
names = "OMP_WAIT_POLICY", "CUDA_VISIBLE_DEVICES"
workers.START["pytorch"] = lambda: workers.Framework({name: os.environ.get(name) for name in names}, None, None)
workers.serve("pytorch", None)
"""
    monkeypatch.setattr(common, "worker_command", lambda *_: [sys.executable, "-c", code])
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    if policy:
        monkeypatch.setenv("OMP_WAIT_POLICY", policy)
    with workers.Worker("pytorch") as worker:
        assert worker.ask("describe") == {"OMP_WAIT_POLICY": policy, "CUDA_VISIBLE_DEVICES": "-1"}


@pytest.mark.parametrize("chosen", [None, "0"])
def test_the_usual_start_of_keras_leaves_onednn_to_tensorflow(tmp_path, monkeypatch, chosen):
    (tmp_path / "keras.json").write_text('{"floatx": "float16"}')
    for name, value in (("KERAS_HOME", str(tmp_path)), ("KERAS_BACKEND", "jax"), ("TF_CPP_MIN_LOG_LEVEL", "0")):
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    if chosen:
        monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", chosen)
    with tutorial.keras_start():
        assert os.environ.get("TF_ENABLE_ONEDNN_OPTS") == chosen
        assert os.environ["KERAS_BACKEND"] == "tensorflow"
        assert not any(Path(os.environ["KERAS_HOME"]).iterdir())


def test_an_error_in_a_worker_arrives_with_its_traceback(monkeypatch):
    code = """
from tools.measure import workers
workers.START["pytorch"] = lambda: workers.Framework({"threads": 3}, None, None)
workers.serve("pytorch", None)
"""
    monkeypatch.setattr(common, "worker_command", lambda *_: [sys.executable, "-c", code])
    with workers.Worker("pytorch") as worker:
        assert worker.ask("describe") == {"threads": 3}
        with pytest.raises(workers.WorkerError) as caught:
            worker.ask("epoch", network="dense", variant="tutorial")  # nothing is prepared
    assert "Traceback" in str(caught.value) and "KeyError" in str(caught.value)
    assert "PyTorch" in str(caught.value)
    assert worker.process.poll() is not None


@pytest.fixture
def rows():
    """The rows of a record in which the usual way takes 3 s an epoch, the chapter's 1 s, and every other 0.8 s."""
    seconds = {"tutorial": (90, 2, 9, 3), "chapter": (90, 0.5, 1, 3)}
    measured = {
        (*row, variant): [{"seconds": each, "loss": 1.0} for each in seconds.get(variant, (90, 0.8, 0.7, 0.9))]
        for row, variants in benchmark.VARIANTS.items()
        for variant in variants
    }
    parameters = {framework: {"dense": 109_386, "cnn": 225_034} for framework in FRAMEWORKS}
    rates = {"pytorch": 100.0, "keras": 90.0, "keras_plain": 80.0}
    return benchmark.summarise(measured, rates, parameters, images=54_000)


def test_the_first_epoch_does_not_count_in_the_comparison(rows):
    by_name = {(row["framework"], row["network"]): row for row in rows}
    assert set(by_name) == set(benchmark.VARIANTS)
    assert all(row["tutorial"]["first"] == 90 and row["tutorial"]["median"] == 3 for row in rows)
    assert all(math.isclose(row["times_faster"], 3) for row in rows)
    assert [row["reached"] for row in rows] == [row["target"] <= 3 for row in rows]
    # 454,400 operations x 54,000 images at the best of the rates, 100 GFLOP/s.
    assert math.isclose(by_name["pytorch", "dense"]["floor_seconds"], 0.245376)
    lines = benchmark.table(rows).splitlines()
    assert len(lines) == 1 + 11
    assert [" ".join(line.split()[:4]) for line in lines if "missed" in line] == ["PyTorch dense chapter 01"]
    assert sum("3.00 (2.00-9.00)" in line for line in lines) == 4


def test_what_makes_the_chapter_faster_is_recorded_where_it_was_measured(rows):
    applied = {(row["framework"], row["network"]): row.get("times_faster_applied") for row in rows}
    assert applied == {
        ("pytorch", "dense"): pytest.approx(3.75), ("pytorch", "cnn"): pytest.approx(3.75),
        ("keras", "dense"): None, ("keras", "cnn"): None,
    }  # fmt: skip
    with_target = [row for row in rows if "target_applied" in row]
    assert [(row["network"], row["target_applied"], row["reached_applied"]) for row in with_target] == [
        ("cnn", 3.5, True)
    ]
    assert [row["network"] for row in rows if "one_thread" in row] == ["dense"]
    for row in rows:
        assert ("faster" in row) == ("faster_times_floor" in row) == (row["framework"] == "pytorch")


def test_the_readme_shows_a_record_of_today(rows, tmp_path, monkeypatch):
    record = {"machine": common.machine({"keras": 3, "pytorch": 2}), "matmul_gflops": {"keras_plain": 123.4}}
    (tmp_path / "benchmark.json").write_text(json.dumps(record | {"rows": rows}))
    monkeypatch.setattr(readme, "MODELS", tmp_path)
    text = readme.speed()
    assert text.count("| 3.0 s | 1.0 s, 3.0× |") == 4
    assert "3 threads, 123 GFLOP/s" in text and "91.5%" not in text, "a record may lack the second part"
    runs = {way: [{"seed": 1, "seconds": [s], "accuracy": [0.92], "reached": s}] for way, s in
            {"tutorial": 300.0, "chapter": 200.0, "residual": 60.0}.items()}  # fmt: skip
    race = time_to_accuracy.summarise({(f, way): each for f in FRAMEWORKS for way, each in runs.items()})
    (tmp_path / "benchmark.json").write_text(json.dumps(record | {"rows": rows, "time_to_accuracy": race}))
    text = readme.speed()
    assert "until the validation accuracy first reaches 91.5%, medians of 1 seeds" in text
    assert text.count("| 300 s | 200 s, 1.5× | 60 s, 5.0× |") == 2


def test_a_quick_look_does_not_replace_the_published_record(tmp_path):
    published = MODELS / "benchmark.json"
    assert benchmark.read_options([]).output == published
    assert benchmark.read_options(["--rounds", "2"]).output == published
    assert benchmark.read_options(["--images", "64"]).output is None
    assert benchmark.read_options(["--no-record"]).output is None
    assert benchmark.read_options(["--images", "64", "--output", str(tmp_path)]).output == tmp_path


def test_a_part_that_is_not_asked_for_stays_in_the_record(tmp_path, monkeypatch):
    path = tmp_path / "record.json"
    path.write_text(json.dumps({"rows": ["kept"], "time_to_accuracy": "old"}))

    class Quiet(contextlib.nullcontext):
        def __init__(self, process, images):
            super().__init__(self)

        def ask(self, do):
            return {"threads": 1}

    monkeypatch.setattr(benchmark, "Worker", Quiet)
    monkeypatch.setattr(benchmark, "time_accuracy", lambda *_: "new")
    monkeypatch.setattr(benchmark, "time_epochs", lambda *_: {"rows": ["new"]})
    benchmark.run(benchmark.read_options(["--parts", "accuracy", "--output", str(path)]))
    assert json.loads(path.read_text()) == {"rows": ["kept"], "time_to_accuracy": "new"}
    benchmark.run(benchmark.read_options(["--output", str(path)]))
    assert json.loads(path.read_text()) == {"rows": ["new"], "time_to_accuracy": "new"}


def test_paths_are_shown_below_the_repository(tmp_path):
    assert common.shown_path(MODELS / "benchmark.json") == "models/benchmark.json"
    assert common.shown_path(tmp_path / "x.json") == str(tmp_path / "x.json")
