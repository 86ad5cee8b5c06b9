"""Submission files: written as competitions want them, and what a check refuses."""

import pytest

from fmnist import submissions


def test_what_is_written_passes_the_check(root):
    path = submissions.write("06_residual_keras", [3, 0, 9])
    assert path == root / "submissions" / "06_residual_keras.csv"
    assert path.read_bytes() == b"id,label\n0,3\n1,0\n2,9\n"
    assert submissions.check(path, rows=3) == [3, 0, 9]


@pytest.mark.parametrize(
    ("text", "rows", "said"),
    [
        ("Id,Label\n0,3\n", 1, "first line must be id,label"),
        ("id,label\n1,3\n", 1, "Line 2 must begin with 0"),
        ("id,label\n0,3\n0,3\n", 2, "Line 3 must begin with 1"),
        ("id,label\n0\n", 1, "Line 2 must begin with 0"),
        ("id,label\n0,10\n", 1, "Line 2 has the label '10'"),
        ("id,label\n0,3.0\n", 1, "Line 2 has the label '3.0'"),
        ("id,label\n0,-1\n", 1, "0 to 9 are allowed"),
        ("id,label\n0,3\n", 10_000, "must be 10,000 rows after the first line, and there are 1"),
    ],
)
def test_what_the_check_refuses(tmp_path, text, rows, said):
    path = tmp_path / "submission.csv"
    path.write_text(text)
    with pytest.raises(submissions.SubmissionError, match=said):
        submissions.check(path, rows)
