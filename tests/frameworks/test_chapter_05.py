"""Chapter 05: its networks are the same in both frameworks, and the experiments go on where they were stopped."""

import json

import pytest

from tests.series import assert_complete, work
from tools.measure import experiments, experiments_plan, resumable

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
    options = ("--parts", "pixels", "timing", "--seeds", "0", "1")
    runs, printed = work(experiments.SERIES, tmp_path, *options)
    assert_complete(experiments.SERIES, runs, printed, parts=("pixels", "timing"), seeds=(0, 1))
    pytorch = [each for each in runs if each["framework"] == "pytorch"]
    timing = pytorch.pop()
    assert timing["part"] == "timing", "it is last, because it needs the machine for itself"
    assert len(timing["epoch_seconds"]) == len(timing["networks"]) > 30 and min(timing["epoch_seconds"]) > 0
    for each in runs:
        each["seconds"] = -1  # tells those that were kept from those that are made again
    pytorch[0]["recipe"] = "of older code"
    lost = pytorch[1]
    experiments.SERIES.write([each for each in runs if each is not lost], tmp_path)
    again, _ = work(experiments.SERIES, tmp_path, *options, "--framework", "pytorch")
    made_again = [each for each in again if each["seconds"] >= 0]
    assert {resumable.run_id(each) for each in made_again} == {
        resumable.run_id(pytorch[0]), resumable.run_id(lost)
    }  # fmt: skip
    curves = {
        resumable.run_id(each): each["curves"] for each in again if "curves" in each and each["framework"] == "pytorch"
    }
    assert json.dumps(curves[resumable.run_id(lost)]) == json.dumps(lost["curves"]), "the same seed"
