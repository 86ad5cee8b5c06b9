"""The further networks of chapter 04: a series that is stopped goes on where it was, and measures what it says."""

import pytest

from tests.series import assert_complete, work
from tools.measure import mistakes, resumable

pytestmark = pytest.mark.slow


def test_interrupted_mistakes_go_on_where_they_stopped(tmp_path):
    options = ("--seeds", "2")
    runs, printed = work(mistakes.SERIES, tmp_path, *options)
    assert_complete(mistakes.SERIES, runs, printed, parts=("fold", "network"), seeds=(2,))
    for each in runs:
        if each["part"] == "network":
            assert 0 < each["temperature"] <= 10 and 0 <= each["calibration_error"]["after"] <= 1
            assert len(each["perturbed"]) == 6 and set(each["no_clothes"]) == {"digits", "noise", "upside-down shirts"}
        each["seconds"] = -1  # tells those that were kept from those that are made again
    lost = next(each for each in runs if each["part"] == "fold")
    older = next(each for each in runs if each["part"] == "network" and each["framework"] == "pytorch")
    older["recipe"] = "of older code"
    mistakes.SERIES.write([each for each in runs if each is not lost], tmp_path)
    again, _ = work(mistakes.SERIES, tmp_path, *options, "--framework", "pytorch")
    made_again = {resumable.run_id(each): each for each in again if each["seconds"] >= 0}
    assert set(made_again) == {resumable.run_id(lost), resumable.run_id(older)}
    assert made_again[resumable.run_id(lost)]["logits_below"] == lost["logits_below"], "the same seed"
