"""Every snippet of the table "the same step in both" runs, and does what its row says."""

import pytest


@pytest.mark.slow
@pytest.mark.parametrize("framework", ["keras", "pytorch"])
def test_the_column_runs_from_top_to_bottom(framework, workers, tmp_path):
    found = workers.ask(framework, "rosetta", {"folder": str(tmp_path)})
    assert "101,770" in found["printed"] or "101770" in found["printed"]
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
