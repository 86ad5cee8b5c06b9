"""Every snippet of the table "the same step in both" runs, and does what its row says."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import rosetta

STEPS = {
    "load and prepare", "seed", "device", "build", "summary", "loss", "optimizer", "one training step",
    "learning-rate schedule", "train", "evaluate", "predict", "save", "load", "early stop, keeping the best",
    "augmentation: flip half of a batch",
}  # fmt: skip
FRAMEWORKS = ("keras", "pytorch")


def test_the_table_has_every_step_of_chapter_01():
    keras, pytorch = (rosetta.snippets(framework) for framework in FRAMEWORKS)
    assert set(keras) == set(pytorch) == STEPS
    for code in (*keras.values(), *pytorch.values()):
        assert code.strip()
        assert all(len(line) <= 58 for line in code.splitlines()), code


def test_no_column_uses_the_other_framework():
    keras, pytorch = ("\n".join(rosetta.snippets(framework).values()) for framework in FRAMEWORKS)
    assert "torch" not in keras
    assert "keras" not in pytorch and "tf." not in pytorch


@pytest.mark.slow
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_column_runs_from_top_to_bottom(framework, tmp_path):
    script = Path(__file__).with_name("rosetta.py")
    done = subprocess.run(
        [sys.executable, script, framework], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert "101,770" in done.stdout or "101770" in done.stdout
    assert 2.1 < found["first loss"] < 2.8  # ten classes, nothing learnt: ln 10 = 2.3
    assert 0.7 < found["accuracy"] < 0.9
    assert 0.3 < found["loss"] < 1
    assert found["probabilities"] == [1000, 10]
    assert found["sums"] == pytest.approx([1, 1], abs=1e-5)
    assert found["reloaded"]
    # A garment that is symmetrical to the pixel would count twice; there is none among these.
    assert found["flipped"] + found["kept"] == 128
    assert 40 < found["flipped"] < 88
    assert {path.name for path in tmp_path.iterdir()} == {"model.keras" if framework == "keras" else "model.pth"}
