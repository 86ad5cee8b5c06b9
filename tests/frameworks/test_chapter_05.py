"""Chapter 05: its networks are the same in both frameworks, and the experiments go on where they were stopped."""

import json
import os

import pytest

from fmnist.chapters import FRAMEWORKS
from tests.helpers import ROOT, run_python
from tools.measure import experiments, experiments_plan

pytestmark = pytest.mark.slow


def test_the_twins_build_the_same_networks(workers):
    """With the same weights both give the same logits, whatever the pooling, the padding and the kind of layer."""
    found = workers.ask("both", "architectures", timeout=600)
    assert len(found) > 30
    for network, each in found.items():
        assert each["keras"] == each["pytorch"], network
        assert each["difference"] < 1e-5, network
        assert each["pooled sooner"] == 0, network
    parameters = {str(options): each["pytorch"] for (_, options), each in found.items()}
    assert parameters["{'units': [128]}"] == 101_770
    assert parameters["{'filters': [64, 64]}"] == 243_786
    counted = found["build_cnn", str(experiments_plan.CNN[1])]["multiplications"]
    assert counted == experiments_plan.MOST_MULTIPLICATIONS == 26**2 * 9 * 32 + 11**2 * 288 * 64 + 1600 * 128 + 1280


def test_interrupted_experiments_go_on_where_they_stopped(tmp_path):
    command = ["-m", "tools.measure.experiments", "--images", "200", "--epochs", "1", "--parts", "pixels", "timing"]
    command += ["--seeds", "0", "1", "--processes", "1", "--folder", str(tmp_path)]

    def run(*more):
        done = run_python(*command, *more, cwd=ROOT, env=os.environ, timeout=300)
        assert done.returncode == 0, done.stderr
        return experiments.read(tmp_path), done.stdout

    runs, printed = run()
    for framework in FRAMEWORKS:
        own = {experiments_plan.run_id(each) for each in runs if each["framework"] == framework}
        planned = [each for each in experiments_plan.wanted(framework) if each["part"] in ("pixels", "timing")]
        planned = [each for each in planned if each["seed"] in (0, 1)]
        assert own == {experiments_plan.run_id(each) for each in planned}
        assert f"{len(own)} runs in" in printed
    pytorch = [each for each in runs if each["framework"] == "pytorch"]
    timing = pytorch.pop()
    assert timing["part"] == "timing", "it is last, because it needs the machine for itself"
    assert len(timing["epoch_seconds"]) == len(timing["networks"]) > 30 and min(timing["epoch_seconds"]) > 0
    for each in runs:
        each["seconds"] = -1  # tells those that were kept from those that are made again
    pytorch[0]["recipe"] = "of older code"
    lost = pytorch[1]
    experiments.write([each for each in runs if each is not lost], tmp_path)
    again, _ = run("--framework", "pytorch")
    made_again = [each for each in again if each["seconds"] >= 0]
    assert {experiments_plan.run_id(each) for each in made_again} == {
        experiments_plan.run_id(pytorch[0]), experiments_plan.run_id(lost)
    }  # fmt: skip
    curves = {
        experiments_plan.run_id(each): each["curves"]
        for each in again
        if "curves" in each and each["framework"] == "pytorch"
    }
    assert json.dumps(curves[experiments_plan.run_id(lost)]) == json.dumps(lost["curves"]), "the same seed"
