"""The benchmark: what it counts, what it records, and what it says when a framework fails."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools import benchmark

TOOL = Path(benchmark.__file__)


def run(*options, **environment):
    """Run the benchmark as `make` does, from another directory."""
    return subprocess.run(
        [sys.executable, TOOL, *map(str, options)],
        capture_output=True,
        text=True,
        timeout=600,
        cwd=TOOL.parent,
        env=os.environ | environment,
    )


def test_operations_are_counted_as_published():
    assert benchmark.dense_flops() == 454_400
    assert benchmark.cnn_flops() == 15_396_864


@pytest.mark.slow
@pytest.mark.parametrize("framework", ["pytorch", "keras"])
def test_networks_have_the_parameters_of_chapter_01(framework):
    with benchmark.Worker(framework) as worker:
        about = worker.ask("describe")
    assert about["parameters"] == {"dense": 109_386, "cnn": 225_034}
    assert about["threads"] >= 1
    assert set(about["versions"]) == set(benchmark.PACKAGES[framework])


@pytest.mark.slow
def test_an_error_in_a_worker_arrives_with_its_traceback():
    with benchmark.Worker("pytorch") as worker, pytest.raises(benchmark.WorkerError) as caught:
        worker.ask("epoch", network="dense", variant="tutorial")  # nothing is prepared
    assert "Traceback" in str(caught.value)
    assert "PyTorch" in str(caught.value)
    assert worker.process.poll() is not None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("planted", "said"),
    [
        ("raise RuntimeError('a planted failure')", "a planted failure"),
        ("import os; os._exit(7)", "exit code 7"),
        ("import faulthandler; faulthandler._sigsegv()", "Segmentation fault" if os.name == "posix" else "exit code"),
    ],
    ids=["exception", "exit", "crash"],
)
def test_a_worker_that_fails_is_reported_and_nothing_is_recorded(tmp_path, planted, said):
    package = tmp_path / "torch"
    package.mkdir()
    (package / "__init__.py").write_text(planted)
    output = tmp_path / "record.json"
    done = run("--images", 64, "--rounds", 1, "--output", output, PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    assert said in done.stderr
    assert "PyTorch" in done.stderr
    assert not output.exists()


def test_the_first_epoch_does_not_count_in_the_comparison():
    def answers(*seconds):
        return [{"seconds": second, "loss": 1.0} for second in seconds]

    measured = {
        (framework, network, variant): answers(90, 2, 9, 3) if variant == "tutorial" else answers(90, 0.5, 1, 3)
        for framework, network in benchmark.TARGETS
        for variant in benchmark.VARIANTS
    }
    parameters = {framework: {"dense": 109_386, "cnn": 225_034} for framework in benchmark.WORKERS}
    rows = benchmark.summarise(measured, {"pytorch": 100.0, "keras": 90.0}, parameters, images=54_000)
    by_name = {(row["framework"], row["network"]): row for row in rows}
    assert set(by_name) == set(benchmark.TARGETS)
    assert all(row["tutorial"]["first"] == 90 and row["tutorial"]["median"] == 3 for row in rows)
    assert all(math.isclose(row["times_faster"], 3) for row in rows)
    assert [row["reached"] for row in rows] == [row["target"] <= 3 for row in rows]
    # 454,400 operations x 54,000 images at the better of the two rates, 100 GFLOP/s.
    assert math.isclose(by_name["pytorch", "dense"]["floor_seconds"], 0.245376)
    text = benchmark.table(rows)
    assert len(text.splitlines()) == 5
    assert text.count("missed") == 1


@pytest.mark.slow
def test_a_small_run_records_every_row(tmp_path):
    output = tmp_path / "record.json"
    done = run("--images", 384, "--rounds", 1, "--output", output)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    record = json.loads(output.read_text())
    assert set(record) == {"machine", "versions", "matmul_gflops", "images", "rounds", "targets", "rows"}
    assert (record["images"], record["rounds"]) == (384, 1)
    assert all(rate > 1 for rate in record["matmul_gflops"].values())
    assert {(row["framework"], row["network"]) for row in record["rows"]} == set(benchmark.TARGETS)
    for row in record["rows"]:
        for variant in benchmark.VARIANTS:
            times = row[variant]
            assert 0 < times["min"] <= times["median"] <= times["max"] < times["first"] * 100
            assert len(times["epochs"]) == record["rounds"]
            # No network is worse than guessing by much, and none has learnt everything from 384 images.
            assert all(0 < loss < 5 for loss in times["losses"])
            assert row[f"{variant}_times_floor"] > 1
        assert math.isclose(row["times_faster"], row["tutorial"]["median"] / row["chapter"]["median"])
        assert row["parameters"] in (109_386, 225_034)


def test_a_quick_look_does_not_replace_the_published_record(tmp_path):
    published = benchmark.MODELS / "benchmark.json"
    assert benchmark.read_options([]).output == published
    assert benchmark.read_options(["--rounds", "2"]).output == published
    assert benchmark.read_options(["--images", "64"]).output is None
    assert benchmark.read_options(["--no-record"]).output is None
    assert benchmark.read_options(["--images", "64", "--output", str(tmp_path)]).output == tmp_path
